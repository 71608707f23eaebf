"""Option history: kv_sync() gives up what is older, at most once a day and only if half
of the own log goes; without the option it never does. It believes no clock that is ahead
of all that is known. What may go is the matter of test_compaction.py.
"""

import os
import unittest

from support import Case, NOW, SECOND, log_path, open_store, read, sync

DAY = 86400 * SECOND
OPTION = "history='30 days'"


class Expire(Case):
    def open(self, now, options=OPTION, name="laptop", db="host.db", folder="notes.kv"):
        """The store in a database file, made anew: its declaration has the time."""
        path = self.path(name + db)
        exists = os.path.exists(path)
        con = self.connect(path)
        if exists:
            con.execute("PRAGMA writable_schema = ON")
            con.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'kv'", (
                "CREATE VIRTUAL TABLE kv USING kv('%s', device='%s', now=%d%s)" % (
                    self.path(folder), name, now, options and ", " + options),))
            con.close()
            con = self.connect(path)
        return open_store(con, self.path(folder), name,
                          "now=%d%s" % (now, options and ", " + options), schema="main")

    def fill(self, now=NOW, n=10, stays=0, options=OPTION):
        """n rows of one key, of which the last one stays, and others that stay."""
        con = self.open(now, options)
        for i in range(n):
            con.execute("INSERT INTO kv VALUES('k', ?)", (i,))
        for i in range(stays):
            con.execute("INSERT INTO kv VALUES(?, 1)", (i,))
        con.close()

    def rows(self):
        return len(self.log("laptop").rows)

    def sync_at(self, now, options=OPTION):
        con = self.open(now, options)
        sync(con)
        con.close()
        return self.rows()

    def look(self, now, options=OPTION):
        """The same when it was looked for the day before."""
        self.sync_at(now - DAY, options)
        return self.sync_at(now, options)

    def test_history_goes_when_it_is_old_enough(self):
        self.fill()
        self.assertEqual(self.look(NOW + 30 * DAY), 10)
        self.assertEqual(self.sync_at(NOW + 31 * DAY), 10)
        self.assertEqual(self.sync_at(NOW + 32 * DAY), 1)
        con = self.open(NOW + 32 * DAY)
        self.assertEqual(con.execute("SELECT key, value, ts FROM kv_log").fetchall(),
                         [("k", 9, NOW + 9)])
        self.assertEqual(con.execute("SELECT horizon_time FROM kv_devices").fetchall(),
                         [("2026-09-21 14:13:20.000",)])
        self.assertEqual(con.execute("SELECT value FROM kv(?)", (NOW + 9,)).fetchall(), [(9,)])
        self.fails("SELECT value FROM kv(?)", "history", con=con, args=(NOW + 8,))
        self.check(con)

    def test_a_clock_that_is_ahead_for_once_gives_up_nothing(self):
        self.fill()
        self.assertEqual(self.sync_at(NOW + 9999 * DAY), 10)
        self.fresh()
        self.fill()
        self.look(NOW + DAY)
        con = self.open(NOW + 9999 * DAY)
        con.execute("INSERT INTO kv VALUES('k', 'from the future')")
        sync(con)
        con.close()
        self.assertEqual(self.rows(), 11)
        self.assertEqual(self.sync_at(NOW + 20 * DAY), 11)  # the clock is right again
        self.assertEqual(self.look(NOW + 52 * DAY), 2)

    def test_what_others_wrote_tells_that_time_has_passed(self):
        self.fill()
        self.look(NOW + DAY)
        phone = self.open(NOW + 60 * DAY, "", "phone")
        phone.execute("INSERT INTO kv VALUES('p', 'phone')")
        phone.close()
        self.assertEqual(self.sync_at(NOW + 61 * DAY), 2)  # with an acknowledgement

    def test_without_the_option_nothing_goes(self):
        for options in "", "history=forever":
            self.fresh()
            self.fill(options=options)
            self.assertEqual(self.sync_at(NOW + 9999 * DAY, options), 10)
            con = self.open(NOW + 9999 * DAY, options)
            self.assertEqual(con.execute("SELECT kv_compact()").fetchall(), [(9,)])

    def test_only_if_half_of_the_log_goes(self):
        self.fill(n=10, stays=9)  # 9 go, 10 stay
        self.assertEqual(self.look(NOW + 32 * DAY), 19)
        self.fresh()
        self.fill(n=10, stays=8)
        self.assertEqual(self.look(NOW + 32 * DAY), 9)

    def test_a_large_value_counts_as_a_hundred_rows(self):
        self.fill(n=1, stays=50)
        con = self.open(NOW)
        for i in range(2):
            con.execute("INSERT INTO kv VALUES('large', ?)", (i * 9000 * "x" or b"y" * 9000,))
        con.execute("DELETE FROM kv WHERE key = 'large'")
        con.close()
        self.assertEqual(self.look(NOW + 32 * DAY), 51)

    def test_once_a_day_whatever_the_connections(self):
        self.sync_at(NOW + 31 * DAY)
        self.fill()
        self.assertEqual(self.sync_at(NOW + 31 * DAY + 1), 10)  # it was looked at
        self.assertEqual(self.sync_at(NOW + 32 * DAY - 1), 10)
        self.assertEqual(self.sync_at(NOW + 32 * DAY), 1)

    def test_once_a_day_in_one_connection_too(self):
        con = self.open(NOW)
        sync(con)
        for i in range(10):
            con.execute("INSERT INTO kv VALUES('k', ?)", (i,))
        for days, rows in (31, 10), (31, 11), (32, 3), (62, 4), (63, 2):
            con.execute("SELECT kv_open(?, 'laptop', ?)", (
                self.path("notes.kv"), "now=%d" % (NOW + days * DAY)))
            sync(con)
            con.execute("INSERT INTO kv VALUES('k', ?)", (days,))
            self.assertEqual(self.rows() - 1, rows)

    def test_a_clock_that_was_set_back_does_not_stop_it(self):
        self.fill()
        self.sync_at(NOW + 5000 * DAY, "history='36500 days'")
        self.assertEqual(self.sync_at(NOW + 31 * DAY), 1)

    def test_kv_open_has_it_too_and_keeps_what_the_store_has(self):
        self.fill(options="")
        self.sync_at(NOW + 31 * DAY)
        con = self.open(NOW + 32 * DAY, "")
        con.execute("SELECT kv_open(?, 'laptop', ?)", (
            self.path("notes.kv"), "history=30 days, now=%d" % (NOW + 32 * DAY)))
        con.execute("SELECT kv_open(?, 'laptop', ?)", (
            self.path("notes.kv"), "now=%d" % (NOW + 32 * DAY)))
        sync(con)
        self.assertEqual(self.rows(), 1)

    def test_a_temp_cache(self):
        self.fill(options="")
        con = self.device("laptop", options="history='30 days', now=%d" % (NOW + 31 * DAY))
        sync(con)
        self.assertEqual(self.rows(), 10)  # it knows of no time but the log's
        con.execute("INSERT INTO kv VALUES('today', 1)")
        con.close()
        con = self.device("laptop", options="history='30 days', now=%d" % (NOW + 31 * DAY))
        self.assertEqual(self.rows(), 11)  # kv_open() gives up nothing
        sync(con)
        self.assertEqual(self.rows(), 2)
        self.check(con)

    def test_kv_compact_keeps_as_much(self):
        self.fill(n=3)
        for options, n in ("history='60 days'", 0), (OPTION, 2):
            con = self.open(NOW + 31 * DAY, options)
            self.assertEqual(con.execute("SELECT sum(n_rows) FROM kv_compaction WHERE goes")
                             .fetchone()[0] or 0, n)
            self.assertEqual(con.execute("SELECT kv_compact()").fetchone()[0], n)
            con.close()

    def test_it_waits_for_the_others_as_kv_compact_does(self):
        phone = self.open(NOW, "", "phone")
        phone.execute("INSERT INTO kv VALUES('p', 'phone')")
        phone.close()
        self.fill(n=3)
        con = self.open(NOW)
        con.execute("DELETE FROM kv WHERE key = 'k'")
        con.close()
        for day in 31, 62, 64:  # the deletion and an acknowledgement stay
            self.assertEqual(self.sync_at(NOW + day * DAY), 2)
        con = self.open(NOW + 64 * DAY)
        self.assertEqual(con.execute("SELECT reason, waits_for FROM kv_compaction WHERE reason LIKE "
                                     "'deletes%'").fetchall(), [("deletes", "phone")])
        phone = self.open(NOW + 65 * DAY, "", "phone")
        sync(phone)
        phone.close()
        self.assertEqual(self.sync_at(NOW + 66 * DAY), 1)

    def test_inside_a_transaction_and_a_scan_it_waits(self):
        self.fill()
        self.sync_at(NOW + 31 * DAY)
        con = self.open(NOW + 32 * DAY)
        con.execute("BEGIN")
        sync(con)
        con.execute("COMMIT")
        self.assertEqual(con.execute("SELECT kv_sync() FROM kv").fetchall(), [(0,)])
        self.assertEqual(self.rows(), 10)
        sync(con)
        self.assertEqual(self.rows(), 1)

    def test_a_log_that_cannot_be_written_is_no_error(self):
        self.fill()
        self.sync_at(NOW + 31 * DAY)
        in_the_way = log_path(self.path("notes.kv"), "laptop") + ".sealed"
        os.mkdir(in_the_way)
        con = self.open(NOW + 32 * DAY)
        sync(con)
        self.fails("SELECT kv_compact()", con=con)
        con.close()
        os.rmdir(in_the_way)
        self.assertEqual(self.rows(), 10)
        self.assertEqual(self.sync_at(NOW + 33 * DAY - 1), 10)
        self.assertEqual(self.sync_at(NOW + 33 * DAY), 1)

    def test_who_has_no_log_has_nothing_to_give_up(self):
        self.fill(options="")
        eyes = self.device(None, options="history='30 days', now=%d" % (NOW + 31 * DAY))
        memory = self.connect()
        memory.execute("SELECT kv_open(':memory:', 'laptop', 'history=30 days')")
        for con in eyes, memory:
            sync(con)
        self.assertEqual(self.rows(), 10)

    def test_what_is_allowed(self):
        con = self.connect()
        for bad in "", "30", "0 days", "30days", "-1 days", "2 weeks", "1 days", "36501 days", "none", \
                "99999999999999999999 days", "30 days ":
            said = self.fails("CREATE VIRTUAL TABLE temp.kv USING kv(%r, device='laptop', history='%s')" %
                              (self.path("notes.kv"), bad), "history='%s' is neither" % bad, con=con)
            self.assertIn("a number of days, '1 day', '30 days' or up to '36500 days', nor 'forever'", said)
            self.fails("SELECT kv_open(?, 'laptop', ?)", "neither", con=con,
                       args=(self.path("notes.kv"), "history='%s'" % bad))
        for good in "1 day", "36500 days", "forever":
            self.device("laptop", options="history='%s'" % good)

    def test_an_idle_sync_does_not_pay(self):
        steps = []
        for options in "", OPTION:
            self.fresh()
            self.fill(n=1, stays=2000, options=options)
            con = self.open(NOW + 31 * DAY, options)
            sync(con)
            steps.append([])
            for _ in range(2):
                count = [0]

                def tick():
                    count[0] += 1
                con.set_progress_handler(tick, 1)
                sync(con)
                con.set_progress_handler(None, 1)
                steps[-1].append(count[0])
        self.assertEqual(*steps)


if __name__ == "__main__":
    unittest.main()
