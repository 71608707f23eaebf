"""Random schedules. Each step is harmless where it does not apply, so that leaving
one out leaves a schedule: that is how a failing one gets short."""

import random
import time

from base import SPAN


def A(*to):
    return [("deliver", h, d, "all", 0) for d, h in to]  # all files of d to host h


def S(*cs):
    return [("sync", c, 0, 99, True) for c in cs]


def O(n):
    return [("open", i, 1, 0) for i in range(n)]


def every(n):
    return A(*[(d, h) for d in range(n) for h in range(n)])


def meet(n, key=3):
    return (
        O(n)
        + [("set", i, (key,)) for i in range(n)]
        + every(n)
        + S(*range(n))
        + every(n)
        + S(*range(n))
    )


def rounds(n, k=2, skip=()):
    return (every(n) + S(*[i for i in range(n) if i not in skip])) * k


def world(R):
    return [("day", R.choice([0, 0, 0, 0, 40, 150])), ("lazy", R.random() < 0.4)]


def hot(R):
    """few keys, single deliveries, much deleting and compacting"""
    n = R.choice([3, 3, 4])
    offs = [R.choice([0, R.randint(-SPAN, SPAN)]) for _ in range(n)]
    keys = R.choice([1, 1, 2])
    steps = world(R) + meet(n, 5)
    hs = list(range(n))
    for i in range(R.choice([25, 40, 60])):
        x, d = R.random(), R.randrange(n)
        k = (R.randrange(keys),)
        if x < 0.12:
            steps.append(("set", d, k))
        elif x < 0.24:
            steps.append(("del", d, k))
        elif x < 0.42:
            steps.append(("compact", d, 0, R.choice([0] * 9 + [1, 2])))
        elif x < 0.46:
            steps.append(("retire", d, R.randrange(n)) if R.random() < 0.2 else ("seal", d, 0))
        elif x < 0.50:
            steps += A(*[(a, b) for a in hs for b in hs]) + S(*hs)
        else:
            src = R.randrange(n)
            steps += [
                ("deliver", d, src, R.choice(["all"] * 5 + ["adds", "log"]), 0),
                ("sync", d, i, 99, R.random() < 0.8),
            ]
        steps.append(("tick", 5))
    return n, 0, offs, steps


def ret(R):
    """few keys, retirement of every kind"""
    n = R.choice([3, 3, 4, 4, 5])
    offs = [R.choice([0, R.randint(-SPAN, SPAN)]) for _ in range(n)]
    keys = R.choice([1, 1, 2, 3])
    steps = world(R) + meet(n, 5)
    hs = list(range(n))
    if R.random() < 0.3:
        steps.append(("open", R.randrange(n), 1, 0))
    nc = n + 1
    gone = set()
    wild = R.random() < 0.4
    machines = R.random() < 0.2

    def all_of(skip=()):
        return A(*[(a, b) for a in hs for b in hs]) + S(*[h for h in hs if h not in skip])

    for i in range(R.choice([25, 40, 60, 80])):
        x, d = R.random(), R.randrange(nc)
        if d in gone and R.random() < 0.9:
            continue
        k = (R.randrange(keys),)
        alive = [h for h in hs if h not in gone]
        if x < 0.13:
            steps.append(("set", d, k))
        elif x < 0.22:
            steps.append(("del", d, k))
        elif x < 0.37:
            steps.append(("compact", d, R.choice([0, 0, 0, 100, 600]), R.choice([0] * 9 + [1, 2])))
        elif x < 0.46 and len(alive) > 1:
            X = R.choice(alive)
            if R.random() < 0.5:
                steps += all_of(gone)
            if R.random() < 0.3:
                steps.append(("set", X, k))
            if R.random() < 0.3:
                steps.append(("compact", X, 0, R.choice([0, 0, 1, 2, 3])))
            for r in R.sample(alive, min(len(alive), R.choice([1, 1, 2, 3]))):
                if r != X:
                    steps.append(("retire", r, X, R.choice([0, 0, 0, 0, 1])))
                if R.random() < 0.3:
                    steps += all_of(gone | {X})
            if R.random() < 0.7:
                gone.add(X)
            if R.random() < 0.4:
                steps.append(("die", X))
            if R.random() < 0.6:
                steps += all_of(gone)
            if R.random() < 0.6:
                steps.append(("rmdir", R.choice(hs), X, R.choice([0, 0, 0, 1, 2])))
            if machines and R.random() < 0.5:
                steps += [("newmachine", X, R.random() < 0.3), ("set", nc, k)]
        elif x < 0.49 and gone:
            steps.append(("rmdir", R.choice(hs), R.choice(sorted(gone)), R.choice([0, 0, 0, 1, 2])))
        elif x < 0.53 and gone:
            X = R.choice(sorted(gone))
            gone.discard(X)
            steps += [("return", X)] + ([("open", X, 1, 0)] if R.random() < 0.3 else [])
            if R.random() < 0.4:
                steps.append(("set", X, k))
            if R.random() < 0.3:
                steps.append(("compact", X, R.choice([0, 100]), R.choice([0, 0, 1, 2])))
            if R.random() < 0.5:
                steps += A(*[(a, X) for a in hs]) + S(X)
        elif x < 0.55:
            steps.append(("seal", d, R.choice([0, 0, 1])))
        elif x < 0.57 and wild:
            steps.append(("restore", R.randrange(n), R.randrange(10**6), 1))
        elif x < 0.62:
            steps += all_of(gone if R.random() < 0.8 else ())
        elif x < 0.625 and machines:
            steps += [("newmachine", R.randrange(n), R.random() < 0.3), ("set", nc + 1, k)]
        else:
            src = R.randrange(n)
            steps += [
                (
                    "deliver",
                    R.choice(hs),
                    src,
                    R.choice(
                        ["all"] * 5
                        + ["adds", "log", "one", "one", "dels"]
                        + (["old", "torn"] if wild else [])
                    ),
                    R.randrange(10**6),
                ),
                ("sync", d, i, 99, R.random() < 0.8),
            ]
        steps.append(("tick", 5))
    if R.random() < 0.5 and gone:
        steps.append(("return", R.choice(sorted(gone))))
    return n, 0, offs, steps


