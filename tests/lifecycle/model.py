#!/usr/bin/env python3
"""Model of the life of a log: sealed files, acknowledgements, compaction, retirement.

  model.py named                        the named schedules, each with and without its rule
  model.py run MODE N [SEED] [-RULE]    N random schedules; MODE as in README.md, or all
  model.py show MODE SEED [-RULE]       one schedule that fails, made short
  model.py test N                       named, and N random ones over all modes
"""

import collections
import sys
import time

from named import NAMED
from base import RULES, Violation
from schedules import MODES, generate, shorten
from world import World


def play(sched, off=(), size=True, stats=None):
    n, nobs, offs, steps = sched
    w = World(n, nobs, offs, dict.fromkeys(RULES, True) | dict.fromkeys(off, False))
    try:
        for s in steps:
            w.step(s)
        w.finish(size)
    except Violation as e:
        return e.args
    finally:
        if stats is not None:
            stats.update(w.stats)
    return None


def shrink(sched, off=(), budget=20):
    (n, nobs, offs, steps), v = shorten(sched, play(sched, off), lambda s: play(s, off), budget)
    for i in range(n):
        o2 = list(offs)
        o2[i] = 0
        v2 = play((n, nobs, o2, steps), off)
        if v2 and v2[0] == v[0]:
            offs, v = o2, v2
    return (n, nobs, offs, steps), v


def show(sched, v):
    n, nobs, offs, steps = sched
    print("  n=%d observers=%d clocks=%s" % (n, nobs, offs))
    for s in steps:
        print("   ", s)
    print("  ->", *v)


def named():
    bad, seen = 0, set()
    for name, flag, n, offs, steps in NAMED:
        sc = n, 0, offs, steps
        v = play(sc)
        u = play(sc, (flag,)) if flag else None
        seen.add(flag)
        ok = v is None and (flag is None or u is not None)
        bad += not ok
        print("%-4s %-75s %s" % ("ok" if ok else "BAD", name, v or ""))
        if flag:
            print("       without %s: %s" % (flag, ": ".join(u) if u else "no violation"))
    for flag in RULES.keys() - seen:
        print("BAD  no schedule needs rule %s" % flag)
        bad += 1
    return bad


def run(mode, count, seed, off, verbose=True):
    found, stats, t0 = [], collections.Counter(), time.time()
    for s in range(seed, seed + count):
        v = play(generate(s, mode), off, s % 4 == 0, stats)
        if v:
            found.append((s, *v))
            if verbose:
                print("  ", mode, s, *v, flush=True)
    print(
        "%s: %d schedules from seed %d: %d violations, %.0f s"
        % (mode, count, seed, len(found), time.time() - t0)
    )
    for k in sorted(stats):
        print("    %-80s %d" % (k, stats[k]))
    sys.stdout.flush()
    return len(found)


def main():
    a = sys.argv[1:]
    off = [x[1:] for x in a if x.startswith("-")]
    a = [x for x in a if not x.startswith("-")]
    modes = MODES if len(a) > 1 and a[1] == "all" else a[1:2]
    if a[:1] == ["named"]:
        return named()
    if a[:1] == ["run"]:
        return sum(run(m, int(a[2]), int(a[3]) if len(a) > 3 else 0, off) for m in modes)
    if a[:1] == ["show"]:
        sc = generate(int(a[2]), a[1])
        v = play(sc, off)
        if v:
            show(*shrink(sc, off))
        return v is not None
    if a[:1] == ["test"]:  # as one test: everything named, and N schedules over all modes
        return named() + sum(run(m, int(a[1]) // len(MODES) + 1, 1, off) for m in MODES)
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main() != 0)
