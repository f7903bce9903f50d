"""How good clusters are, pair by pair. A record's id says whose it is: rec-17-org and rec-17-dup-0 are one person."""

import csv
from collections import Counter
from itertools import combinations


def person(rec_id):
    return rec_id.split("-")[1]


def pairs(sizes):
    return sum(n * (n - 1) // 2 for n in sizes)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        yield from rows


def kin(rows):
    """Yields the pairs of different people that are hardest to tell apart: one surname and address, and either one birth
    date (twins) or one given name (juniors, daughters with their mother's name)."""
    homes = {}
    for row in rows:
        if row[0].endswith("-org"):
            homes.setdefault((row[2], row[3], row[4], row[7]), []).append(row)
    for home in homes.values():
        for a, b in combinations(home, 2):
            if person(a[0]) != person(b[0]) and (a[1] == b[1] or a[9] == b[9]):
                yield a[0], b[0]


class Scores:
    """Counts of pairs: `true` in the data, `put` together, `right` of them; `shown` together or in review."""

    def __init__(self, ids, cluster_of, review, kin=()):
        """`ids`: all records; `cluster_of`: record -> cluster (absent: alone); `review` and `kin`: pairs of records."""
        self.true = pairs(Counter(person(i) for i in ids).values())
        self.put = pairs(Counter(cluster_of.values()).values())
        self.right = pairs(Counter((c, person(i)) for i, c in cluster_of.items()).values())
        listed = {(min(a, b), max(a, b)) for a, b in review}
        asked = {(a, b) for a, b in listed if cluster_of.get(a, a) != cluster_of.get(b, b)}
        hits = [(a, b) for a, b in asked if person(a) == person(b)]
        self.asked = len(asked)
        self.shown = self.right + len(hits)
        self.kin = len(kin)
        self.merged_kin = sum(cluster_of.get(a, a) == cluster_of.get(b, b) for a, b in kin)
        self.reviewed = pairs(closure(ids, cluster_of, hits))

    def line(self):
        rate = lambda part, whole: part / whole if whole else 1.0
        return {
            "true": self.true,
            "found": self.put,
            "precision": rate(self.right, self.put),
            "recall": rate(self.right, self.true),
            "asked": self.asked,
            "shown": rate(self.shown, self.true),
            "reviewed": rate(self.reviewed, self.true),
            "kin": self.kin,
            "merged_kin": self.merged_kin,
        }


def closure(ids, cluster_of, accepted):
    """Sizes of the true groups, once every true pair in review is accepted and joins the clusters of its records."""
    above = {}

    def root(x):
        while above.get(x, x) != x:
            above[x] = above.get(above[x], above[x])
            x = above[x]
        return x

    for a, b in accepted:
        above[root(("c", cluster_of.get(a, a)))] = root(("c", cluster_of.get(b, b)))
    return Counter((root(("c", cluster_of.get(i, i))), person(i)) for i in ids).values()
