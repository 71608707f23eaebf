#!/bin/sh
# What two and three devices see of each other's writes to a typed table, for each
# kind of column: the same, in whatever order their logs arrive.
. "$(dirname "$0")/support/orders.sh"

declare="id TEXT PRIMARY KEY, name TEXT, city TEXT, balance INTEGER"
show="id, name, city, balance"

play 'different columns: both survive' <<'END'
a INSERT INTO accounts(id, name, city) VALUES('x', 'old', 'old')
meet
a UPDATE accounts SET name = 'x'
b UPDATE accounts SET city = 'y'
END
play 'one column: the later one' <<'END'
a INSERT INTO accounts(id, name) VALUES('x', 'old')
meet
a UPDATE accounts SET name = 'x'
b UPDATE accounts SET name = 'z'
END
play 'one column: the later one is of the first device' <<'END'
a INSERT INTO accounts(id, name) VALUES('x', 'old')
meet
b UPDATE accounts SET name = 'z'
a UPDATE accounts SET name = 'x'
END
play 'a column that is cleared stays cleared' <<'END'
a INSERT INTO accounts(id, name, city) VALUES('x', 'old', 'old')
meet
a UPDATE accounts SET name = 'x', city = 'x'
b UPDATE accounts SET name = NULL
END
play 'without a kind, the later sum wins' <<'END'
a INSERT INTO accounts(id, balance) VALUES('x', 10)
meet
a UPDATE accounts SET balance = balance + 3
b UPDATE accounts SET balance = balance - 5
END
play 'three devices, three columns, and each the name' <<'END'
a INSERT INTO accounts(id, name, city, balance) VALUES('x', 'old', 'old', 0)
meet
c UPDATE accounts SET name = 'c', balance = 3
a UPDATE accounts SET name = 'a'
b UPDATE accounts SET name = 'b', city = 'y'
END
play 'two devices insert one key: one row' <<'END'
a INSERT INTO accounts(id, name) VALUES('x', 'Ann')
b INSERT INTO accounts(id, city) VALUES('x', 'Oslo')
c INSERT INTO accounts(id, name, balance) VALUES('x', 'Cec', 1)
END

declare="id TEXT PRIMARY KEY, balance INTEGER NOT NULL DEFAULT 0, rate REAL,
  MERGE (balance counter, rate counter)"
show="id, balance, rate"

play 'counters: no increment is lost' <<'END'
a INSERT INTO accounts(id, balance) VALUES('x', 10)
meet
a UPDATE accounts SET balance = balance + 3
b UPDATE accounts SET balance = balance - 5
END
play 'counters: three devices, twice each' <<'END'
a INSERT INTO accounts(id, balance, rate) VALUES('x', 10, 0.5)
meet
a UPDATE accounts SET balance = balance + 1, rate = rate + 0.25
b UPDATE accounts SET balance = balance + 10
c UPDATE accounts SET balance = balance + 100, rate = rate - 1
c UPDATE accounts SET balance = balance + 1000
b UPDATE accounts SET balance = balance + 10000
a UPDATE accounts SET balance = balance + 100000
END
play 'counters: an assignment, then an increment that had not seen it' <<'END'
a INSERT INTO accounts(id, balance) VALUES('x', 10)
meet
a SELECT kv_assign('accounts', 'x', 'balance', 0)
b UPDATE accounts SET balance = balance + 3
END
play 'counters: an increment, then an assignment that had not seen it' <<'END'
a INSERT INTO accounts(id, balance) VALUES('x', 10)
meet
b UPDATE accounts SET balance = balance + 3
a SELECT kv_assign('accounts', 'x', 'balance', 0)
END
play 'counters: what an assignment had seen is part of it' <<'END'
a INSERT INTO accounts(id, balance) VALUES('x', 10)
meet
b UPDATE accounts SET balance = balance + 3
meet
a SELECT kv_assign('accounts', 'x', 'balance', 0)
b UPDATE accounts SET balance = balance + 4
END
play 'counters: two assignments' <<'END'
a INSERT INTO accounts(id, balance) VALUES('x', 10)
meet
a SELECT kv_assign('accounts', 'x', 'balance', 100)
b SELECT kv_assign('accounts', 'x', 'balance', 200)
c UPDATE accounts SET balance = balance + 3
END

declare="id TEXT PRIMARY KEY, best REAL, least INTEGER, MERGE (best max, least min)"
show="id, best, least"

