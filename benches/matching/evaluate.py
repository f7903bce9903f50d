"""Compares `counterfoil` with the reference's key and with Splink on data whose truth is known.

usage: evaluate.py FOLDER [--sets febrl1,febrl2,10k,100k,1m] [--seeds 1,2,3] [--peers key,usual,place,household,counterfoil]
                   [--ssn both|with|without] [--febrl FOLDER] [--generator SCRIPT] [--command PROGRAM]
       evaluate.py FOLDER --table | --mean

FOLDER keeps data, Splink's environment and every result (results.ndjson); --table prints what is there, --mean the same with
the mean of all seeds. A peer that cannot run is skipped loudly, and the exit code is 1. Only CPU time is measured: other work
on the machine does not count.

precision, recall   of the pairs that are put together without asking anybody
shown               recall, if the true pairs in review count too
reviewed            the same after every true pair in review is accepted and joins the clusters of its records
expected, true      the number of pairs of one person: as the model expects it, and as it is
kin merged          pairs of twins, juniors, or mother and daughter of one name that are put together
"""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

from score import Scores, kin, read

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SPLINK = "splink==5.0.0"
SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
COLUMNS = (("precision", 9), ("recall", 8), ("shown", 8), ("reviewed", 9), ("expected", 9), ("true", 8), ("in review", 10), ("kin merged", 14), ("CPU s", 8), ("MiB", 7))
SPLINKS = ("usual", "place", "household")


def watched(process, peaks):
    """Follows a program's peak of memory in KiB. What wait4 says includes this program, from which the other began."""
    while True:
        try:
            status = Path(f"/proc/{process}/status").read_text()
        except OSError:
            return
        peak = re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)
        if not peak:
            return
        peaks.append(int(peak.group(1)))
        time.sleep(0.1)


def measured(command, **how):
    """Runs a program; returns its output, CPU seconds (user and system) and peak MiB. Raises if it fails."""
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True, **how)
    peaks = [0]
    watch = threading.Thread(target=watched, args=(child.pid, peaks), daemon=True)
    watch.start()
    output = child.stdout.read()
    watch.join()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"exit code {child.returncode}: {' '.join(map(str, command))}\n{output[-2000:]}")
    return output, used.ru_utime + used.ru_stime, (peaks[-1] or used.ru_maxrss) / 1024


class Set:
    """A data set: `raw` as published, `path` with trimmed cells, which are empty in the last column if it is without SSN."""

    def __init__(self, name, raw, folder, ssn):
        self.raw, self.ssn = raw, ssn
        self.label = f"{name}, SSN" if ssn else name
        self.path = folder / f"{name}{'' if ssn else '-no-ssn'}.csv"
        if not self.path.exists():
            with open(raw, newline="", encoding="utf-8") as source, open(self.path, "w", newline="", encoding="utf-8") as target:
                write = csv.writer(target, lineterminator="\n")
                for row in csv.reader(source, skipinitialspace=True):
                    row = [cell.strip() for cell in row]
                    write.writerow(row if ssn or row[0] == "rec_id" else [*row[:-1], ""])
        rows = list(read(self.path))
        self.ids = [row[0] for row in rows]
        self.kin = list(kin(rows))


def sets(given):
    data = given.folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name in given.sets.split(","):
        if name.startswith("febrl"):
            raws = [(name, given.febrl / f"febrl_dataset{name[5:]}.csv")]
        else:
            raws = [families(name, seed, data, given.generator) for seed in given.seeds.split(",")[: 1 if name == "1m" else None]]
        for label, raw in raws:
            if not raw.exists():
                yield label, None
                continue
            for ssn in {"both": (False, True), "with": (True,), "without": (False,)}[given.ssn]:
                yield label, Set(label, raw, data, ssn)


def families(size, seed, folder, generator):
    """Returns the name and the file of generated people. One seed is enough for a million."""
    label = f"families-{size}-{seed}"
    raw = folder / f"{label}-raw.csv"
    if not raw.exists():
        subprocess.run([sys.executable, generator, str(SIZES[size]), raw, "--seed", seed], check=True)
    return label, raw


def key(data, _given):
    """The reference's key: given name, surname and birth date, exactly, so that empty ones agree too."""
    groups = {}
    for row in read(data.path):
        groups.setdefault((row[1], row[2], row[9]), []).append(row[0])
    cluster_of = {i: min(group) for group in groups.values() for i in group}
    return cluster_of, [], {"tool": "exact key"}


