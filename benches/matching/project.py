"""Runs the shipped project `migrations/febrl` on one data set, and reads what it decided from the audit views."""

import json
import sqlite3
from contextlib import closing

MEMBERS = "SELECT member_id, golden FROM audit_cross_reference"
PAIRS = "SELECT a_id, b_id FROM audit_review"
NOTE = """SELECT body FROM ledger_batch JOIN ledger_pass USING(pass)
  WHERE step = 'note' AND kind = 'apply' AND json_extract(body, '$.merge') IS NOT NULL ORDER BY batch LIMIT 1"""


class Project:
    """A copy of the project in a folder of its own. `measured` runs a command and returns output, CPU seconds and MiB."""

    def __init__(self, folder, command, measured):
        self.folder, self.command, self.measured = folder, command, measured

    def call(self, *arguments):
        return self.measured([self.command, *arguments], cwd=self.folder)

    def run(self, people):
        """Returns the clusters (record -> golden record), the pairs in review, and the figures."""
        _, load, _ = self.call("load", "records", people, "--id", "rec_id")
        _, apply, peak = self.call("apply")
        version, _, _ = self.call("--version")
        with closing(sqlite3.connect(f"file:{self.folder / 'counterfoil.db'}?mode=ro", uri=True)) as store:
            clusters = dict(store.execute(MEMBERS))
            review = store.execute(PAIRS).fetchall()
            note = store.execute(NOTE).fetchone()
        figures = {"tool": version.strip(), "load": load, "cpu": apply, "peak": peak}
        if note:
            figures["expected"] = json.loads(note[0])["merge"]["figures"]["expected"]
        return clusters, review, figures
