#!/bin/sh
# The sqlite3 shell from a script: sh shell.sh, beside kv.so.
set -eu

# The SQL comes from standard input. -init /dev/null: not your ~/.sqliterc.
on() { # DEVICE
  sqlite3 -batch -bail -init /dev/null -cmd '.load ./kv' \
    -cmd '.once /dev/null' -cmd "SELECT kv_open('notes.kv', '$1');" :memory:
}

echo "SQLite $(sqlite3 -version | cut -d ' ' -f 1)"
on laptop << 'END'
BEGIN;
INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5);
COMMIT;
END
on phone << 'END'
UPDATE kv SET value = value + 1 WHERE key = 'stars';
END

# kv_open() has merged what there is. A shell that stays open calls kv_sync().
# In a variable of the shell everything is text: '$stars' in SQL would be one,
# too, and $stars without quotes is whatever somebody wrote. Bind values with
# .parameter set, or keep them in SQL.
history=$(on laptop << 'END'
.separator ' '
SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq;
END
)
echo "$history"
test "$history" = 'laptop set title Hello
laptop set stars 5
phone set stars 6'
