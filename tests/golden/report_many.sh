#!/bin/sh
# The reports of examples/reports where there are too many devices to name each,
# one of them with a clock in another decade; and a shell in another mode.
root=$(dirname "$0")/../..

{
  echo ".load ./kv"
  echo ".mode box"
  echo ".headers on"
  echo ".output /dev/null"
  for i in 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27; do
    echo "SELECT kv_open('n.kv', 'device$i', 'name=d$i, now=2026-11-02 20:$i');"
    echo "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < $i)"
    echo "INSERT INTO d$i SELECT $i * 100 + n, n FROM i;"
  done
  echo "SELECT kv_open('n.kv', 'ahead', 'name=ahead, now=2040-01-01');"
  echo "INSERT INTO ahead VALUES('future', 1);"
  echo "SELECT kv_open('n.kv', 'laptop', 'now=2026-11-02 23:30');"
  echo ".output"
  echo ".parameter set :now \"'2026-11-02 23:50'\""
  echo ".parameter set :limit 3"
  for report in activity feed devices key growth timeline; do
    echo ".print == $report"
    echo ".read \"$root/examples/reports/$report.sql\""
  done
} | $SQLITE :memory:
sed -n 's/.*class="name"[^>]*>\([^<]*\).*/\1/p' kv-timeline.html
grep -A1 'others: ' kv-timeline.html | sed 's/<[^>]*>//g'
