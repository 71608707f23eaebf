"""Reading generations of logs: a compacted log takes the place of the one before,
all such logs at once, and what nobody needs to hear is told to nobody."""

import os
import random
import unittest

import oracle
from generations import Log
from oracle import tag
from support import NOW, SECOND, Case, edit, kv, kv_log, misplaced, open_store, snapshot, sync

T = NOW - 3600 * SECOND


class Reading(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        os.makedirs(os.path.join(self.folder, "devices"))

    def open(self, device=None, **options):
        return open_store(self.connect(), self.folder, device, "now=%d" % NOW, **options)

    def look(self, con, device="phone"):
        return con.execute("SELECT state, detail FROM kv_devices WHERE device = ?",
                           (device,)).fetchone()

    def assert_shows(self, con, *logs):
        """The cache has the rows of these logs, and kv those of all that were ever written."""
        rows = [r for log in logs for r in log.rows]
        self.assertEqual(kv_log(con), oracle.history([r for r in rows if r.op < oracle.SEEN]))
        ever = [r for log in logs for r in log.rows + log.dropped if r.op < oracle.SEEN]
        self.assertEqual(kv(con), oracle.fold(ever))
        self.assertEqual(misplaced(con), [])
        n = dict(con.execute("SELECT device, n_rows FROM kv_devices WHERE device IS NOT NULL"))
        for log in logs:
            self.assertEqual(n[log.name], len([r for r in log.rows if r.op < oracle.SEEN]))


class Generations(Reading):
    def test_a_later_generation_takes_the_place_of_what_was_read(self):
        phone = Log("phone")
        for i in range(6):
            phone.set(T + i, ("a", i), ("b%d" % i, i))
        phone.delete(T + 10, "b1")
        phone.write(self.folder)
        con = self.open("laptop")
        self.assert_shows(con, phone)
        phone.compact(horizon=T + 20).set(T + 30, ("a", "new"))
        phone.write(self.folder)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, phone)
        phone.set(T + 31, ("more", 1)).write(self.folder)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, phone)
        self.assert_shows(self.open("tablet"), phone)

    def test_a_generation_in_several_files(self):
        phone = Log("phone")
        for i in range(9):
            phone.set(T + i, ("a", i), ("b%d" % i, i))
        phone.write(self.folder, 6)
        con = self.open("laptop")
        phone.compact(horizon=T + 20)
        last = phone.last
        phone.set(T + 30, ("a", "new"))
        path = phone.write(self.folder, 8, last)
        away = os.path.join(os.path.dirname(path), oracle.segment_name(phone.id, 8))
        os.rename(away, self.path("away"))
        before = kv_log(con)
        sync(con)
        self.assertEqual(self.look(con)[0], "waiting")
        self.assertIn(os.path.basename(away) + " is missing", self.look(con)[1])
        self.assertEqual(kv_log(con), before)
        os.rename(self.path("away"), away)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, phone)
        self.assert_shows(self.open("tablet"), phone)

    def test_old_generation_delivered_again(self):
        phone = Log("phone").set(T, ("a", 1)).set(T + 1, ("a", 2))
        first = phone.copy()
        phone.write(self.folder)
        con = self.open("laptop")
        phone.compact(horizon=T + 9).write(self.folder)
        sync(con)
        phone.set(T + 10, ("a", 3)).compact(horizon=T + 11).write(self.folder)
        sync(con)
        first.set(T + 5, ("b", "what the older one got since")).write(self.folder)
        sync(con)
        self.assertEqual(self.look(con)[0], "behind")
        self.assert_shows(con, phone)
        phone.write(self.folder)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))

    def test_log_made_anew_when_the_cursor_is_at_a_hole(self):
        phone = Log("phone").set(T, ("a", 1)).delete(T + 1, "a")
        phone.write(self.folder)
        con = self.open("laptop")
        phone.compact(drop=lambda r: True, horizon=T + 5).write(self.folder)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, phone)
        phone.set(T + 9, ("b", 1)).write(self.folder, 2)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, phone)
        phone.write(self.folder)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))

    def test_transaction_that_lost_its_last_row(self):
        phone = Log("phone").set(T, ("a", 1), ("b", 1), ("c", 1)).set(T + 1, ("c", 2), ("d", 1))
        phone.write(self.folder)
        con = self.open("laptop")
        phone.compact(horizon=T + 5).write(self.folder)
        sync(con)
        self.assert_shows(con, phone)
        self.assert_shows(self.open("tablet"), phone)

    def test_version_1_reader_of_a_compacted_log(self):
        """What a program does with a log of a later format than its own: for this one,
        that is 3. It reads nothing, and writes nothing into its own log."""
        phone = Log("phone").set(T, ("a", 1)).set(T + 1, ("a", 2), ("b", 2))
        mine = Log("laptop").set(T, ("x", 1)).set(T + 1, ("x", 2))
        for log in (phone, mine):
            log.write(self.folder)
        path = self.path("host.db")
        con = open_store(self.connect(path), self.folder, "laptop", "now=%d" % NOW, schema="main")
        sync(con)
        rows = kv_log(con)
        for log, last in ((phone, 3), (mine, 2)):
            log.compact(horizon=T + 5).set(T + 9, ("new", log.name))
            log.write(self.folder, last)
        files = [os.path.join(base, f) for base, _, names in os.walk(self.folder) for f in names]
        self.assertEqual(len(files), 4)
        for f in files:
            edit(f, "PRAGMA user_version = 3")
        before = snapshot(self.folder)
        sync(con)
        for device in ("laptop", "phone"):
            self.assertEqual(self.look(con, device)[0], "newer")
        self.assertEqual(kv_log(con), rows)
        self.fails("INSERT INTO kv VALUES('y', 1)", "newer", con=con)
        self.fails("SELECT kv_compact()", "newer", con=con)
        self.assertEqual(self.look(self.open("laptop"))[0], "newer")
        self.assertEqual(self.look(self.open(None))[0], "newer")
        self.assertEqual(snapshot(self.folder), before)
        for f in files:
            edit(f, "PRAGMA user_version = 2")
        sync(con)
        con.execute("INSERT INTO kv VALUES('y', 1)")
        self.assertEqual(self.look(con), ("ok", None))
        self.assertEqual(kv(con), {tag(k): tag(v) for k, v in
                                   (("a", 2), ("b", 2), ("x", 2), ("y", 1), ("new", "phone"))})

    def test_a_log_that_went_another_way_replaces_all_that_it_does_not_have(self):
        """Row 4 was written again after its directory came from a backup."""
        for same in (False, True):
            with self.subTest(same=same):
                phone = Log("phone", b"way%d" % same + b"----").set(T, ("a", 1)).set(T + 1, ("a", 2), ("b", 2))
                other = phone.copy()
                phone.set(T + 2, ("b", "lost")).write(self.folder)
                con = self.open("laptop%d" % same)
                self.assertEqual(kv(con)[tag("b")], tag("lost"))
                other.compact(horizon=T + 1)
                other.set(T + 2, ("b" if same else "c", "instead"), ("d", 1)).write(self.folder)
                sync(con)
                self.assert_shows(con, other)
                self.assertEqual(kv(con)[tag("b")], tag("instead" if same else 2))

    def test_a_generation_that_does_not_verify_or_is_not_whole_changes_nothing(self):
        phone = Log("phone").set(T, ("a", 1)).set(T + 1, ("a", 2), ("b", 1))
        phone.write(self.folder)
        con = self.open("laptop")
        before = kv_log(con)
        phone.compact(horizon=T + 5).set(T + 6, ("c", 1), ("d", 1))
        good = list(phone.rows)
        for rows, state, words in (
                (good[:-1], "waiting", "all of it is here"),
                (good[:-2] + [good[-2]._replace(value=9), good[-1]], "damaged", "checksum"),
                ([good[0]._replace(ts=1)] + good[1:], "damaged", "checksum")):
            phone.rows = rows
            phone.write(self.folder)
            sync(con)
            self.assertEqual(self.look(con)[0], state)
            self.assertIn(words, self.look(con)[1])
            self.assertEqual(kv_log(con), before)
        phone.rows = good
        phone.write(self.folder)
        sync(con)
        self.assert_shows(con, phone)

    def test_observer_two_compactions_in_one_sync(self):
        """Phone dropped a deletion because pad had dropped what it deleted."""
        pad = Log("pad").set(T, ("k", "old"))
        phone = Log("phone").set(T, ("x", 1)).delete(T + 1, "k")
        for log in (pad, phone):
            log.write(self.folder)
        con = self.open()
        self.assertNotIn(tag("k"), kv(con))
        pad.compact(drop=lambda r: r.key == "k", horizon=T + 5).write(self.folder)
        phone.compact(drop=lambda r: r.key == "k", horizon=T + 6).write(self.folder)
        sync(con)
        self.assert_shows(con, pad, phone)
        self.assertEqual(kv(con), {tag("x"): tag(1)})

    def test_replacements_are_one_transaction_behind_all_appends(self):
        pad = Log("pad").set(T, ("k", 1)).set(T + 1, ("k", 2))
        phone = Log("phone").set(T, ("x", 1)).set(T + 1, ("x", 2))
        zoo = Log("zoo").set(T, ("z", 1))
        for log in (pad, phone, zoo):
            log.write(self.folder)
        path = self.path("host.db")
        con = open_store(self.connect(path), self.folder, None, "now=%d" % NOW, schema="main")
        sync(con)
        for log in (pad, phone):
            log.compact(horizon=T + 5).set(T + 9, (log.name, 9)).write(self.folder)
        zoo.set(T + 7, ("z", 2)).write(self.folder)
        other = self.connect(path)
        states = set()

        def look(*unused):
            other.set_progress_handler(None, 0)
            try:
                states.add(tuple(other.execute(
                    "SELECT device, count(*) FROM kv_cache GROUP BY 1 ORDER BY 1")))
            except Exception:
                pass  # the database is locked
        con.execute("PRAGMA journal_mode = WAL")
        con.set_progress_handler(look, 1)
        sync(con)
        con.set_progress_handler(None, 0)
        look()
        self.assertEqual(states, {(("pad", 2), ("phone", 2), ("zoo", 1)),
                                  (("pad", 2), ("phone", 2), ("zoo", 2))})
        self.assert_shows(con, pad, phone, zoo)
        names = con.execute("SELECT device, seq FROM kv_cache ORDER BY 1, 2").fetchall()
        self.assertEqual(names, [("pad", 2), ("pad", 3), ("phone", 2), ("phone", 3),
                                 ("zoo", 1), ("zoo", 2)])

    def test_changes_after_compaction_tell_nothing(self):
        phone = Log("phone").set(T, ("a", 1)).set(T + 1, ("a", 2), ("b", 1), ("c", 1))
        phone.set(T + 2, ("c", 2)).write(self.folder)
        con = self.open("laptop")
        at = con.execute("SELECT kv_cursor()").fetchone()[0]
        phone.compact(horizon=T + 5).set(T + 9, ("new", 1)).write(self.folder)
        sync(con)
        rows = con.execute("SELECT key, is_reset FROM kv_changes(?)", (at,)).fetchall()
        self.assertEqual(rows, [("new", 0)])
        con.execute("SELECT * FROM kv_log WHERE ts > 0").fetchall()  # it wants an index
        sync(con)
        rows = con.execute("SELECT key, is_reset FROM kv_changes(?)", (at,)).fetchall()
        self.assertEqual(rows, [("new", 0)])

    def test_changes_from_before_a_dropped_tombstone(self):
        phone = Log("phone").set(T, ("a", 1), ("b", 1))
        phone.write(self.folder)
        con = self.open("laptop")
        before = con.execute("SELECT kv_cursor()").fetchone()[0]
        phone.delete(T + 1, "a").write(self.folder)
        sync(con)
        after = con.execute("SELECT kv_cursor()").fetchone()[0]
        phone.compact(drop=lambda r: r.key == "a", horizon=T + 5).write(self.folder)
        sync(con)
        ask = "SELECT key, is_reset FROM kv_changes(?)"
        self.assertEqual(con.execute(ask, (after,)).fetchall(), [])
        self.assertEqual(con.execute(ask, (before,)).fetchall(), [("b", 1)])
        self.assertEqual(con.execute("SELECT kv_cursor()").fetchone()[0], after)

    def test_typed_tables_follow(self):
        con = self.open("laptop")
        con.execute("CREATE VIRTUAL TABLE temp.notes USING kv_table(id TEXT PRIMARY KEY, n INTEGER)")
        con.execute("INSERT INTO notes VALUES('x', 1)")
        bucket, key, value = con.execute("SELECT bucket, key, value FROM kv_log WHERE bucket = 'notes'").fetchone()
        phone = Log("phone").set(T, ("a", 1)).set(T + 1, ("a", 2))
        phone.add((T + 2, None, oracle.SET, bucket, key.replace("x", "y") if isinstance(key, str)
                   else key, value.replace('"x"', '"y"')))
        phone.write(self.folder)
        sync(con)
        shown = con.execute("SELECT id, n FROM notes ORDER BY id").fetchall()
        self.assertEqual(shown, [("x", 1), ("y", 1)])
        phone.compact(horizon=T + 5)
        phone.add((T + 9, None, oracle.SET, bucket, key.replace("x", "z"), value.replace('"x"', '"z"')))
        phone.write(self.folder)
        sync(con)
        shown = con.execute("SELECT id, n FROM notes ORDER BY id").fetchall()
        self.assertEqual(shown, [("x", 1), ("y", 1), ("z", 1)])
        phone.compact(drop=lambda r: r.bucket and "y" in r.key, horizon=T + 9).write(self.folder)
        sync(con)
        self.assertEqual(con.execute("SELECT id, n FROM notes ORDER BY id").fetchall(),
                         [("x", 1), ("z", 1)])

    def test_large_values_go_with_their_rows(self):
        phone = Log("phone").set(T, ("a", "x" * 9000)).set(T + 1, ("a", "y" * 9000), ("b", b"z" * 9000))
        phone.write(self.folder)
        con = self.open("laptop")
        phone.compact(horizon=T + 5).set(T + 9, ("c", "w" * 9000)).write(self.folder)
        sync(con)
        self.assert_shows(con, phone)
        self.assertEqual(con.execute("SELECT count(*) FROM kv_large").fetchone(), (3,))


