"""Rows of typed tables: ext/fold is compared with the specification,
tests/tables/model.py, on what random schedules of devices write and merge.
Every set of log rows that a device has after a commit or a merge is folded by
both.
"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "tables"))
import model  # noqa: E402
import schedules  # noqa: E402

PROGRAM = os.environ.get("KV_FOLD_ROWS", "build/fold_rows")
SCHEDULES = int(os.environ.get("KV_FOLD_SCHEDULES", "2000"))
SEED = int(os.environ.get("KV_FOLD_SEED", "1"))
DELETES = ("later", "lose", "win")


class Transcript:
    """Questions to the program, one a line, and the model's answers."""

    def __init__(self, file):
        self.file = file
        self.answers = []
        self.begin()

    def begin(self):
        self.logs, self.rows = {}, {}
        self.write("D")

    def write(self, *fields):
        self.file.write("\t".join(str(f) for f in fields) + "\n")

    def log(self, dev, lineage):
        if (dev, lineage) not in self.logs:
            self.write("L", dev, lineage)
            self.logs[dev, lineage] = len(self.logs)
        return self.logs[dev, lineage]

    def row(self, r):
        if r.id not in self.rows:
            seen = "".join(f"{dev}:{lineage}:{seq},"
                           for dev, (lineage, seq) in r.seen.items())
            text = model.encode(r.rec) if r.text is None else r.text
            self.write("R", self.log(r.dev, r.lineage), r.op, r.ts, r.seq, seen,
                       text if r.op else "")
            self.rows[r.id] = len(self.rows)
        return self.rows[r.id]

    def folded(self, rows, deletes, expected):
        ids = [self.row(r) for r in rows]
        self.write("F", DELETES.index(deletes), "".join(f"{i}," for i in ids))
        exists, cols = expected
        conflicts = "".join(
            f"{c}:{self.rows[w.id]}:{self.rows[l.id]},"
            for c, w, l in model.conflicts(rows))
        self.answers.append(
            f"{int(exists)}\t{record(cols)}\t{conflicts}")

    def composed(self, earlier, later, table, expected):
        self.write("C", model.encode(earlier), model.encode(later),
                   record(table))
        self.answers.append(model.encode(expected))


def record(cols):
    return model.encode({c: ("set", v) for c, v in cols.items()})


class Fold(unittest.TestCase):
    def compare(self, n, seed):
        """Run schedules; returns how many answers were compared."""
        with tempfile.TemporaryFile("w+", encoding="utf-8",
                                    newline="\n") as questions:
            transcript = Transcript(questions)
            for i in range(seed, seed + n):
                transcript.begin()
                schedules.schedule(i, transcript)
            questions.seek(0)
            run = subprocess.run([PROGRAM], stdin=questions,
                                 stdout=subprocess.PIPE)
            self.assertEqual(run.returncode, 0)
            answers = run.stdout.decode().split("\n")[:-1]
            self.assertEqual(len(answers), len(transcript.answers))
            for got, expected in zip(answers, transcript.answers):
                if expected.count("\t") == 0:  # composed
                    got = got.rsplit("\t", 1)[0]
                self.assertEqual(got, expected)
        return len(answers)

    def test_folds_agree_with_the_model(self):
        n = 0
        for done in range(0, SCHEDULES, 500):
            n += self.compare(min(500, SCHEDULES - done), SEED + done)
        self.assertGreater(n, 20 * SCHEDULES)

    def test_the_models_checks_find_planted_faults(self):
        found = schedules.mutants(100)
        self.assertEqual([m for m in found if not found[m]], [])


if __name__ == "__main__":
    unittest.main()