play 'max and min: the greater and the less one stay' <<'END'
a INSERT INTO accounts VALUES('x', 1, 1)
meet
a UPDATE accounts SET best = 9, least = -9
b UPDATE accounts SET best = 7, least = -7
END
play 'max and min: nothing was there' <<'END'
a INSERT INTO accounts(id) VALUES('x')
meet
a UPDATE accounts SET best = -9
b UPDATE accounts SET best = -7, least = 5
c UPDATE accounts SET least = 7
END
play 'max: an assignment and a greater one that had not seen it' <<'END'
a INSERT INTO accounts VALUES('x', 5, 5)
meet
b UPDATE accounts SET best = 9
a SELECT kv_assign('accounts', 'x', 'best', 2)
END
play 'max: an assignment and a lesser one that had not seen it' <<'END'
a INSERT INTO accounts VALUES('x', 0, 0)
meet
a SELECT kv_assign('accounts', 'x', 'best', 2)
b UPDATE accounts SET best = 1
END

declare="id TEXT PRIMARY KEY, tags TEXT, MERGE (tags set)"
show="id, tags"

play 'sets: both add' <<'END'
a INSERT INTO accounts VALUES('x', '["blue"]')
meet
a UPDATE accounts SET tags = '["blue","red"]'
b UPDATE accounts SET tags = '["blue","green"]'
c UPDATE accounts SET tags = '["blue","red"]'
END
play 'sets: adding wins over a remover who had not seen it' <<'END'
a INSERT INTO accounts VALUES('x', '["blue"]')
meet
c UPDATE accounts SET tags = '["blue","red"]'
meet b c
b UPDATE accounts SET tags = '[]'
a UPDATE accounts SET tags = '["blue","red"]'
END
play 'sets: leaving an element in place adds nothing' <<'END'
a INSERT INTO accounts VALUES('x', '["blue"]')
c INSERT INTO accounts VALUES('y', '[]')
meet
c UPDATE accounts SET tags = '["blue","red"]' WHERE id = 'x'
meet
b UPDATE accounts SET tags = '[]' WHERE id = 'x'
a UPDATE accounts SET tags = '["red"]' WHERE id = 'x'
END
play 'sets: but an assignment says it again' <<'END'
a INSERT INTO accounts VALUES('x', '["blue"]')
c INSERT INTO accounts VALUES('y', '[]')
meet
c UPDATE accounts SET tags = '["blue","red"]' WHERE id = 'x'
meet
b UPDATE accounts SET tags = '[]' WHERE id = 'x'
a SELECT kv_assign('accounts', 'x', 'tags', '["red"]')
END
play 'sets: an element that two devices added, and one of them removes' <<'END'
a INSERT INTO accounts VALUES('x', '["blue"]')
meet
a UPDATE accounts SET tags = '["blue","red"]'
b UPDATE accounts SET tags = '["red"]'
b UPDATE accounts SET tags = '[]'
END
play 'sets: two assignments, neither of which had seen the other' <<'END'
a INSERT INTO accounts VALUES('x', '["blue"]')
meet
a SELECT kv_assign('accounts', 'x', 'tags', '["red"]')
b SELECT kv_assign('accounts', 'x', 'tags', '["green"]')
END

declare="id TEXT PRIMARY KEY, visits TEXT, MERGE (visits list)"
show="id, visits"

play 'lists: what both append, in the order of time' <<'END'
a INSERT INTO accounts VALUES('x', '["home"]')
meet
b UPDATE accounts SET visits = '["home","Bergen"]'
a UPDATE accounts SET visits = '["home","Oslo"]'
b UPDATE accounts SET visits = '["home","Bergen","Bodø"]'
c UPDATE accounts SET visits = '["home","Oslo"]'
END
play 'lists: an order of their own is an assignment' <<'END'
a INSERT INTO accounts VALUES('x', '["home","work"]')
meet
a UPDATE accounts SET visits = '["work","home"]'
b UPDATE accounts SET visits = '["home","work","Oslo"]'
END
play 'lists: two orders of their own, the later one' <<'END'
a INSERT INTO accounts VALUES('x', '["home","work"]')
meet
a UPDATE accounts SET visits = '["work","home"]'
b UPDATE accounts SET visits = '["work"]'
c UPDATE accounts SET visits = '["home","work","Oslo"]'
END