class Past(Reading):
    """phone has compacted at T + 10."""

    def setUp(self):
        super().setUp()
        phone = Log("phone").set(T, ("a", 1), ("b", 1)).set(T + 5, ("a", 2), parent=T)
        phone.set(T + 8, ("b", 2), parent=T).compact(horizon=T + 10)
        self.phone = phone.set(T + 20, ("a", 3), parent=T + 5)
        phone.write(self.folder)
        self.db = self.open("laptop")

    def test_as_of_before_the_horizon_is_an_error_that_says_from_when_on(self):
        words = "is not whole", "device phone", "compacted"
        for sql in ("SELECT * FROM kv(%d)" % (T + 9), "SELECT * FROM kv(%d) WHERE key = 'a'" % T,
                    "SELECT value FROM kv WHERE key = 'a' AND as_of = %d" % (T + 9),
                    "SELECT * FROM kv_diff(%d)" % (T + 9), "SELECT * FROM kv_diff('1970-01-01', %d)" % (T + 15),
                    "SELECT kv_revert('a', %d)" % (T + 9)):
            message = self.fails(sql, *words)
        time = message.split("before ")[1].split(" is not")[0]
        whole = self.db.execute("SELECT key, value FROM kv(?)", (time,)).fetchall()
        self.assertEqual(whole, [("a", 3), ("b", 2)])
        whole = self.db.execute("SELECT key, value FROM kv(?)", (T + 10,)).fetchall()
        self.assertEqual(whole, [("a", 2), ("b", 2)])
        self.assertEqual(self.db.execute("SELECT key, change FROM kv_diff(?)", (T + 10,)).fetchall(),
                         [("a", "changed")])
        self.assertEqual(self.db.execute("SELECT kv_revert('a', ?)", (T + 10,)).fetchone(), (2,))
        self.assertEqual(self.db.execute("SELECT horizon_time FROM kv_devices WHERE device = 'phone'")
                         .fetchone()[0][:16], self.db.execute(
                             "SELECT substr(time, 1, 16) FROM kv WHERE key = 'b'").fetchone()[0])

    def test_kv_log_shows_what_is_there(self):
        self.assertEqual(self.db.execute("SELECT key, value, parent_ts FROM kv_log ORDER BY ts").fetchall(),
                         [("a", 2, T), ("b", 2, T), ("a", 3, T + 5)])

    def test_revert_of_a_compacted_key(self):
        self.assertEqual(self.db.execute("SELECT kv_revert('a')").fetchone(), (2,))
        self.fails("SELECT kv_revert('b')", "is not whole", "device phone")
        self.assertEqual(kv(self.db)[tag("b")], tag(2))
        self.assertEqual(self.db.execute("SELECT kv_revert('none')").fetchone(), (None,))

    def test_conflicts_after_compaction(self):
        """Those whose winner is not later than the horizon may have been settled."""
        pad = Log("pad").set(T + 7, ("b", "lost")).set(T + 19, ("a", "lost, too"), parent=T + 5)
        pad.write(self.folder)
        sync(self.db)
        self.assertEqual(self.db.execute("SELECT key, lost_value FROM kv_conflicts").fetchall(),
                         [("a", "lost, too")])
        self.assertEqual(self.db.execute("SELECT * FROM kv_conflicts WHERE key = 'b'").fetchall(), [])

    def test_newcomer_writes_above_the_horizon(self):
        """A clock behind the horizon, which counts as a time that was seen."""
        for ahead, name in ((290, "slow"), (310, "slower")):
            folder = self.path(name + ".kv")
            pad = Log("pad").set(T, ("k", 1)).delete(T + 1, "k")
            pad.compact(drop=lambda r: True, horizon=T + ahead * SECOND).write(folder)
            con = open_store(self.connect(), folder, name, "now=%d" % T)
            con.execute("INSERT INTO kv VALUES('k', 2)")
            ts = con.execute("SELECT ts FROM kv").fetchone()[0]
            self.assertEqual(ts > pad.horizon, ahead < 300)