MODES = "std", "hot", "multi", "old", "jump", "roll", "ret"


def generate(seed, mode="std"):
    R = random.Random(seed * 7 + MODES.index(mode))
    if mode == "hot":
        return hot(R)
    if mode == "ret":
        return ret(R)
    n = R.choice([2, 2, 3, 3, 3, 4, 4, 5, 6])
    nobs = R.choice([0, 0, 1])
    kind = R.random()
    offs = []
    for i in range(n):
        if kind < 0.4:
            o = R.randint(-3, 3)
        elif kind < 0.85:
            o = R.randint(-SPAN, SPAN)
        else:
            o = R.choice([0, R.randint(-SPAN, SPAN), 50000])
        offs.append(o)
    hosts = n + nobs
    keys = R.choice([1, 2, 2, 3, 4])
    retire, restore, multi, messy, away, late = [
        R.random() < p for p in (0.35, 0.3, 0.3, 0.7, 0.4, 0.3)
    ]
    steps = world(R)
    lazy = set(R.sample(range(n), R.randint(0, n - 2))) if late and not retire else set()
    opens = [("open", d, R.random() < 0.7, 0) for d in range(n) if d not in lazy] + [
        ("open", n + o, 1, 1) for o in range(nobs)
    ]
    steps += opens
    nc = len(opens) + 2

    def full(skip=()):
        for d in range(n):
            for h in range(hosts):
                if d not in skip:
                    steps.append(("deliver", h, d, "all", 0))
        for cc in range(nc):
            if cc not in skip:
                steps.append(("sync", cc, R.randrange(1000), 99, True))

    if R.random() < 0.6:
        for i in range(n):
            steps.append(("set", i, (R.randrange(keys),)))
        full()
        if R.random() < 0.5:
            full()
    L = R.choice([12, 20, 20, 30, 30, 45, 70])
    quick = R.random() < 0.5
    gone, leaves, comes = None, -1, -1
    if retire and R.random() < 0.8:
        leaves = R.randrange(L // 2)
        comes = R.choice([L + 1, R.randrange(leaves + 3, L)])
    for i in range(L):
        x = R.random()
        c = R.randrange(nc)
        if i == leaves:
            gone = R.randrange(n)
            if R.random() < 0.7:
                full()
            if R.random() < 0.5:
                steps.append(("set", gone, (R.randrange(keys),)))
            if R.random() < 0.3:
                steps.append(("compact", gone, 0, R.choice([0, 0, 1, 2])))
        if i == leaves + 2 and gone is not None:
            rs = R.sample([d for d in range(n) if d != gone], R.choice([1, 1, 2]) if n > 2 else 1)
            for r in rs:
                steps.append(("retire", r, gone))
                if R.random() < 0.3:
                    full((gone,))
            if R.random() < 0.7:
                full((gone,))
            if R.random() < 0.2:
                steps.append(("die", gone))
            if R.random() < 0.7:
                steps.append(
                    (
                        "rmdir",
                        R.choice([h for h in range(hosts) if h != gone]),
                        gone,
                        R.choice([0, 0, 0, 1, 2]),
                    )
                )
            if R.random() < 0.6:
                full()
        if i == comes:
            steps.append(("return", gone))
            gone = None
        if gone is not None and c == gone:
            continue
        if mode in ("jump", "old", "roll") and R.random() < 0.06:
            steps.append(
                {
                    "jump": ("jump", R.randrange(n), R.choice([-SPAN, -100, 100, SPAN])),
                    "roll": ("restore", R.randrange(n), R.randrange(10**6), 0),
                    "old": R.choice([("snapcache", c), ("oldcache", 0, R.randrange(5))]),
                }[mode]
            )
        ks = tuple(R.sample(range(keys), 1 if R.random() < 0.8 else min(2, keys)))
        if mode == "multi" and R.random() < 0.1:
            h = R.randrange(n)
            steps.append(
                R.choice([("open", h, 1, 0), ("away", h, 1), ("away", h, 0), ("crash", c, ks)])
            )
        if x < 0.17:
            steps.append(("set" if R.random() < 0.95 else "crash", c, ks))
        elif x < 0.28:
            steps.append(("del", c, ks))
            if R.random() < 0.25:
                full((gone,))
        elif x < 0.50:
            steps.append(
                (
                    "sync",
                    c,
                    R.randrange(1000),
                    99 if R.random() < 0.85 else R.randrange(3),
                    R.random() < 0.7,
                )
            )
        elif x < 0.74:
            m = R.choice(
                ["all"] * 6
                + ["adds", "dels", "one", "one", "log"]
                + (["old", "torn", "old"] if messy else [])
            )
            steps.append(("deliver", R.randrange(hosts), R.randrange(n), m, R.randrange(10**6)))
        elif x < 0.85:
            steps.append(
                (
                    "compact",
                    c,
                    R.choice([0, 10, R.randrange(200), R.randrange(600)]),
                    R.choice([0] * 7 + [1, 2, 3]),
                )
            )
        elif x < 0.88:
            steps.append(("seal", c, R.choice([0, 0, 1])))
        elif x < 0.90:
            steps.append(("tick", R.choice([20, 100, 400])))
        elif x < 0.92 and away:
            steps.append(("away", R.randrange(hosts), R.random() < 0.5))
        elif x < 0.94 and retire:
            steps.append(("retire", c, R.randrange(n), R.choice([0, 0, 1])))
        elif x < 0.955 and retire:
            steps.append(
                R.choice(
                    [
                        ("rmdir", R.randrange(hosts), R.randrange(n), R.choice([0, 0, 0, 1, 2])),
                        ("return", R.randrange(n)),
                    ]
                )
            )
        elif x < 0.96 and restore:
            steps.append(("lose", R.randrange(n)))
        elif x < 0.97 and restore:
            steps.append(
                ("restore", R.randrange(n), R.randrange(10**6), 0 if mode == "roll" else 1)
            )
        elif x < 0.98 and multi:
            steps.append(("open", R.randrange(hosts), R.random() < 0.5, R.random() < 0.2))
        elif x < 0.985 and lazy:
            steps.append(("open", R.choice(sorted(lazy)), 1, 0))
        elif R.random() < 0.6:
            d = R.randrange(n)
            for h in range(hosts):
                steps.append(("deliver", h, d, "all", 0))
            steps.append(("sync", c, R.randrange(1000), 99, True))
        else:
            full((gone,))  # a round: everybody gets, syncs and acknowledges everything
        if quick and x < 0.30 and R.random() < 0.35:
            d = R.randrange(n)
            for h in range(hosts):
                steps.append(("deliver", h, d, "all", 0))
            for cc in R.sample(range(nc), min(nc, 3)):
                steps.append(("sync", cc, R.randrange(1000), 99, True))
    if retire and R.random() < 0.5:
        steps.append(("return", R.randrange(n)))
    return n, nobs, offs, steps


def shorten(sched, v, play, budget):
    """Leave out steps as long as play() finds the same kind of violation as v; `budget`:
    seconds of wall time."""
    n, nobs, offs, steps = sched
    t0 = time.time()
    chunk = max(1, len(steps) // 2)
    while chunk and time.time() - t0 < budget:
        i, changed = 0, False
        while i < len(steps):
            less = steps[:i] + steps[i + chunk :]
            v2 = play((n, nobs, offs, less))
            if v2 and v2[0] == v[0]:
                steps, v, changed = less, v2, True
            else:
                i += chunk
        if not changed or chunk > 1:
            chunk //= 2
    return (n, nobs, offs, steps), v
