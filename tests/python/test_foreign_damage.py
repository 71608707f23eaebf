"""A log that is cut, torn, flipped or shuffled anywhere shows whole
transactions of the original log, or nothing; nothing that was read is lost;
and a good log that arrives afterwards is merged, whatever was there before.

    KV_FLIPS=100000 python3 test_foreign_damage.py     more random damage
    KV_SEED=7                                          other damage
"""

import os
import random
import unittest

import oracle
from foreign import Original, place
from support import NOW, SECOND, Case, kv, log_path, plain, put, read, sync

FLIPS = int(os.environ.get("KV_FLIPS", 2000))
SEED = int(os.environ.get("KV_SEED", 1))
PAGE = 4096


class Damage(Case):
    """A log of some 20 pages, and caches that have read none, half and all of
    it. Each damage is tried inside a transaction that is rolled back."""

    def setUp(self):
        super().setUp()
        self.r = random.Random(SEED)
        self.phone = self.device("phone", "theirs.kv")
        peer = self.device("peer", "theirs.kv")
        peer.execute("INSERT INTO kv VALUES('seen', 1)")
        sync(self.phone)  # so that there are acknowledgements
        self.write(35)
        half = read(log_path(self.path("theirs.kv"), "phone"))
        self.write(35)
        self.whole = read(log_path(self.path("theirs.kv"), "phone"))
        self.log = Original(self.path("theirs.kv"), "phone")
        self.file = log_path(self.path("mine.kv"), "phone")
        self.readers = []
        for data in (None, half, self.whole):
            if data:
                put(self.file, data)
            con = self.device("reader%d" % len(self.readers), "mine.kv")
            sync(con)
            self.readers.append((con, self.log.prefix(con)))
        self.assertEqual([n for _, n in self.readers][::2], [0, self.log.ends[-1]])
        self.assertIn(self.readers[1][1], self.log.ends[10:-10])

    def write(self, n):
        r = self.r
        for i in range(n):
            self.phone.execute("BEGIN")
            for _ in range(r.choice([1, 1, 2, 5])):
                self.phone.execute("INSERT INTO kv VALUES(?, ?)", (
                    r.choice([r.randrange(40), "k%d" % r.randrange(40), b"b%d" % i]),
                    r.choice([i, i + 0.5, None, "v" * r.choice([3, 300, 1500]), b"\0\xff"])))
            if i % 5 == 4:
                self.phone.execute("DELETE FROM kv WHERE key < 10")
            self.phone.execute("COMMIT")

    def tried(self, data, con, before):
        """What a sync of the damaged log shows, in rows of it."""
        place(self.file, data)
        con.execute("BEGIN")
        n = sync(con)
        end = self.log.prefix(con)
        self.assertGreaterEqual(end, before, "rows were lost")
        self.assertGreaterEqual(n, 0)
        # What is acknowledged is what is shown.
        said, state = con.execute(
            "SELECT last_seq, state FROM kv_devices WHERE device = 'phone'").fetchone()
        self.assertGreaterEqual(said, end)
        # A wrong page between may hide a row from a search, but not from a
        # scan: then all of it is read again.
        self.assertIn(state, ("ok", "waiting", "behind", "rewritten", "damaged", "stranger",
                              "newer"))
        place(self.file, self.whole)
        sync(con)
        self.assertEqual(self.log.prefix(con), self.log.ends[-1], "not merged when it was whole")
        self.assertEqual(self.state(con, "phone"), "ok")
        con.execute("ROLLBACK")
        return end

    def each(self, data):
        out = [self.tried(data, con, before) for con, before in self.readers]
        self.n += 1
        return out

    def run(self, result=None):
        self.n = 0
        return super().run(result)

    def test_cut_off_at_every_512th_byte(self):
        for n in range(0, len(self.whole), 512):
            with self.subTest(bytes=n):
                self.each(self.whole[:n])
        self.assertEqual(self.n, -(-len(self.whole) // 512))

    def test_the_rest_zeros_at_every_512th_byte(self):
        """As left by tools that allocate a file before they fill it."""
        seen = set()
        for n in range(0, len(self.whole), 512):
            with self.subTest(bytes=n):
                seen |= set(self.each(self.whole[:n] + bytes(len(self.whole) - n)))
        self.assertGreater(len(seen), 5)  # some of it can be read

    def test_torn_between_an_older_copy_and_a_newer_one(self):
        old = self.whole
        self.write(12)
        new = read(log_path(self.path("theirs.kv"), "phone"))
        self.log, self.whole = Original(self.path("theirs.kv"), "phone"), new
        pages = range(0, len(new), PAGE)
        for at in pages:
            with self.subTest(at=at):
                self.each(new[:at] + old[at:])
                self.each(old[:at] + new[at:])
        for _ in range(200):
            mixed = bytearray(new)
            for p in pages:
                if self.r.random() < 0.3:
                    mixed[p:p + PAGE] = old[p:p + PAGE] or bytes(PAGE)
            self.each(bytes(mixed))

    def test_random_bits_flipped(self):
        where = {"header": range(100), "first page": range(PAGE), "file": range(len(self.whole))}
        ends = set()
        for i in range(FLIPS):
            data = bytearray(self.whole)
            for _ in range(self.r.choice([1, 1, 1, 2, 8])):
                at = self.r.choice(where[self.r.choice(list(where))])
                data[at] ^= 1 << self.r.randrange(8)
            con, before = self.readers[i % 3]
            ends.add(self.tried(bytes(data), con, before))
        self.assertGreater(len(ends), 10 if FLIPS >= 1000 else 1)

    def test_pages_zeroed_swapped_repeated_and_random(self):
        n = len(self.whole) // PAGE
        page = [self.whole[i * PAGE:(i + 1) * PAGE] for i in range(n)]
        for i in range(n):
            for other in (bytes(PAGE), os.urandom(PAGE), b"\xff" * PAGE):
                with self.subTest(page=i):
                    self.each(b"".join(page[:i] + [other] + page[i + 1:]))
        for i in range(n):
            j = self.r.randrange(n)
            swapped, repeated = list(page), list(page)
            swapped[i], swapped[j] = page[j], page[i]
            repeated[i] = page[j]
            with self.subTest(pages=(i, j)):
                self.each(b"".join(swapped))
                self.each(b"".join(repeated))
                self.each(b"".join(page[:i] + page[i + 1:]))

    def test_an_overflow_page_that_no_file_can_have(self):
        """Older versions of SQLite report a full disk for it."""
        self.phone.execute("INSERT INTO kv VALUES('large', ?)", ("x" * 20000,))
        self.whole = read(log_path(self.path("theirs.kv"), "phone"))
        self.log = Original(self.path("theirs.kv"), "phone")
        tried = 0
        for p in range(PAGE, len(self.whole), PAGE):
            if self.whole[p] in (2, 5, 10, 13):
                continue    # of a b-tree
            for number in (0x40000000, 0x7fffffff, 0xffffffff):
                data = bytearray(self.whole)
                data[p:p + 4] = number.to_bytes(4, "big")
                con, before = self.readers[self.n % 3]
                self.n += 1
                self.tried(bytes(data), con, before)
                tried += 1
        self.assertGreater(tried, 9)

    def test_cells_that_point_elsewhere(self):
        """Not random: each field of each page's header, and each pointer."""
        for p in range(0, len(self.whole), PAGE):
            start = p + (100 if p == 0 else 0)
            for at in list(range(start, start + 12)) + list(range(start + 12, start + 24, 2)):
                for value in (0, 1, 5, 0x7f, 0xff):
                    if self.whole[at] != value:
                        data = bytearray(self.whole)
                        data[at] = value
                        con, before = self.readers[self.n % 3]
                        self.n += 1
                        self.tried(bytes(data), con, before)


class Rewritten(Case):
    """Another log in place of one that was read replaces it completely, in kv
    and kv_log. A damaged one does not."""

    def setUp(self):
        super().setUp()
        self.laptop = self.device("laptop", "mine.kv")
        self.laptop.execute("INSERT INTO kv VALUES('own', 1), ('both', 'mine')")
        phone = self.device("phone", "one.kv", options="now=%d" % (NOW + SECOND))
        phone.execute("INSERT INTO kv VALUES('both', 'one'), ('one', 1), ('kept', 1)")
        phone.execute("INSERT INTO kv VALUES('more', 1)")
        other = self.device("phone", "two.kv", options="now=%d" % (NOW + 2 * SECOND))
        other.execute("INSERT INTO kv VALUES('two', 2), ('kept', 2)")
        self.one, self.two = (read(log_path(self.path(f), "phone")) for f in ("one.kv", "two.kv"))
        phone.execute("INSERT INTO kv VALUES('later', 1)")
        self.one_later = read(log_path(self.path("one.kv"), "phone"))
        self.file = log_path(self.path("mine.kv"), "phone")
        put(self.file, self.one)
        sync(self.laptop)

    def test_it_replaces_the_previous_log_in_kv_and_kv_log(self):
        for data, shown in ((self.two, {"both": "mine", "two": 2}), (self.one_later, {
                "both": "one", "one": 1, "more": 1, "later": 1})):
            put(self.file, data)
            sync(self.laptop)
            self.assertEqual(self.state(self.laptop, "phone"), "rewritten")
            self.assertEqual(kv(self.laptop), plain({
                "own": 1, "kept": 2 if "two" in shown else 1, **shown}))
            self.check(self.laptop, "mine.kv")

    def test_a_mirror_of_kv_changes_arrives_at_the_new_state(self):
        """Starting from the rows that it had when the log was replaced, in
        another epoch."""
        cursor = self.laptop.execute("SELECT kv_cursor()").fetchone()[0]
        put(self.file, self.two)
        sync(self.laptop)
        told = {("str", k): v for k, op, v in self.laptop.execute(
            "SELECT key, op, value FROM kv_changes(?)", (cursor,)) if op == "set"}
        self.assertEqual({k: v for k, (_, v) in kv(self.laptop).items()}, told)

    def test_it_is_undone_with_the_transaction_that_it_came_in(self):
        before = kv(self.laptop), self.laptop.execute("SELECT * FROM kv_log ORDER BY 1, 2, 5").fetchall()
        self.laptop.execute("BEGIN")
        put(self.file, self.two)
        self.assertEqual(sync(self.laptop), 2)
        self.check(self.laptop, "mine.kv")
        self.laptop.execute("ROLLBACK")
        self.assertEqual(before, (kv(self.laptop), self.laptop.execute(
            "SELECT * FROM kv_log ORDER BY 1, 2, 5").fetchall()))
        self.assertEqual(sync(self.laptop), 2)
        self.check(self.laptop, "mine.kv")

    def test_a_damaged_log_replaces_nothing_wherever_it_is_damaged(self):
        before = kv(self.laptop)
        for at in range(0, len(self.two), 64):
            data = bytearray(self.two)
            data[at:at + 64] = bytes(b ^ 0x55 for b in data[at:at + 64])
            put(self.file, bytes(data))
            self.laptop.execute("BEGIN")
            sync(self.laptop)
            if self.state(self.laptop, "phone") == "rewritten":  # what is not used
                self.check(self.laptop, "mine.kv") if oracle_reads(self.file) else None
            else:
                self.assertEqual(kv(self.laptop), before, at)
            self.laptop.execute("ROLLBACK")
        put(self.file, self.two)
        self.assertEqual(sync(self.laptop), 2)
        self.check(self.laptop, "mine.kv")

    def test_there_and_back_ends_with_the_present_log(self):
        for data in (self.two, self.one_later, self.two, self.two, self.one[:PAGE], self.one_later,
                     self.two):
            put(self.file, data)
            sync(self.laptop)
            if self.state(self.laptop, "phone") in ("ok", "rewritten"):
                self.check(self.laptop, "mine.kv")
            self.assertEqual(sync(self.laptop), 0)
        self.check(self.laptop, "mine.kv")

    def test_an_older_copy_of_the_previous_log_erases_nothing(self):
        """From a backup, or left by a sync tool. Also if the cache was closed
        in between, and until one of the two grows."""
        con = self.device("tablet", "mine.kv", "host.db", "main")
        sync(con)
        put(self.file, self.two)
        self.assertEqual(sync(con), 2)
        before = kv(con)
        for data in (self.one, self.one[:len(self.one) // 2], self.one):
            put(self.file, data)
            self.assertEqual(sync(con), 0)
            con.close()
            con = self.device("tablet", "mine.kv", "host.db", "main")
            self.assertEqual(kv(con), before)
        self.assertEqual(self.state(con, "phone"), "behind")
        put(self.file, self.two)
        self.assertEqual((sync(con), self.state(con, "phone")), (0, "ok"))
        put(self.file, self.one_later)
        self.assertEqual((sync(con), self.state(con, "phone")), (5, "rewritten"))
        self.check(con, "mine.kv")


def oracle_reads(path):
    try:
        oracle.read_log(path)
    except oracle.BadLog:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