class Copies(Reading):
    """devices/KEEPER/of/NAME.db: a source of NAME's log."""

    def setUp(self):
        super().setUp()
        self.phone = Log("phone").set(T, ("a", 1)).set(T + 1, ("a", 2), ("b", 1))
        self.pad = Log("pad").set(T, ("x", 1))
        self.pad.write(self.folder)

    def test_a_copy_is_read_like_the_log(self):
        self.phone.write_copy(self.folder, "pad")
        con = self.open("laptop")
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, self.phone, self.pad)
        self.assertEqual(con.execute("SELECT count(*) FROM kv_devices WHERE state = 'ignored'").fetchone(), (0,))
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.phone.set(T + 5, ("c", 1)).write_copy(self.folder, "pad")
        sync(con)
        self.assert_shows(con, self.phone, self.pad)

    def test_a_copy_stands_in_for_a_directory_that_is_gone(self):
        path = self.phone.write(self.folder)
        con = self.open("laptop")
        self.phone.write_copy(self.folder, "pad")
        os.remove(path)
        os.rmdir(os.path.dirname(path))
        for _ in range(2):
            sync(con)
            self.assertEqual(self.look(con), ("ok", None))
            self.assert_shows(con, self.phone, self.pad)
        os.remove(os.path.join(self.folder, "devices", "pad", "of", "phone.db"))
        sync(con)
        self.assertEqual(self.look(con)[0], "missing")
        self.assert_shows(con, self.phone, self.pad)

    def test_copy_is_further_than_what_arrived_of_the_log(self):
        self.phone.write(self.folder)
        con = self.open("laptop")
        self.phone.set(T + 5, ("c", 1)).write_copy(self.folder, "pad")
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, self.phone, self.pad)

    def test_log_db_without_its_sealed_files_behind_a_copy(self):
        self.phone.write_copy(self.folder, "pad")
        self.phone.set(T + 5, ("c", 1))
        path = self.phone.write(self.folder, 3)
        for f in os.listdir(os.path.dirname(path)):
            if f.startswith("log-"):
                os.remove(os.path.join(os.path.dirname(path), f))
        con = self.open("laptop")
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, self.phone, self.pad)

    def test_the_greatest_generation_of_all_sources(self):
        self.phone.write(self.folder)
        con = self.open("laptop")
        old = self.phone.copy()
        self.phone.compact(horizon=T + 5).write_copy(self.folder, "pad")
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, self.phone, self.pad)
        old.set(T + 6, ("late", 1)).write(self.folder)
        sync(con)
        self.assert_shows(con, self.phone, self.pad)
        self.phone.compact(horizon=T + 7).set(T + 8, ("d", 1)).write(self.folder)
        sync(con)
        self.assertEqual(self.look(con), ("ok", None))
        self.assert_shows(con, self.phone, self.pad)

    def test_a_copy_that_does_not_verify_counts_for_nothing(self):
        self.phone.write(self.folder)
        con = self.open("laptop")
        before = kv_log(con)
        self.phone.set(T + 5, ("c", 1), ("d", 1))
        good = self.phone.rows
        other = Log("phone", b"another!").set(T + 9, ("a", "evil"))
        for rows in (good[:-1], good[:-1] + [good[-1]._replace(value="evil")]):
            self.phone.rows = rows
            self.phone.write_copy(self.folder, "pad")
            sync(con)
            self.assertEqual((self.look(con), kv_log(con)), (("ok", None), before))
        other.write_copy(self.folder, "pad")
        with open(os.path.join(self.folder, "devices", "pad", "of", "no.txt"), "w") as f:
            f.write("no copy")
        sync(con)
        self.assertEqual((self.look(con), kv_log(con)), (("ok", None), before))
        self.assertEqual(con.execute("SELECT file FROM kv_devices WHERE state = 'ignored'").fetchall(),
                         [("devices/pad/of/no.txt",)])


