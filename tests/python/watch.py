"""What a process does to files, as reported by the kernel (inotify on Linux).
"""

import ctypes
import os
import struct

ACCESS, MODIFY, ATTRIB, OPEN = 0x1, 0x2, 0x4, 0x20
MOVED, CREATE, DELETE = 0xC0, 0x100, 0x200
CHANGES = MODIFY | ATTRIB | MOVED | CREATE | DELETE
IS_DIR = 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
available = hasattr(libc, "inotify_init1")


class Watch:
    """events() returns what happened in these directories since the last call:
    a set of (name of the directory, name of the file)."""

    def __init__(self, folder, mask):
        self.fd = libc.inotify_init1(os.O_NONBLOCK)
        self.dirs = {}
        for base, _, _ in os.walk(folder):
            wd = libc.inotify_add_watch(self.fd, os.fsencode(base), mask)
            self.dirs[wd] = os.path.basename(base)
        self.events()

    def events(self):
        out = set()
        while True:
            try:
                b = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return out
            at = 0
            while at < len(b):
                wd, mask, _, n = struct.unpack_from("iIII", b, at)
                name = b[at + 16:at + 16 + n].rstrip(b"\0").decode()
                if not mask & IS_DIR and name:
                    out.add((self.dirs[wd], name))
                at += 16 + n

    def close(self):
        os.close(self.fd)
