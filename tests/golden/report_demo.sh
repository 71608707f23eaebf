#!/bin/sh
# The reports of examples/reports on a store of four devices: what a person
# reads, never wider than 100 columns, never with a raw time in it.
root=$(dirname "$0")/../..

ask() { # statements and reports, one a line, as a user gives them
  sed "s|^\.read \([a-z]*\)\$|.read \"$root/examples/reports/\1.sql\"|"
}

{
  echo ".read \"$root/tests/reports/demo.sql\""
  ask <<'END'
CREATE TABLE before AS SELECT name FROM sqlite_temp_master;
.print == activity
.read activity
.print == activity, thirty days
.parameter set :days 30
.read activity
.print == activity, one day
.parameter set :days 1
.read activity
.print == feed
.read feed
.print == feed, the newest only
.parameter set :limit 1
.read feed
.print == conflicts
.parameter clear
.parameter set :now "'2026-11-03 09:30'"
.read conflicts
.print == conflicts, two years later
.parameter set :now "'2028-11-03 09:30'"
.parameter set :limit 1
.read conflicts
.parameter clear
.parameter set :now "'2026-11-03T10:30+01:00'"
.print == devices
.read devices
.print == key: the last one that changed
.read key
.print == key: one with a conflict, one that was settled, one that never was
.parameter set :key title
.read key
.parameter set :key plan
.read key
.parameter set :key nothing
.read key
.print == key: more changes than asked for
.parameter set :key "'note/3'"
.parameter set :limit 4
.read key
.print == growth
.read growth
.print == timeline
.read timeline
.print == they leave nothing behind
SELECT name FROM sqlite_temp_master EXCEPT SELECT name FROM before;
END
} | $SQLITE :memory: > transcript 2>&1
cat transcript

echo "== lines over 100 columns, raw times"
tr -d '\200-\277' < transcript | awk 'length > 100' # bytes to characters
grep -E '[0-9]{13}' transcript
echo "== the page: of each kind of mark so many"
for kind in edit delete conflict; do
  grep -c "^<[a-z]* class=\"$kind\" .*<title>" kv-timeline.html
done