class Strangers(Reading):
    """A new machine takes the name of a retired device."""

    def setUp(self):
        super().setUp()
        self.phone = Log("phone").set(T, ("a", 1), ("b", 1))
        self.other = Log("phone", b"stranger").set(T + 9, ("a", "other"))
        self.pad = Log("pad").set(T, ("x", 1))

    def retire(self):
        self.phone.write_copy(self.folder, "pad")
        self.pad.retire(T + 5, self.phone).write(self.folder)

    def assert_kept(self, con):
        self.assert_shows(con, self.phone, self.pad)
        self.assertEqual(kv(con)[tag("a")], tag(1))

    def test_two_lineages_of_one_name(self):
        self.phone.write(self.folder)
        self.retire()
        con = self.open("laptop")
        self.other.write(self.folder)
        for each in (con, con, self.open("newcomer")):
            sync(each)
            self.assertEqual(self.look(each)[0], "stranger")
            self.assertIn("another name", self.look(each)[1])
            self.assert_kept(each)

    def test_a_stranger_that_was_read_first_is_replaced(self):
        self.pad.write(self.folder)
        self.other.write(self.folder)
        con = self.open("laptop")
        self.assertEqual(kv(con)[tag("a")], tag("other"))
        self.retire()
        sync(con)
        self.assert_kept(con)
        sync(con)
        self.assert_kept(con)

    def test_or_forgotten_if_the_retired_log_is_not_here(self):
        self.pad.write(self.folder)
        self.other.write(self.folder)
        con = self.open("laptop")
        self.pad.retire(T + 5, self.phone).write(self.folder)
        sync(con)
        self.assertEqual(self.look(con)[0], "stranger")
        self.assertEqual(kv(con), {tag("x"): tag(1)})
        self.phone.write_copy(self.folder, "pad")
        sync(con)
        self.assert_kept(con)


