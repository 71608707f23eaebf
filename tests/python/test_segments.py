"""Logs of several files: sealed files, which a device made, and log.db."""

import os
import random
import shutil
import unittest

import oracle
import segments
from support import Case, connect, edit, kv, log_path, open_store, put, read, sync


class Reading(Case):
    """The log of phone in three files, read by laptop."""

    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        self.phone = open_store(self.connect(), self.folder, "phone")
        for i in range(12):
            self.phone.execute("INSERT INTO kv VALUES(?, ?), ('last', ?)", (i, "v%d" % i, i))
        self.phone.close()
        self.path_ = log_path(self.folder, "phone")
        self.whole = read(self.path_)
        self.expected = oracle.read_log(self.path_)
        self.sealed = [segments.seal(self.folder, "phone", last) for last in (8, 16)]
        self.assertEqual(oracle.read_log(self.path_), self.expected)

    def laptop(self, name="laptop"):
        return open_store(self.connect(), self.folder, name)

    def state(self, con, device="phone"):
        return con.execute("SELECT state, detail, last_seq FROM kv_devices WHERE device = ?",
                           (device,)).fetchone()

    def assert_all(self, con):
        self.assertEqual(self.state(con), ("ok", None, 24))
        self.assertEqual(len(kv(con)), 13)

    def test_a_newcomer_reads_all_files_in_order(self):
        self.assert_all(self.laptop())
        self.check(self.laptop("tablet"), "notes.kv")

    def test_a_reader_goes_on_across_files(self):
        put(self.path_, self.whole)
        for path in self.sealed:
            os.rename(path, path + ".away")
        con = self.laptop()
        self.assert_all(con)
        phone = open_store(self.connect(), self.folder, "phone")
        phone.execute("INSERT INTO kv VALUES('more', 1)")
        sealed = segments.seal(self.folder, "phone")
        name = os.path.basename(sealed)
        last = int(name[-22:-3])
        os.rename(sealed, self.path("sealed"))
        sync(con)
        self.assertEqual(self.state(con)[0], "waiting")
        self.assertIn(name + " is missing", self.state(con)[1])
        self.assertEqual(self.state(con)[2], 24)
        os.rename(self.path("sealed"), os.path.join(os.path.dirname(self.path_), name))
        sync(con)
        self.assertEqual(self.state(con), ("ok", None, last))

    def test_a_missing_file_is_named_and_read_when_it_is_back(self):
        for i, path in enumerate(self.sealed):
            with self.subTest(file=i):
                os.rename(path, self.path("away"))
                con = self.laptop("laptop%d" % i)
                state, detail, seq = self.state(con)
                self.assertEqual(state, "waiting")
                self.assertIn(os.path.basename(path) + " is missing", detail)
                self.assertEqual(seq, 8 * i)
                os.rename(self.path("away"), path)
                sync(con)
                self.assert_all(con)

    def test_files_in_any_order_end_with_all_rows(self):
        files = {p: read(p) for p in self.sealed + [self.path_]}
        rng = random.Random(7)
        for n in range(12):
            order = list(files)
            rng.shuffle(order)
            folder = self.path("copy%d.kv" % n)
            os.mkdir(folder)
            con = open_store(self.connect(), folder, None)
            seen = 0
            for path in order:
                put(path.replace(self.folder, folder), files[path])
                sync(con)
                got = self.state(con)
                self.assertGreaterEqual(got[2], seen)
                seen = got[2]
            self.assert_all(con)

    def test_a_log_rebuilt_in_one_file_is_the_same_log(self):
        con = self.laptop()
        for path in self.sealed:
            os.remove(path)
        put(self.path_, self.whole)
        sync(con)
        self.assert_all(con)

    def test_an_older_log_db_is_behind(self):
        con = self.laptop()
        newest = read(self.path_)
        rows = self.expected.rows
        edit(self.path_, "DELETE FROM log WHERE seq > 18")
        self.assertEqual(rows[17].seq, rows[17].txn)
        sync(con)
        self.assertEqual(self.state(con)[0], "behind")
        edit(self.path_, "DELETE FROM log")  # just sealed
        sync(con)
        self.assertEqual(self.state(con)[0], "behind")
        put(self.path_, newest)
        sync(con)
        self.assert_all(con)

    def test_hostile_files_are_named_and_their_rows_are_not_merged(self):
        other = open_store(self.connect(), self.path("other.kv"), "tablet")
        other.execute("INSERT INTO kv VALUES('evil', 1)")
        evil = read(log_path(self.path("other.kv"), "tablet"))
        good = read(self.sealed[1])
        first = read(self.sealed[0])
        for name, data, changes, words in (
                ("another device's", evil, [], "is the log of device tablet"),
                ("no log", b"x" * 5000, [], "is not a log"),
                ("cut off", good[:6000], [], "have arrived"),
                ("of another id", good, ["UPDATE device SET id = zeroblob(16)"], "another log"),
                ("of another horizon", good, ["UPDATE device SET horizon = 1"], "another log"),
                ("a changed row", good, ["UPDATE log SET value = 'evil' WHERE seq = 9"],
                 "checksum"),
                ("another base", good, ["UPDATE device SET base_sum = 1"], "checksum"),
                ("its own base", good, ["UPDATE device SET base_seq = 16"], "is missing"),
                ("a hole", good, ["DELETE FROM log WHERE seq = 12"], "next one"),
                ("too short", good, ["DELETE FROM log WHERE seq > 14"], "ends before it"),
                ("the file before it", first, [], "ends before it"),
                ("a transaction over the end", good, ["UPDATE log SET txn = 18 WHERE seq = 16"],
                 "not complete")):
            with self.subTest(kind=name):
                put(self.sealed[1], data)
                if changes:
                    edit(self.sealed[1], *changes)
                con = self.laptop("reader")
                state, detail, seq = self.state(con)
                self.assertIn(state, ("waiting", "damaged"))
                self.assertIn(words, detail)
                self.assertIn(seq, (8, 10, 14))
                self.assertNotIn("evil", str(kv(con)))
                con.close()
                shutil.rmtree(os.path.join(self.folder, "devices", "reader"))

    def test_names_that_look_like_files_of_the_log_do_no_harm(self):
        directory = os.path.dirname(self.path_)
        for n in list(range(17, 400)) + [2 ** 63 - 1]:
            open(os.path.join(directory, oracle.segment_name(self.expected.id, n)), "w").close()
        for name in ("log-%s-16.db" % self.expected.id.hex(),
                     oracle.segment_name(self.expected.id, 16).upper(),
                     oracle.segment_name(b"\xff" * 16, 4),
                     oracle.segment_name(self.expected.id, 16)[:-3] + ".sync-conflict.db"):
            open(os.path.join(directory, name), "w").close()
        self.assert_all(self.laptop())

    def test_more_names_than_anybody_lists(self):
        directory = os.path.dirname(self.path_)
        for n in range(1000, 101000):
            os.close(os.open(os.path.join(directory, oracle.segment_name(self.expected.id, n)),
                             os.O_CREAT | os.O_WRONLY))
        self.assert_all(self.laptop())

    def test_a_sync_opens_only_the_end_of_a_log(self):
        con = self.laptop()
        phone = open_store(self.connect(), self.folder, "phone")
        phone.execute("INSERT INTO kv VALUES('more', 1)")
        for path in self.sealed:
            put(path, b"not a log")
        self.assertEqual([sync(con), sync(con)], [1, 0])
        self.assertEqual(con.execute("SELECT state FROM kv_devices WHERE device = 'phone'")
                         .fetchone(), ("ok",))

    def test_the_files_of_a_log_are_counted_and_others_are_listed(self):
        directory = os.path.dirname(self.path_)
        size = sum(os.path.getsize(p) for p in self.sealed + [self.path_])
        copy = os.path.basename(self.sealed[0])[:-3] + ".sync-conflict-20261129.db"
        other = oracle.segment_name(b"x" * 16, 8)
        for name in (copy, other):
            open(os.path.join(directory, name), "w").close()
        con = self.laptop()
        self.assertEqual(con.execute("SELECT n_files, bytes, file FROM kv_devices WHERE device = "
                                     "'phone'").fetchone(), (3, size, "devices/phone/log.db"))
        self.assertEqual(con.execute("SELECT file FROM kv_devices WHERE state = 'ignored'")
                         .fetchall(), [("devices/phone/" + n,) for n in sorted((copy, other))])

    def test_files_that_a_log_left_when_it_went_back_are_not_read(self):
        """Its device was restored, and sealed it elsewhere: a tool that deletes nothing has
        the files of before as well."""
        directory = os.path.dirname(self.path_)
        for base, last in ((8, 10), (8, 14), (10, 14)):
            path = os.path.join(directory, oracle.segment_name(self.expected.id, last))
            shutil.copyfile(self.sealed[1], path)
            edit(path, "UPDATE device SET base_seq = %d, base_sum = %d"
                 % (base, self.expected.rows[base - 1].sum),
                 "DELETE FROM log WHERE seq <= %d OR seq > %d" % (base, last),
                 "UPDATE log SET value = 'other'")
        self.assert_all(self.laptop())
        os.remove(self.sealed[0])
        state, detail, seq = self.state(self.laptop("tablet"))
        self.assertEqual((state, seq), ("waiting", 0))

    def test_kv_foreign_reads_a_directory_or_a_file(self):
        con = connect()
        seqs = "SELECT seq, valid, reason FROM kv_foreign(?)"
        directory = os.path.dirname(self.path_)
        self.assertEqual(con.execute(seqs, (directory,)).fetchall(),
                         [(n, 1, None) for n in range(1, 25)])
        self.assertEqual(con.execute(seqs, (self.sealed[1],)).fetchall(),
                         [(n, 1, None) for n in range(9, 17)])
        os.remove(self.sealed[1])
        rows = con.execute(seqs, (directory,)).fetchall()
        self.assertEqual(rows[:8], [(n, 1, None) for n in range(1, 9)])
        self.assertEqual(rows[8:], [(None, 0, "its file %s is missing"
                                     % os.path.basename(self.sealed[1]))])
        con.close()

    def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(self):
        os.remove(self.sealed[0])
        os.mkfifo(self.sealed[0])
        state, detail, seq = self.state(self.laptop())
        self.assertEqual((state, seq), ("damaged", 0))
        self.assertIn("is not a regular file", detail)

    def test_the_own_device_writes_on_behind_its_files(self):
        phone = open_store(self.connect(), self.folder, "phone")
        self.assertEqual(len(kv(phone)), 13)
        phone.execute("INSERT INTO kv VALUES('more', 1)")
        self.assertEqual(oracle.read_log(self.path_).rows[:24], self.expected.rows)
        self.assertEqual(self.state(phone), ("ok", None, 25))
        self.check(self.laptop(), "notes.kv")


if __name__ == "__main__":
    unittest.main()
