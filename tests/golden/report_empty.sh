#!/bin/sh
# The reports of examples/reports on a store that has nothing in it: a sentence
# each, no error; in a folder, and without one.
root=$(dirname "$0")/../..

for path in notes.kv :memory:; do
  {
    echo ".load ./kv"
    echo "SELECT kv_open('$path', 'laptop', 'now=2026-11-03 09:30');"
    echo ".parameter set :now \"'2026-11-03 09:30'\""
    for report in activity feed conflicts devices key growth timeline; do
      echo ".print == $report"
      echo ".read \"$root/examples/reports/$report.sql\""
    done
  } | $SQLITE :memory:
  sed -n '/<body>/,$p' kv-timeline.html
done
echo "== an observer of no devices"
mkdir none.kv
{
  echo ".load ./kv"
  echo "SELECT kv_open('none.kv');"
  for report in activity feed conflicts devices key growth timeline; do
    echo ".read \"$root/examples/reports/$report.sql\""
  done
} | $SQLITE :memory:
