#!/usr/bin/env python3
"""Two devices, each with its own copy of a folder, and a sync tool between them.

    KV_MODULE=build/kv /usr/bin/python3 tests/tools/play.py rsync cp git

plays one scene with each tool: rows, edits on both sides with a conflict,
deletions, a value of 5 MB, 200 commits of each while they are apart, and a burst
of 1,000 commits of another process while the tool runs. It fails unless both
devices, and observers of both copies, show the same rows and the same history
at the end, with no conflict copies. It prints the seconds to converge after each
step, the states other than ok that were seen, and the files that are left over.

Tools: rsync, rsync-delete (the same with --delete), cp, git, unison, rclone,
syncthing (two instances on loopback), and sshfs (the phone's copy is a mount of
the laptop's, by an sshd of its own on loopback).

    KV_MODULE=build/kv /usr/bin/python3 tests/tools/play.py --bytes 600 60000

measures instead what a commit of one row of 100 bytes moves and how long that
takes, by the number of rows in the log: bytes in files that the receiver writes
(cp, rclone), that rsync, unison and Syncthing send and receive, and that a git
repository grows by.
"""

import collections
import os
import pwd
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import syncthing

MODULE = os.environ.get("KV_MODULE", "build/kv")
LOG = "notes.kv/devices/laptop/log.db"
LIMIT = 120  # seconds until a step has converged
JOURNALS = "*-journal"


def connect(folder, device):
    con = sqlite3.connect(":memory:", isolation_level=None, timeout=LIMIT)
    con.enable_load_extension(True)
    con.load_extension(MODULE)
    con.execute("SELECT kv_open(?, ?)", (folder, device))
    return con


def burst(folder):
    """What the other process does."""
    con = connect(folder, "laptop")
    for i in range(1000):
        con.execute("INSERT INTO kv VALUES(?, ?)", ("burst%d" % (i % 300), i))


def content(con):
    return (con.execute("SELECT key, value, device, ts, parent_ts FROM kv "
                        "ORDER BY key").fetchall(),
            con.execute("SELECT bucket, key, value, op, ts, device, seq, txn, "
                        "parent_ts FROM kv_log ORDER BY ts, device, seq").fetchall())


class Tool:
    """Keeps the folders a and b, which it may replace, in step."""

    again = 0.0  # seconds until it is run again
    may_fail = False  # while logs are written

    def __init__(self, root):
        self.root, self.failed = root, 0
        self.a, self.b = os.path.join(root, "a"), os.path.join(root, "b")
        os.mkdir(self.a)
        os.mkdir(self.b)
        self.start()

    def start(self):
        pass

    def pause(self):
        pass

    def resume(self):
        pass

    def close(self):
        pass

    def moved(self):
        """Bytes that the next step moves: those of files that it writes in b."""
        before = stamps(self.b)
        self.step()
        return sum(size for path, (size, *stamp) in stamps(self.b).items()
                   if before.get(path) != (size, *stamp))

    def run(self, *command, ok=(0,), **options):
        done = subprocess.run(command, cwd=self.root, text=True, timeout=10 * LIMIT,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **options)
        if done.returncode not in ok:
            self.failed += 1
            if not self.may_fail:
                raise AssertionError("%s: %s" % (command, done.stdout))
        return done


class Rsync(Tool):
    """Each run carries what its source writes: --update compares whole seconds,
    and could put an older copy of a log over the log itself.
    """

    options = []

    def step(self):
        for source, target, other in ((self.a, self.b, "phone"),
                                      (self.b, self.a, "laptop")):
            # 24: a file vanished while it was read.
            self.run("rsync", "-a", "--modify-window=-1", "--exclude", JOURNALS,
                     "--exclude", "/notes.kv/devices/" + other, *self.options,
                     source + "/", target + "/", ok=(0, 24))

    def moved(self):
        """As over a network."""
        out = self.run("rsync", "-a", "--modify-window=-1", "--no-whole-file", "--stats",
                       self.a + "/", self.b + "/").stdout
        return sum(int(n.replace(",", "")) for n in re.findall(
            r"Total bytes (?:sent|received): ([\d,]+)", out))


class RsyncDelete(Rsync):
    options = ["--delete"]


class Cp(Tool):
    """Each copies what the other writes."""

    def step(self):
        for source, target, device in ((self.a, self.b, "laptop"),
                                       (self.b, self.a, "phone")):
            log = "notes.kv/devices/%s/log" % device
            if os.path.exists(os.path.join(source, log + ".db")):
                os.makedirs(os.path.join(target, os.path.dirname(log)), exist_ok=True)
                self.run("sh", "-c", "cp -pu %s/%s*.db %s/%s" % (
                    source, log, target, os.path.dirname(log)))


class Git(Tool):
    def start(self):
        self.git(self.root, "init", "-q", "--bare", "-b", "main", "bare.git")
        for folder in (self.a, self.b):
            os.rmdir(folder)
            self.git(self.root, "clone", "-q", "bare.git", folder)
            self.git(folder, "config", "user.name", "somebody")
            self.git(folder, "config", "user.email", "somebody@example.org")
            if folder == self.a:
                with open(os.path.join(folder, ".gitattributes"), "w") as f:
                    f.write("*.db binary\n")
                with open(os.path.join(folder, ".gitignore"), "w") as f:
                    f.write(JOURNALS + "\n")
                self.git(folder, "checkout", "-q", "-b", "main")
                self.git(folder, "add", ".")
                self.git(folder, "commit", "-qm", "settings")
                self.git(folder, "push", "-qu", "origin", "main")

    def git(self, folder, *words, ok=(0,)):
        return self.run("git", "-C", folder, *words, ok=ok)

    def step(self):
        for folder in (self.a, self.b, self.a):
            # A log that is written while git reads it is for the next run.
            if self.git(folder, "add", "-A", ok=(0, 128)).returncode:
                continue
            if self.git(folder, "diff", "--cached", "--quiet", ok=(0, 1)).returncode:
                self.git(folder, "commit", "-qm", "sync")
            # A log that is written meanwhile may stand in the way of a merge:
            # the next run does it.
            self.git(folder, "pull", "-q", "--no-rebase", "--no-edit", ok=(0, 1, 128))
            self.git(folder, "push", "-q", ok=(0, 1))

    def moved(self):
        bare = os.path.join(self.root, "bare.git")
        before = sum(size for size, *_ in stamps(bare).values())
        self.step()
        return sum(size for size, *_ in stamps(bare).values()) - before


class Unison(Tool):
    may_fail = True

    def unison(self, b, ok=(0, 1)):
        self.run("unison", self.a, b, "-batch", "-silent", "-fastcheck", "no",
                 "-ignore", "Name " + JOURNALS, ok=ok, env=self.environment())

    def environment(self):
        return dict(os.environ, UNISON=os.path.join(self.root, "unison"))

    def step(self):
        self.unison(self.b)

    def moved(self):
        """By a server, through a wire that counts. The first run is for what the
        server notes."""
        port, count = free_port(), [0]
        server = subprocess.Popen(["unison", "-socket", str(port)],
                                  env=self.environment(), stderr=subprocess.DEVNULL)
        try:
            wire = count_bytes(port, count)
            there = "socket://127.0.0.1:%d/%s" % (wire, self.b)
            time.sleep(1)
            if not hasattr(self, "is_known"):
                self.is_known = True
                self.unison(there)
                return None
            self.unison(there)
            return count[0]
        finally:
            server.terminate()
            server.wait()


class Rclone(Tool):
    may_fail = True  # bisync stops when a file changes under it

    def start(self):
        self.must_resync = True
        for folder in (self.a, self.b):
            open(os.path.join(folder, "README"), "w").close()

    def step(self):
        done = self.run("rclone", "bisync", self.a, self.b, "--workdir", "work",
                        "--exclude", JOURNALS, "-q",
                        *(["--resync"] if self.must_resync else []),
                        env=dict(os.environ, RCLONE_CONFIG=os.devnull))
        self.must_resync = done.returncode != 0


class Sshfs(Tool):
    """Needs /dev/fuse and an sshd to start: no key of the user's is used."""

    def start(self):
        port, user = free_port(), pwd.getpwuid(os.getuid()).pw_name
        for name in ("key", "host"):
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
        with open(os.path.join(self.root, "config"), "w") as f:
            f.write("ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host\n"
                    "AuthorizedKeysFile %s/key.pub\nStrictModes no\nUsePAM no\n"
                    "PasswordAuthentication no\nPidFile none\n"
                    "Subsystem sftp internal-sftp\n" % (port, self.root, self.root))
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        sshd = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
        self.server = subprocess.Popen([sshd, "-D", "-q", "-f",
                                        os.path.join(self.root, "config")])
        time.sleep(1)
        self.run("sshfs", "%s@127.0.0.1:%s" % (user, self.a), self.b, "-p", str(port),
                 "-o", "IdentityFile=%s/key" % self.root, "-o", "StrictHostKeyChecking=no",
                 "-o", "UserKnownHostsFile=/dev/null")

    def step(self):
        time.sleep(0.05)

    def close(self):
        self.run("fusermount", "-u", "-z", self.b)
        self.server.terminate()
        self.server.wait()


class Syncthing(Tool):
    again = 0.25

    def start(self):
        self.pair = syncthing.Pair(self.root, self.a, self.b, JOURNALS)

    def step(self):
        pass

    def pause(self):
        self.pair.pause()

    def resume(self):
        self.pair.resume()

    def moved(self):
        """What the sender sends and receives until the receiver has it."""
        before, start = self.pair.traffic(), time.monotonic()
        while not same_files(self.a, self.b) and time.monotonic() - start < LIMIT:
            time.sleep(0.5)
        return self.pair.traffic() - before

    def close(self):
        self.pair.close()


class Play:
    def __init__(self, tool):
        self.tool, self.states = tool, collections.Counter()
        self.a = connect(os.path.join(tool.a, "notes.kv"), "laptop")
        self.b = connect(os.path.join(tool.b, "notes.kv"), "phone")
        self.took = {}

    def sync(self):
        for con in (self.a, self.b):
            con.execute("SELECT kv_sync()")
            self.states.update(state for state, in con.execute(
                "SELECT state FROM kv_devices WHERE state <> 'ok' "
                "AND (device IS NOT NULL OR file NOT LIKE '.%')"))

    def step(self):
        self.tool.step()
        time.sleep(self.tool.again)
        self.sync()

    def converge(self, step):
        start = time.monotonic()
        self.step()
        while content(self.a) != content(self.b):
            if time.monotonic() - start > LIMIT:
                raise AssertionError("%s: still different" % step)
            self.step()
        self.took[step] = time.monotonic() - start

    def insert(self, con, rows):
        con.executemany("INSERT INTO kv VALUES(?, ?)", rows)

    def play(self):
        a, b, tool = self.a, self.b, self.tool
        a.execute("BEGIN")
        self.insert(a, [("k%03d" % i, i) for i in range(100)])
        a.execute("COMMIT")
        self.converge("rows")
        self.insert(b, [("k001", "phone"), ("only b", 1)])
        self.insert(a, [("k001", "laptop"), ("only a", 1)])
        self.converge("conflict")
        for con in (a, b):
            rows = con.execute("SELECT key FROM kv_conflicts").fetchall()
            assert rows == [("k001",)], rows
        a.execute("DELETE FROM kv WHERE key = 'k002'")
        b.execute("DELETE FROM kv WHERE key GLOB 'k01?'")
        self.converge("deletion")
        b.execute("INSERT INTO kv VALUES('photo', randomblob(5000000))")
        self.converge("5 MB")
        tool.pause()
        self.insert(a, [("off%d" % i, i) for i in range(200)])
        self.insert(b, [("off%d" % (i + 100), -i) for i in range(200)])
        tool.resume()
        self.converge("offline")
        self.burst()
        self.check()

    def burst(self):
        other = subprocess.Popen([sys.executable, __file__, "burst",
                                  os.path.join(self.tool.a, "notes.kv")])
        n = 0
        while other.poll() is None:
            self.insert(self.b, [("b%d" % n, n)])
            self.step()
            n += 1
        assert other.returncode == 0
        self.converge("burst")

    def check(self):
        expected = content(self.a)
        assert self.a.execute("SELECT kv_get('burst299')").fetchone()[0] == 899
        for folder in (self.tool.a, self.tool.b):
            observer = connect(os.path.join(folder, "notes.kv"), None)
            assert content(observer) == expected
            left = left_over(os.path.join(folder, "notes.kv"))
            assert not [name for name in left if "conflict" in name], left
            self.left = getattr(self, "left", []) + left


def left_over(folder):
    return [name for _, _, names in os.walk(folder) for name in names
            if not re.match(r"log(-.*)?\.db$", name)]


TOOLS = {"rsync": Rsync, "rsync-delete": RsyncDelete, "cp": Cp, "git": Git,
         "unison": Unison, "rclone": Rclone, "sshfs": Sshfs, "syncthing": Syncthing}


def stamps(folder):
    """What each file below looks like."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            st = os.stat(path)
            found[path] = (st.st_size, st.st_ino, st.st_mtime_ns, st.st_ctime_ns)
    return found


def same_files(a, b):
    """Are the logs of a the same in b?"""
    for place, _, names in os.walk(os.path.join(a, "notes.kv")):
        for name in names:
            path = os.path.join(place, name)
            other = os.path.join(b, os.path.relpath(path, a))
            try:
                with open(path, "rb") as x, open(other, "rb") as y:
                    if x.read() != y.read():
                        return False
            except FileNotFoundError:  # a tool may put it in place just now
                return False
    return True


def deliver(master, folder):
    """Copy what a commit changes: log.db, and a file that it seals."""
    for path in stamps(master):
        to = os.path.join(folder, os.path.relpath(path, master))
        if path.endswith("/log.db") or not os.path.exists(to):
            shutil.copy(path, to)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def count_bytes(port, count):
    """A port that leads to another one, and adds the bytes of both ways to count."""
    def carry(source, target):
        while data := source.recv(65536):
            count[0] += len(data)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def serve():
        here, _ = listener.accept()
        there = socket.create_connection(("127.0.0.1", port))
        threading.Thread(target=carry, args=(there, here), daemon=True).start()
        carry(here, there)

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def measure(rows, names):
    """What a commit of one row moves, in a log of this many rows."""
    root = tempfile.mkdtemp(prefix="kv-bytes.")
    try:
        master = os.path.join(root, "notes.kv")
        con = connect(master, "laptop")
        for start in range(0, rows, 2000):
            con.execute("BEGIN")
            con.executemany("INSERT INTO kv VALUES(?, ?)",
                            [("k%d" % i, os.urandom(50).hex())
                             for i in range(start, min(start + 2000, rows))])
            con.execute("COMMIT")
        for name in names:
            os.mkdir(os.path.join(root, name))
            measure_tool(name, TOOLS[name](os.path.join(root, name)), con, master, rows)
        con.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure_tool(name, tool, con, master, rows):
    try:
        shutil.copytree(master, os.path.join(tool.a, "notes.kv"))
        tool.step()
        if name in ("unison", "syncthing"):
            tool.moved()
        found, took = [], []
        for i in range(3):
            con.execute("INSERT INTO kv VALUES(?, ?)", ("one%d" % i, os.urandom(50).hex()))
            deliver(master, os.path.join(tool.a, "notes.kv"))
            start = time.monotonic()
            found.append(tool.moved())
            took.append(time.monotonic() - start)
            assert same_files(tool.a, tool.b)
        print("%-9s %d rows in %d bytes, of which log.db %d: a commit of one row moves "
              "%s bytes, takes %.1f s" % (
                  name, rows, sum(size for size, *_ in stamps(master).values()),
                  os.path.getsize(os.path.join(master, "devices/laptop/log.db")),
                  sorted(found), sorted(took)[1]), flush=True)
    finally:
        tool.close()
        shutil.rmtree(tool.root)


def main(names):
    for name in names:
        if not shutil.which(name.split("-")[0]):
            print("%-12s is not here" % name)
            if "KV_REQUIRE_ALL" in os.environ:
                sys.exit(1)
            continue
        root = tempfile.mkdtemp(prefix="kv-tool.")
        tool = TOOLS[name](root)
        try:
            play = Play(tool)
            play.play()
            print("%-12s %s; states %s; left over %s%s" % (
                name, ", ".join("%s %.1f" % pair for pair in play.took.items()),
                dict(play.states) or "ok", sorted(set(play.left)) or "nothing",
                "; failed %d times" % tool.failed if tool.failed else ""), flush=True)
        finally:
            tool.close()
            shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    if given[:1] == ["burst"]:
        burst(given[1])
    elif given[:1] == ["--bytes"]:
        kinds = [name for name in given if name in TOOLS]
        for number in given[1:]:
            if number not in TOOLS:
                measure(int(number), kinds or [
                    "cp", "rsync", "unison", "git", "rclone", "syncthing"])
    else:
        main(given or sorted(TOOLS))