def environment(folder):
    python, complete = folder / "venv" / "bin" / "python", folder / "venv" / SPLINK
    if not complete.exists():
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", SPLINK], check=True)
        complete.touch()
    return python


def splink(model):
    def run(data, given):
        python = environment(given.folder)
        out = given.folder / "out"
        out.mkdir(exist_ok=True)
        command = [python, HERE / "splink_peer.py", data.path, out / "clusters.csv", out / "review.csv", "--model", model]
        output, cpu, peak = measured(command + ([] if data.ssn else ["--no-ssn"]))
        told = json.loads(output.splitlines()[-1])
        return dict(read(out / "clusters.csv")), list(read(out / "review.csv")), {**told, "cpu": cpu, "peak": peak}

    return run


def counterfoil(data, given):
    """Loads the set, with SSN as published, into a new project with the shipped stage file, applies it, and reads the views."""
    from project import Project

    folder = given.folder / "project"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "migrations" / "febrl", folder, ignore=shutil.ignore_patterns("records", "README.md", "*.db"))
    project = Project(folder, given.command, measured)
    return project.run(data.raw if data.ssn else data.path)


PEERS = {"key": key, **{model: splink(model) for model in SPLINKS}, "counterfoil": counterfoil}


def mean(lines):
    """Returns the latest lines, those of several seeds as one."""
    groups = {}
    for line in {(line["set"], line["peer"]): line for line in lines}.values():
        groups.setdefault((re.sub(r"-\d+\b", "", line["set"]), line["peer"]), []).append(line)
    for (name, peer), group in groups.items():
        line = {**group[0], "set": name, "peer": peer}
        for key, value in line.items():
            if isinstance(value, (int, float)) and all(key in other for other in group):
                sums = sum(other[key] for other in group) / len(group)
                line[key] = round(sums) if isinstance(value, int) else sums
        yield line


def table(lines):
    heads = (f"{'set':<24}{'who':<13}", *(f"{head:>{width}}" for head, width in COLUMNS))
    print("".join(heads))
    latest = {(line["set"], line["peer"]): line for line in lines}
    for line in sorted(latest.values(), key=lambda l: (l["order"], l["set"], list(PEERS).index(l["peer"]))):
        number = lambda name, form: format(line[name], form) if line.get(name) is not None else "-"
        kin = f"{line['merged_kin']} of {line['kin']}" if line.get("kin") else "-"
        cells = [number(name, ".4f") for name in ("precision", "recall", "shown", "reviewed")]
        cells += [number("expected", ",d"), number("true", ",d"), number("asked", ",d"), kin, number("cpu", ".1f"), number("peak", ".0f")]
        print("".join((f"{line['set']:<24}{line['peer']:<13}", *(f"{cell:>{width}}" for cell, (_, width) in zip(cells, COLUMNS)))))
    tools = sorted({line["tool"] for line in latest.values()} - {"exact key"})
    print(f"measured with: {'; '.join(tools)}")


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--sets", default="febrl1,febrl2,10k,100k")
    options.add_argument("--seeds", default="1,2,3")
    options.add_argument("--peers", default="key,usual,place,household,counterfoil")
    options.add_argument("--ssn", choices=["both", "with", "without"], default="both")
    options.add_argument("--febrl", type=Path, default=Path("febrl"))
    options.add_argument("--generator", type=Path, default=HERE / "generate.py")
    options.add_argument("--command", type=Path, default=ROOT / "target" / "release" / "counterfoil")
    options.add_argument("--table", action="store_true")
    options.add_argument("--mean", action="store_true")
    given = options.parse_args()
    given.folder = given.folder.resolve()
    results = given.folder / "results.ndjson"
    skipped = []
    if not (given.table or given.mean):
        for label, data in sets(given):
            for peer in given.peers.split(","):
                if data is None:
                    skipped.append(f"{label}: there is no file of it in {given.febrl}")
                    break
                try:
                    clusters, review, told = PEERS[peer](data, given)
                except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                    skipped.append(f"{data.label}, {peer}: {error}")
                    continue
                order = (len(data.ids), data.ssn)
                line = {"set": data.label, "peer": peer, "order": order, **told, **Scores(data.ids, clusters, review, data.kin).line()}
                with open(results, "a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
                table([line])
    if results.exists():
        lines = [json.loads(line) for line in open(results, encoding="utf-8")]
        table(list(mean(lines)) if given.mean else lines)
    for reason in skipped:
        print(f"SKIPPED {reason}", file=sys.stderr)
    return 1 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
