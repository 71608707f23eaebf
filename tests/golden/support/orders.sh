# Plays what devices write that do not see each other, in all orders of arrival.
# A case reads this file, says what a table is, and calls play for each claim:
#
#   declare="id TEXT PRIMARY KEY, ..."      the columns and rules of `accounts`
#   show="id, name"                         the columns to show
#   play 'different columns: both survive' <<END
#   a INSERT INTO accounts(id, name) VALUES('x', 'old')
#   meet
#   a UPDATE accounts SET name = 'x'
#   b UPDATE accounts SET city = 'y'
#   END
#
# Each line is a device and a statement, in the order of their times: each is an
# hour later than the one before. `meet` gives all devices all logs, `meet b c`
# those of b and c to these two. After the last one nobody sees what the others write. Then the logs come to a new device
# for every order: first those of the last meeting, which may be all that has come,
# and those of the end, with a sync after each. In the end the devices meet, too.
# Printed are the rows, or `no row`, the conflicts, and in how many orders they were
# found. If the orders differ, each outcome is printed.

# All orders of words; X.2 comes after X.1.
orders() { # WORD...
  echo "$*" | awk '
    function go(done, rest,   words, n, i, k, more) {
      n = split(rest, words, " ")
      if (n == 0) print done
      for (i = 1; i <= n; i++) {
        more = words[i]
        if (sub(/2$/, "1", more) && index(" " rest " ", " " more " ")) continue
        more = ""
        for (k = 1; k <= n; k++) if (k != i) more = more " " words[k]
        go(done " " words[i], more)
      }
    }
    { go("", $0) }'
}

table() { # STORE
  echo "CREATE VIRTUAL TABLE temp.accounts_$1 USING kv_table($declare,
    store = $1, bucket = 'accounts');"
}

copy() { # FROM TO
  echo "SELECT writefile('$2', readfile('$1'));"
}

# All rows of a store, and its conflicts, as one text.
outcome() { # STORE
  echo "INSERT INTO outcome SELECT '$1', ifnull((SELECT group_concat(row, char(10))
    FROM (SELECT $row AS row FROM accounts_$1 ORDER BY 1)), 'no row')
    || ifnull((SELECT group_concat(char(10) || row, '') FROM (
      SELECT '  conflict: ' || key || ' ' || column_name || ' | lost '
        || ifnull(lost_value, 'NULL') || ' of ' || lost_device || ' | won '
        || ifnull(value, 'NULL') || ' of ' || device AS row
      FROM kv_conflicts('$1') WHERE bucket = 'accounts'
      ORDER BY key, column_name, lost_ts)), '');"
}

deliver() { # FROM TO: the logs as they are
  for one in $1; do
    for other in $2; do
      if [ "$one" != "$other" ]; then
        copy "$one.kv/devices/$one/log.db" "$other.kv/devices/$one/log.db"
      fi
    done
  done
  for other in $2; do
    echo "SELECT kv_sync('$other');"
  done
}

play() { # TITLE; the lines are the input
  echo "== $1"
  cat > lines
  grep -n '^meet' lines | tail -n 1 | cut -d : -f 1 > last
  last=$(cat last)
  : "${last:=0}"
  devices=$(grep -v '^meet' lines | cut -d ' ' -f 1 | sort -u | tr '\n' ' ')
  row=$(echo "$show" | sed "s/[a-z][a-z]*/ifnull(&, 'NULL')/g; s/), ifnull/) || '|' || ifnull/g")
  rm -rf ./*.kv ./*.1 ./*.2
  {
    echo '.load ./kv'
    echo '.output /dev/null'
    echo 'CREATE TEMP TABLE outcome(store, rows);'
    for device in $devices; do
      echo "SELECT kv_open('$device.kv', '$device', 'name=$device, now=2026-11-01');"
      table "$device"
    done
    n=0
    hour=0
    while read -r device statement; do
      n=$((n + 1))
      hour=$((hour + 1))
      if [ "$device" = meet ]; then
        writers=$(head -n $n lines | grep -v '^meet' | cut -d ' ' -f 1 | sort -u)
        if [ "$statement" ]; then
          deliver "$statement" "$statement"
        else
          deliver "$(echo $writers)" "$devices"
        fi
        if [ $n = "$last" ]; then
          for one in $writers; do copy "$one.kv/devices/$one/log.db" "$one.1"; done
        fi
        continue
      fi
      echo "SELECT kv_open('$device.kv', '$device',
        'name=$device, now=2026-11-01 $(printf %02d $hour):00');"
      echo "$statement;" | sed "s/accounts/accounts_$device/g"
    done < lines
    words=
    for device in $devices; do
      if head -n "$last" lines | grep -q "^$device "; then words="$words $device.1"; fi
      if tail -n +$((last + 1)) lines | grep -q "^$device "; then
        words="$words $device.2"
        copy "$device.kv/devices/$device/log.db" "$device.2"
      fi
    done
    orders $words > orders
    n=0
    while read -r order; do
      n=$((n + 1))
      is_open=no
      for word in $order; do
        copy "$word" "o$n.kv/devices/${word%.*}/log.db"
        if [ $is_open = no ]; then
          echo "SELECT kv_open('o$n.kv', NULL, 'name=o$n');"
          table o$n
          is_open=yes
        fi
        echo "SELECT kv_sync('o$n');"
      done
      outcome o$n
    done < orders
    deliver "$devices" "$devices"
    for device in $devices; do outcome "$device"; done
    echo '.output'
    echo "SELECT rows || char(10) || '(' || sum(store LIKE 'o%') || ' of $n orders, '
      || sum(store NOT LIKE 'o%') || ' of $(echo $devices | wc -w) devices)'
      FROM outcome GROUP BY rows;"
  } > play.sql
  $SQLITE :memory: < play.sql
}
