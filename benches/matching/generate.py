"""Writes people with duplicates, in Febrl's columns, whose truth is known.

usage: generate.py N FILE.csv [--seed S] [--duplicates 0.2]

The records are N, of which a share are duplicates, at most three per person: rec-17-org is a person as first registered,
rec-17-dup-0 a duplicate. People live in households that share surname and address, and that is what makes them hard to
tell apart: couples, children, twins (same birth date), juniors (a son with his father's name), and daughters with their
mother's. Duplicates have slips of the keyboard, names written by ear, nicknames, exchanged names, exchanged days and months,
empty cells; people have moved and married. The same seed gives the same bytes. Memory does not grow with N.
"""

import argparse
import csv
import random
from bisect import bisect
from itertools import accumulate

COLUMNS = "rec_id given_name surname street_number address_1 address_2 suburb postcode state date_of_birth soc_sec_id".split()
GIVEN, SURNAME, NUMBER, STREET, UNIT, SUBURB, POSTCODE, STATE, BIRTH, SSN = range(10)

GIRLS = """olivia charlotte emily isabella jessica sarah sophie hannah chloe grace emma lucy ruby alice margaret elizabeth
catherine rebecca laura helen susan patricia barbara jennifer michelle amanda nicole rachel deborah christine judith pamela
caroline georgia matilda zoe amelia mia ella ava lily eva nina tara bianca holly phoebe stephanie""".split()
BOYS = """jack william james thomas joshua daniel lachlan benjamin samuel matthew nicholas alexander michael david peter john
robert andrew christopher anthony stephen timothy patrick edward george henry oliver noah ethan liam jacob lucas ryan cooper
harrison jayden luke adam mark paul kevin brian graham kenneth gregory dylan connor hamish angus""".split()
SURNAMES = """smith jones williams brown wilson taylor johnson white martin anderson thompson nguyen walker harris lee ryan
robinson kelly king davis wright evans roberts green hall wood jackson clarke patel khan lewis james phillips scott cooper
hughes edwards murphy turner morris watson stewart bell campbell mitchell mcdonald ross reid young carter collins moore""".split()
NICKNAMES = dict(pair.split("-") for pair in """elizabeth-liz catherine-kate rebecca-becky margaret-maggie jennifer-jenny
patricia-pat susan-sue christine-chris stephanie-steph william-bill james-jim thomas-tom joshua-josh daniel-dan
benjamin-ben samuel-sam matthew-matt nicholas-nick alexander-alex michael-mike robert-bob andrew-andy christopher-chris
anthony-tony stephen-steve timothy-tim edward-ted kenneth-ken gregory-greg""".split())
BY_EAR = [("ph", "f"), ("ck", "k"), ("c", "k"), ("y", "i"), ("ie", "y"), ("th", "t"), ("ll", "l"), ("nn", "n"), ("s", "z"), ("ee", "ea")]
ONSETS = "b bl br c ch cl d dr f fl g gr h j k l m n p pr r s sh st t th tr v w".split()
VOWELS = "a a e e i i o o u ai ea ee oo ou".split()
SURNAME_ENDS = "ton ford ley man well son wood worth field ner by ham ett ling sen ski ic ard ock er".split()
SUBURB_ENDS = "vale brook field ton ville dale hill wood bank haven park water point".split()
KINDS = "street street street road road avenue place crescent close court drive circuit".split()
STATES = {"nsw": "2", "vic": "3", "qld": "4", "sa": "5", "wa": "6", "tas": "7", "act": "26", "nt": "08"}
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
MOST_WAITING = 20_000


class Ranked:
    """A list of which the first entries are common and the last are rare, as names are (Zipf)."""

    def __init__(self, items, exponent):
        self.items = list(dict.fromkeys(items))
        self.sums = list(accumulate(1 / (rank + 10) ** exponent for rank in range(len(self.items))))

    def draw(self, dice):
        return self.items[bisect(self.sums, dice.random() * self.sums[-1])]


