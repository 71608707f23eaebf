#!/bin/sh
# What becomes of a row of a typed table that one device deletes and another one
# changes without having seen that: the same, in whatever order their logs arrive.
. "$(dirname "$0")/support/orders.sh"

show="id, name, city, balance"
for deletes in later lose win; do
  declare="id TEXT PRIMARY KEY, name TEXT, city TEXT, balance INTEGER, MERGE (balance counter),
    deletes = $deletes"

  play "deletes = $deletes: a delete, then a change" <<'END'
a INSERT INTO accounts VALUES('x', 'old', NULL, 10)
meet
a DELETE FROM accounts
b UPDATE accounts SET name = 'x', balance = balance + 1
END
  play "deletes = $deletes: a change, then a delete" <<'END'
a INSERT INTO accounts VALUES('x', 'old', NULL, 10)
meet
b UPDATE accounts SET name = 'x', balance = balance + 1
a DELETE FROM accounts
END
  play "deletes = $deletes: a delete that had seen the change" <<'END'
a INSERT INTO accounts VALUES('x', 'old', NULL, 10)
meet
b UPDATE accounts SET name = 'x'
meet
a DELETE FROM accounts
c INSERT INTO accounts(id) VALUES('y')
END
  play "deletes = $deletes: two deletes and a change between" <<'END'
a INSERT INTO accounts VALUES('x', 'old', NULL, 10)
meet
a DELETE FROM accounts
b UPDATE accounts SET city = 'y'
c DELETE FROM accounts
END
  play "deletes = $deletes: deleted and inserted anew, and a change" <<'END'
a INSERT INTO accounts VALUES('x', 'old', 'old', 10)
meet
a DELETE FROM accounts
a INSERT INTO accounts(id, name) VALUES('x', 'new')
b UPDATE accounts SET city = 'y', balance = balance + 1
END
  play "deletes = $deletes: inserted anew, and deleted by another" <<'END'
a INSERT INTO accounts VALUES('x', 'old', 'old', 10)
meet
a DELETE FROM accounts
a INSERT INTO accounts(id, name) VALUES('x', 'new')
b DELETE FROM accounts
END
  play "deletes = $deletes: inserted anew by two" <<'END'
a INSERT INTO accounts VALUES('x', 'old', 'old', 10)
meet
a DELETE FROM accounts
b DELETE FROM accounts
a INSERT INTO accounts(id, name) VALUES('x', 'of a')
b INSERT INTO accounts(id, city) VALUES('x', 'of b')
END
done
