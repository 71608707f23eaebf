"""kv_devices says what is wrong with each log, in a word that the reference
explains and in a sentence; and it lists the files that it does not read.
"""

import os
import re
import shutil
import sqlite3
import time
import unittest

from foreign import make
from support import HERE, NOW, Case, deliver, edit, kv, log_path, plain, put, read, sync

REFERENCE = os.path.join(HERE, "..", "..", "ext", "surface", "README.md")
ROWS = [(1, NOW, None, 1, "", "a", 1), (3, NOW + 1, None, 1, "", "b", 1),
        (3, NOW + 1, None, 1, "", "c", 1), (4, NOW + 2, None, 1, "", "d", 1)]
OTHER = [(1, NOW + 5, None, 1, "", "other", 1), (2, NOW + 6, None, 1, "", "b", 2)]


class States(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("notes.kv")
        self.file = log_path(self.folder, "phone")
        self.laptop = self.device("laptop")
        self.laptop.execute("INSERT INTO kv VALUES('own', 1)")
        self.paths = {}
        for name, rows, log_id in (("whole", ROWS, b"i" * 16), ("other", OTHER, b"o" * 16)):
            self.paths[name] = log_path(self.path(name), "phone")
            make(self.paths[name], rows, log_id=log_id)
        self.whole = read(self.paths["whole"])

    def told(self, word, *sentence, rows):
        """The state of phone, in a word and a sentence; its rows are kept."""
        state, detail = self.laptop.execute(
            "SELECT state, detail FROM kv_devices WHERE device = 'phone'").fetchone()
        self.assertEqual(state, word, detail)
        if word == "ok":
            self.assertIsNone(detail)
        for s in sentence:
            self.assertIn(s, detail)
        self.assertEqual({k: v for k, v in kv(self.laptop).items() if k != ("str", "own")},
                         plain(dict.fromkeys(rows, 1)))

    def arrive(self, data):
        put(self.file, data)
        return sync(self.laptop)

    def test_each_word_in_turn_and_back_to_ok(self):
        """Whatever was there before, a good file is merged completely."""
        def changed(*statements):
            def make_it():
                put(self.file, self.whole)
                edit(self.file, *statements)
            return make_it

        def other_device():
            shutil.copy(log_path(self.folder, "laptop"), self.file)
        cases = [
            (lambda: put(self.file, self.whole[:5000]), "waiting", ["5000 of "]),
            (lambda: put(self.file, b""), "waiting", ["0 bytes"]),
            (lambda: put(self.file, bytes(len(self.whole))), "waiting", ["zeros"]),
            (changed("UPDATE log SET sum = sum + 1 WHERE seq = 4"), "damaged", ["row"]),
            (lambda: put(self.file, b"no database at all" * 100), "stranger", ["not a log"]),
            (other_device, "stranger", ["laptop"]),
            (changed("PRAGMA application_id = 7"), "stranger", ["not a log"]),
            (changed("CREATE TABLE more(x)"), "stranger", ["tables"]),
            (changed("PRAGMA user_version = 3"), "newer", ["version 3"]),
            (changed("PRAGMA user_version = 1"), "stranger", ["unreleased"]),
            (changed("PRAGMA user_version = 2000000000"), "newer", ["2000000000"]),
            (changed("UPDATE device SET base_seq = 7"), "waiting", ["is missing"]),
            (lambda: os.mkfifo(self.file), "stranger", ["regular"]),
            (lambda: os.symlink(self.paths["whole"], self.file), "stranger", ["regular"]),
            (lambda: None, "missing", ["kept"]),
            (lambda: shutil.rmtree(os.path.dirname(self.file)), "missing", ["kept"]),
        ]
        for first in (False, True):  # before anything was read, and after
            for make_it, word, sentence in cases:
                with self.subTest(word=word, sentence=sentence, first=first):
                    self.laptop.close()
                    shutil.rmtree(os.path.dirname(self.file), ignore_errors=True)
                    self.laptop = self.device("laptop")
                    os.makedirs(os.path.dirname(self.file))
                    if not first:
                        self.arrive(self.whole)
                        self.told("ok", rows="abcd")
                    if os.path.lexists(self.file):
                        os.remove(self.file)
                    make_it()
                    sync(self.laptop)
                    if first and word == "missing":
                        if os.path.exists(os.path.dirname(self.file)):
                            self.told("waiting", "not arrived yet", rows="")
                    else:
                        shown = "abc" if first and word == "damaged" else "" if first else "abcd"
                        self.told(word, *sentence, rows=shown)
                    if os.path.lexists(self.file):
                        os.remove(self.file)
                    self.arrive(self.whole)
                    self.told("ok", rows="abcd")

    def test_behind_and_rewritten(self):
        self.arrive(self.whole)
        make(self.paths["other"], ROWS[:3], log_id=b"i" * 16)
        self.arrive(read(self.paths["other"]))
        self.told("behind", "older", rows="abcd")
        make(self.paths["other"], [], log_id=b"i" * 16)
        self.arrive(read(self.paths["other"]))
        self.told("behind", "older", rows="abcd")
        make(self.paths["other"], OTHER[:1], log_id=b"i" * 16)
        self.arrive(read(self.paths["other"]))
        self.told("rewritten", "a different log", rows=["other"])
        make(self.paths["other"], OTHER[:1], log_id=b"o" * 16)
        self.arrive(read(self.paths["other"]))
        self.told("rewritten", "a different log", rows=["other"])
        make(self.paths["other"], ROWS[:3], log_id=b"i" * 16)
        self.arrive(read(self.paths["other"]))
        self.told("rewritten", "a different log", rows="abc")
        older = read(self.paths["other"])
        make(self.paths["other"], OTHER[:1] + [(2, NOW + 6, None, 1, "", "b", 1)],
             log_id=b"o" * 16)
        self.arrive(read(self.paths["other"]))
        self.told("rewritten", "a different log", rows=["other", "b"])
        self.arrive(older)
        self.told("behind", "older log", rows=["other", "b"])
        self.arrive(self.whole)
        self.told("rewritten", "a different log", rows="abcd")

    def test_a_file_that_is_longer_than_it_says_waits(self):
        """rsync --append sends what was appended, but no page that changed."""
        for replaced in (False, True):
            with self.subTest(replaced=replaced):
                self.fresh()
                if replaced:
                    make(self.paths["other"], OTHER, log_id=b"o" * 16)
                    self.arrive(read(self.paths["other"]))
                rows = ROWS + [(n, NOW + n, None, 1, "", "e%d" % n, "x" * 2000)
                               for n in range(5, 9)]
                make(self.paths["whole"], rows, log_id=b"i" * 16)
                longer = read(self.paths["whole"])
                self.assertGreater(len(longer), len(self.whole))
                self.arrive(self.whole + longer[len(self.whole):])
                self.told("waiting", "row 4", "longer", rows="abcd")
                self.arrive(self.whole + b"\0")
                self.told("waiting", "row 4", "longer", rows="abcd")
                self.arrive(longer)
                self.assertEqual(self.state(self.laptop, "phone"), "ok")
                self.check(self.laptop)

    PLACEHOLDERS = (".%s.icloud", "%s.nextcloud", "%s.owncloud", "%s.cloud", "%s.cloudf",
                    "%s.rsls", "%s.rslsls")

    def test_a_log_that_is_only_in_the_cloud_waits(self):
        for name in self.PLACEHOLDERS:
            for what, first in (("phone/log.db", True), ("phone/log.db", False),
                                ("phone", False)):
                with self.subTest(name=name, what=what, first=first):
                    self.laptop.close()
                    if os.path.exists(self.file):
                        os.remove(self.file)
                    self.laptop = self.device("laptop")
                    put(self.file, self.whole)
                    if not first:
                        sync(self.laptop)
                    path, log = os.path.split(os.path.join(self.folder, "devices", what))
                    placeholder = os.path.join(path, name % log)
                    os.remove(self.file)
                    if what == "phone":
                        os.rmdir(os.path.dirname(self.file))
                    put(placeholder, b"bplist")
                    sync(self.laptop)
                    file = os.path.relpath(placeholder, self.folder)
                    self.told("waiting", "not downloaded", file, "keep the folder",
                              rows="" if first else "abcd")
                    (detail,), = self.laptop.execute(
                        "SELECT detail FROM kv_devices WHERE file = ? AND device IS NULL",
                        (file,)).fetchall()
                    self.assertIn("placeholder", detail)
                    self.assertNotIn("or delete", detail)
                    os.remove(placeholder)
                    self.arrive(self.whole)
                    self.told("ok", rows="abcd")

    def test_a_device_named_like_a_placeholder_is_a_device(self):
        self.arrive(self.whole)
        cloud = self.device("phone.cloud")
        cloud.execute("INSERT INTO kv VALUES('cloud', 1)")
        shutil.rmtree(os.path.dirname(self.file))
        self.assertEqual(sync(self.laptop), 1)
        self.assertEqual(self.state(self.laptop, "phone"), "missing")
        phone = self.device("phone")
        phone.execute("INSERT INTO kv VALUES('p', 1)")
        self.assertEqual(self.state(phone, "phone"), "ok")

    def test_an_own_log_that_is_only_in_the_cloud_is_not_recreated(self):
        for name in self.PLACEHOLDERS:
            for what in ("laptop/log.db", "laptop"):
                with self.subTest(name=name, what=what):
                    self.fresh()
                    own = log_path(self.folder, "laptop")
                    db = self.device("laptop", db="host.db", schema="main")
                    db.execute("INSERT INTO kv VALUES('b', 1)")
                    expected, data = self.log("laptop").rows, read(own)
                    path, log = os.path.split(os.path.join(self.folder, "devices", what))
                    os.remove(own)
                    if what == "laptop":
                        os.rmdir(os.path.dirname(own))
                    put(os.path.join(path, name % log), b"bplist")
                    db.execute("INSERT INTO kv VALUES('c', 1)")
                    with self.assertRaisesRegex(sqlite3.OperationalError,
                                                "not published: .* is not downloaded"):
                        sync(db)
                    self.assertEqual((self.unpublished(db), self.state(db, "laptop")),
                                     (1, "waiting"))
                    with self.assertRaises(sqlite3.OperationalError) as caught:
                        self.device("laptop")
                    self.assertIn("is not downloaded", str(caught.exception))
                    self.assertFalse(os.path.exists(own))
                    os.remove(os.path.join(path, name % log))
                    put(own, data)
                    sync(db)
                    self.assertEqual(self.log("laptop").rows[:len(expected)], expected)
                    self.check(db)

    def test_half_a_transaction_waits_and_says_how_far_it_got(self):
        make(self.file, ROWS[:2], log_id=b"i" * 16)
        sync(self.laptop)
        self.told("waiting", "row 1", rows="a")
        self.arrive(self.whole)
        self.told("ok", rows="abcd")

    def test_damaged_says_how_far_and_why(self):
        for change, why in (("value = 2", "checksum"), ("sum = 1.5", "type"), ("ts = -1", ""),
                            ("op = 9", ""), ("txn = 2", ""), ("seq = 9", "")):
            with self.subTest(change=change):
                put(self.file, self.whole)
                edit(self.file, "UPDATE log SET %s WHERE seq = 4" % change)
                self.laptop.close()
                self.laptop = self.device("laptop")
                self.told("damaged", "row 3", why, rows="abc")

    def test_a_log_that_its_device_writes_just_now_is_not_damaged(self):
        put(self.file, self.whole)
        sync(self.laptop)
        self.told("ok", rows="abcd")
        torn = self.whole[:4096] + bytes(len(self.whole) - 4096)  # half of it is written
        put(self.file, torn, time.time_ns() + 60 * 10**9)
        with open(self.file + "-journal", "wb") as journal:
            journal.write(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
        sync(self.laptop)
        self.told("ok", rows="abcd")
        os.remove(self.file + "-journal")  # the commit is over: it is what it is
        sync(self.laptop)
        self.told("damaged", rows="abcd")
        put(self.file, self.whole)
        sync(self.laptop)
        self.told("ok", rows="abcd")

    def test_every_word_is_in_the_reference_with_what_to_do(self):
        with open(REFERENCE, encoding="utf-8") as f:
            text = f.read()
        table = dict(re.findall(r"^\| `(\w+)` \| (.*)$", text[text.index("## States"):
                                                             text.index("## kv_foreign")], re.M))
        with open(os.path.join(HERE, "..", "..", "ext", "file", "state.c"), encoding="utf-8") as f:
            words = re.search(r"state_words\[\] = \{(.*?)\}", f.read(), re.S).group(1)
        self.assertEqual(set(table), set(re.findall(r'"(\w+)"', words)) | {"ignored", "retired"})
        for word, rest in table.items():
            means, remedy = rest.rstrip(" |").split(" | ") if word != "ok" else (rest, "-")
            self.assertGreater(len(means), 20, word)
            self.assertTrue(remedy, word)

    def test_conflict_copies_are_listed_and_not_read(self):
        names = [
            "log.sync-conflict-20261101-101010-ABCDEF7.db", "log (phone's conflicted copy 2026).db",
            "log 2.db", "log.db.orig", "log-phone.db", ".log.db.swp", "~log.db", "log.db~",
            ".syncthing.log.db.tmp", "log.db.!sync", "log.db.part", ".dropbox", "Icon\r",
            "log.db;1", "LOG.DB", "log.db.aside-1", "desktop.ini"]
        for n in names:
            put(os.path.join(self.folder, "devices", "phone", n), read(self.paths["other"]))
        shutil.copytree(os.path.join(self.path("other"), "devices", "phone"),
                        os.path.join(self.folder, "devices", "phone (conflicted copy)"))
        self.arrive(self.whole)
        self.told("ok", rows="abcd")
        rows = self.laptop.execute("SELECT file, detail, bytes, device FROM kv_devices "
                                   "WHERE state = 'ignored'").fetchall()
        self.assertEqual({f for f, _, _, _ in rows},
                         {"devices/phone/" + n for n in names} |
                         {"devices/phone (conflicted copy)"})
        for file, detail, size, device in rows:
            self.assertTrue(detail, file)
            self.assertIsNone(device)
            if not file.endswith(")"):
                self.assertEqual(size, os.path.getsize(os.path.join(self.folder, file)))

    def test_a_log_under_the_name_of_another_device_is_a_stranger(self):
        """Swapped by a sync tool, or copied to make a new device."""
        deliver(self.path("whole"), self.folder, "phone")
        self.device("tablet", "tablet.kv").execute("INSERT INTO kv VALUES('t', 1)")
        put(log_path(self.folder, "tablet"), self.whole)
        put(self.file, read(log_path(self.path("tablet.kv"), "tablet")))
        sync(self.laptop)
        self.told("stranger", "tablet", rows="")
        self.assertEqual(self.state(self.laptop, "tablet"), "stranger")
        put(self.file, self.whole)
        deliver(self.path("tablet.kv"), self.folder, "tablet")
        self.assertEqual(sync(self.laptop), 5)
        self.check(self.laptop)

    def test_what_cannot_be_opened_is_busy_and_read_later(self):
        put(self.file, self.whole)
        if os.geteuid() == 0:  # who may read everything
            for base, dirs, files in os.walk(self.dir):
                for p in [base] + [os.path.join(base, f) for f in files]:
                    os.chown(p, 65534, -1)
            os.seteuid(65534)
            self.addCleanup(os.seteuid, 0)
        os.chmod(self.file, 0)
        sync(self.laptop)
        self.told("busy", "cannot", rows="")
        os.chmod(self.file, 0o600)
        self.assertEqual(sync(self.laptop), 4)
        os.chmod(os.path.dirname(self.file), 0)
        sync(self.laptop)
        self.told("busy", "permissions", rows="abcd")
        os.chmod(os.path.dirname(self.file), 0o700)
        sync(self.laptop)
        self.told("ok", rows="abcd")


if __name__ == "__main__":
    unittest.main()