class World:
    def __init__(self, seed):
        self.dice = dice = random.Random(seed)
        words = lambda count, ends: (self.word() + dice.choice(ends) for _ in range(count))
        self.girls = Ranked([*GIRLS, *words(1200, ["a", "ine", "elle", "ia", "y"])], 1.05)
        self.boys = Ranked([*BOYS, *words(1200, ["o", "an", "on", "us", "el"])], 1.05)
        self.surnames = Ranked([*SURNAMES, *words(30_000, SURNAME_ENDS)], 0.95)
        self.streets = Ranked(words(15_000, ["", "n", "l", "r", "ley", "ton", "worth"]), 0.6)
        suburbs = []
        for name in dict.fromkeys(words(4000, SUBURB_ENDS)):
            state = dice.choices(list(STATES), [32, 26, 20, 7, 11, 2, 1, 1])[0]
            code = STATES[state]
            suburbs.append((name, code + "".join(dice.choices("0123456789", k=4 - len(code))), state))
        self.suburbs = Ranked(suburbs, 0.5)

    def word(self):
        dice = self.dice
        return "".join(dice.choice(ONSETS) + dice.choice(VOWELS) for _ in range(dice.choice((1, 1, 2))))

    def address(self):
        dice = self.dice
        suburb, postcode, state = self.suburbs.draw(dice)
        unit = f"unit {dice.randint(1, 40)}" if dice.random() < 0.15 else self.word() + " lodge" if dice.random() < 0.1 else ""
        street = f"{self.streets.draw(dice)} {dice.choice(KINDS)}"
        return [str(min(dice.randint(1, 120), dice.randint(1, 300))), street, unit, suburb, postcode, state]

    def born(self, first, last):
        dice = self.dice
        month = dice.randint(1, 12)
        days = 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31
        return f"{dice.randint(first, last)}{month:02d}{dice.randint(1, days):02d}"

    def number(self):
        return str(self.dice.randint(1_000_000, 9_999_999))

    def household(self):
        """Returns the people of one address: (is a woman, fields)."""
        dice, surname, address = self.dice, self.surnames.draw(self.dice), self.address()
        people = []

        def add(woman, given, born, name=surname):
            people.append((woman, [given, name, *address, born, self.number()]))

        woman, oldest = dice.random() < 0.5, dice.randint(1928, 2000)
        add(woman, self.given(woman), self.born(oldest, oldest))
        if dice.random() < 0.6:
            name = surname if dice.random() < 0.8 else self.surnames.draw(dice)
            add(not woman, self.given(not woman), self.born(max(1925, oldest - 6), min(2002, oldest + 6)), name)
            for _ in range(dice.choices((0, 1, 2, 3), (0.4, 0.25, 0.25, 0.1))[0]):
                self.child(add, people, oldest)
        elif dice.random() < 0.1:
            add(dice.random() < 0.5, self.given(woman), self.born(1940, 2002), self.surnames.draw(dice))
        return people

    def child(self, add, people, oldest):
        dice, woman = self.dice, self.dice.random() < 0.5
        given, born, chance = self.given(woman), self.born(min(oldest + 20, 2022), min(oldest + 38, 2023)), dice.random()
        if chance < 0.03 and len(people) > 2:
            born = people[-1][1][BIRTH]  # a twin
        elif chance < 0.06:  # a junior, or a daughter with her mother's name
            given = next((fields[GIVEN] for is_woman, fields in people[:2] if is_woman == woman), given)
        add(woman, given, born)

    def given(self, woman):
        return (self.girls if woman else self.boys).draw(self.dice)

    def duplicate(self, woman, fields):
        """Returns the person as registered a second time: with one to four faults, but not the same record again."""
        again = list(fields)
        while again == fields:
            for _ in range(self.dice.choices((1, 2, 3, 4), (0.45, 0.3, 0.17, 0.08))[0]):
                self.fault(woman, again)
        return again

    def fault(self, woman, fields):
        dice, chance = self.dice, self.dice.random()
        if chance < 0.08:
            fields[GIVEN], fields[SURNAME] = fields[SURNAME], fields[GIVEN]
        elif chance < 0.16:
            fields[NUMBER : STATE + 1] = self.address()
        elif chance < 0.20:
            if woman or dice.random() < 0.2:
                fields[SURNAME] = self.surnames.draw(dice)
        elif chance < 0.36:
            fields[dice.choice((GIVEN, SURNAME, NUMBER, STREET, POSTCODE, BIRTH, SSN, SSN))] = ""
        elif chance < 0.43:
            born = fields[BIRTH]
            fields[BIRTH] = born[:4] + born[6:] + born[4:6]
        elif chance < 0.48:
            fields[GIVEN] = NICKNAMES.get(fields[GIVEN], fields[GIVEN])
        elif chance < 0.58:
            field = dice.choice((GIVEN, SURNAME, SURNAME, STREET, SUBURB))
            fields[field] = self.by_ear(fields[field])
        else:
            field = dice.choice((GIVEN, GIVEN, SURNAME, SURNAME, NUMBER, STREET, STREET, SUBURB, POSTCODE, BIRTH, BIRTH, SSN))
            fields[field] = self.slip(fields[field])

    def by_ear(self, text):
        fitting = [pair for pair in BY_EAR if pair[0] in text]
        return text.replace(*self.dice.choice(fitting), 1) if fitting else text

    def slip(self, text):
        """One letter missing, doubled, exchanged with the next, or the key beside it."""
        if len(text) < 2:
            return text
        dice, at = self.dice, self.dice.randrange(len(text) - 1)
        letter, how = text[at], dice.random()
        if how < 0.3:
            return text[:at] + text[at + 1 :]
        if how < 0.5:
            return text[:at] + letter + text[at:]
        if how < 0.75:
            return text[:at] + text[at + 1] + letter + text[at + 2 :]
        row = next((row for row in ROWS if letter in row), "0123456789")
        beside = row.find(letter) + dice.choice((-1, 1))
        return text[:at] + row[max(0, min(beside, len(row) - 1))] + text[at + 1 :]


def records(world, wanted, share):
    """Yields (id, fields): each person, followed at some distance by the duplicates."""
    dice, person, left = world.dice, 0, wanted
    chance = share / (1 - share) / 1.4  # a person with duplicates has 1.4 of them
    while left > 0:
        for woman, fields in world.household():
            copies = dice.choices((1, 2, 3), (0.7, 0.2, 0.1))[0] if dice.random() < chance else 0
            yield f"rec-{person}-org", fields
            for copy in range(copies):
                yield f"rec-{person}-dup-{copy}", world.duplicate(woman, fields)
            person, left = person + 1, left - 1 - copies
            if left <= 0:
                return


def shuffled(dice, items, wanted):
    """Yields `wanted` of the items in another order, with a bounded number of them waiting."""
    waiting = []
    for _, item in zip(range(wanted), items):
        waiting.append(item)
        if len(waiting) > MOST_WAITING:
            at = dice.randrange(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            yield waiting.pop()
    dice.shuffle(waiting)
    yield from waiting


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("records", type=int)
    options.add_argument("file")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--duplicates", type=float, default=0.2)
    given = options.parse_args()
    world = World(given.seed)
    with open(given.file, "w", newline="", encoding="utf-8") as file:
        write = csv.writer(file, lineterminator="\n")
        write.writerow(COLUMNS)
        for rec_id, fields in shuffled(random.Random(given.seed), records(world, given.records, given.duplicates), given.records):
            write.writerow([rec_id, *fields])


if __name__ == "__main__":
    main()