class Random(Reading):
    """Three logs that write, compact and arrive in any order: readers agree with what
    they would show if nobody had compacted, and with a newcomer."""

    def test_random(self):
        for seed in range(8):
            with self.subTest(seed=seed):
                self.fresh()
                self.play(random.Random(seed))

    def play(self, rng):
        logs = [Log(n) for n in ("pad", "phone", "zoo")]
        there = {}
        now = T
        con, late = self.open("laptop"), self.open("watch")
        for step in range(40):
            log = rng.choice(logs)
            now += rng.randrange(1, 5)
            keys = rng.sample("abcdef", rng.choice((1, 1, 2, 4)))
            if rng.random() < 0.6:
                log.set(now, *[(k, "x" * rng.choice((3, 3, 9000)) + str(now)) for k in keys])
            elif rng.random() < 0.5:
                log.delete(now, *keys)
            elif rng.random() < 0.6:
                log.seen(now, *[g for g in logs if g is not log])
            else:
                log.compact(horizon=now - rng.randrange(20), step=rng.randrange(1, 1 << 24))
            if rng.random() < 0.6:
                some = sorted(rng.sample(range(1, log.last + 1), min(2, log.last)))
                ends = {r.seq for r in log.rows if r.seq == r.txn}
                past = log.former[1] if log.former else 0
                log.write(self.folder, *[s for s in some if s in ends or s == past])
                there[log.name] = log.copy()
            sync(con)
            self.assert_shows(con, *there.values())
            if step % 9 == 0:
                sync(late)
        sync(late)
        self.assert_shows(late, *there.values())
        self.assert_shows(self.open("newcomer"), *there.values())


if __name__ == "__main__":
    unittest.main()
