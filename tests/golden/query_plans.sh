#!/bin/sh
# How each query is run. First queries of users: idxNum, after INDEX, says what
# the store does itself (ext/surface/*_table.c): in kv 1 as_of, 2 one key, 4 and
# 8 a lower and an upper bound, 32 and 64 without the bound, 16 LIKE, 128
# backwards, 256 no other columns than key and value, 512 a stretch of time,
# 1024 no values; in kv_log 1 the store, 2 the key, 4 a stretch of time, 8
# backwards; 65536 and more are bounds of times (ext/table/time_range.c). Of a
# typed table the plan itself is shown (ext/typed/typed_plan.c), after 1 if it is of the past. Then
# every text of sql/ that reads or changes a table: SCAN is a walk over all of
# it, SEARCH a seek.

explain() { # TITLE: the query on standard input
  query=$(cat)
  echo "== $1"
  $SQLITE host.db -cmd ".load ./kv" "EXPLAIN QUERY PLAN $query" |
    sed -e 1d -e "s/kv_cache_[0-9a-f]\{8\}/kv_cache_N/"
}

$SQLITE host.db -cmd ".load ./kv" "
  CREATE VIRTUAL TABLE kv USING kv('n.kv', device='laptop', now='2026-11-01');
  CREATE VIRTUAL TABLE t USING kv_table(id TEXT PRIMARY KEY, name TEXT, INDEX(name));
  INSERT INTO kv VALUES('a', 1);
  SELECT * FROM kv_log ORDER BY ts; -- asks for the index by time, which
  SELECT kv_sync();                 -- the next sync makes" > /dev/null

while IFS= read -r query; do
  echo "$query" | explain "$query"
done <<'END'
SELECT * FROM kv
SELECT count(*) FROM kv
SELECT value FROM kv WHERE key = 'a'
SELECT value FROM kv WHERE key IS 'a'
SELECT value FROM kv WHERE key IN ('a', 'b', 'c')
SELECT value FROM kv WHERE key = 'a' OR key = 'b'
SELECT value FROM kv WHERE key < 'a'
SELECT value FROM kv WHERE key <= 'a'
SELECT value FROM kv WHERE key > 'a'
SELECT value FROM kv WHERE key >= 'a'
SELECT value FROM kv WHERE key > 'a' AND key < 'b'
SELECT value FROM kv WHERE key BETWEEN 'a' AND 'b'
SELECT value FROM kv WHERE key GLOB 'a*'
SELECT value FROM kv WHERE key LIKE 'a%'
SELECT value FROM kv WHERE key LIKE '%a'
SELECT value FROM kv WHERE key = 'a' COLLATE NOCASE
SELECT value FROM kv WHERE key > 'a' COLLATE NOCASE
SELECT value FROM kv WHERE key <> 'a'
SELECT value FROM kv WHERE key IS NOT NULL
SELECT value FROM kv WHERE value = 'a'
SELECT * FROM kv ORDER BY key
SELECT * FROM kv ORDER BY key DESC
SELECT * FROM kv ORDER BY key LIMIT 1
SELECT * FROM kv ORDER BY key DESC LIMIT 1
SELECT * FROM kv ORDER BY key, value
SELECT * FROM kv ORDER BY key COLLATE NOCASE
SELECT * FROM kv ORDER BY value
SELECT * FROM kv WHERE key > 'a' ORDER BY key DESC LIMIT 1
SELECT * FROM kv WHERE key IN ('b', 'a') ORDER BY key
SELECT key, count(*) FROM kv GROUP BY key
SELECT min(key) FROM kv
SELECT max(key) FROM kv
SELECT * FROM kv('2026-11-01')
SELECT * FROM kv('2026-11-01') WHERE key = 'a'
SELECT * FROM kv WHERE as_of = '2026-11-01' AND key > 'a' ORDER BY key DESC
SELECT * FROM kv('2026-11-01') AS a JOIN kv AS b ON a.key = b.key
SELECT * FROM kv AS a JOIN kv AS b ON a.value = b.key
UPDATE kv SET value = 1 WHERE key = 'a'
DELETE FROM kv WHERE key = 'a'
DELETE FROM kv WHERE key GLOB 'a*'
SELECT * FROM kv_log
SELECT * FROM kv_log('kv')
SELECT * FROM kv_log WHERE key = 'a'
SELECT * FROM kv_log WHERE bucket = ''
SELECT * FROM kv_log WHERE bucket = '' AND key = 'a'
SELECT * FROM kv_log('kv') WHERE key IN ('a', 'b')
SELECT * FROM kv_log WHERE key = 'a' COLLATE NOCASE
SELECT * FROM kv_log WHERE device = 'phone'
SELECT * FROM kv_log ORDER BY ts
SELECT * FROM kv_log ORDER BY ts DESC LIMIT 10
SELECT * FROM kv_log ORDER BY time DESC
SELECT * FROM kv_log ORDER BY ts, device, seq
SELECT * FROM kv_log ORDER BY ts, seq
SELECT * FROM kv_log WHERE time >= date('now', '-7 days')
SELECT * FROM kv_log WHERE time > '2026-11-01' AND time < '2026-11-02'
SELECT * FROM kv_log WHERE ts = 1793698200000000
SELECT * FROM kv_log WHERE key = 'a' AND time >= '2026-11-01'
SELECT * FROM kv_log WHERE key = 'a' ORDER BY ts DESC
SELECT * FROM kv WHERE time >= date('now', '-7 days')
SELECT * FROM kv WHERE key > 'a' AND time >= '2026-11-01'
SELECT * FROM kv ORDER BY ts DESC LIMIT 10
SELECT * FROM kv ORDER BY ts DESC
SELECT * FROM kv('2026-11-02') WHERE time >= '2026-11-01'
SELECT * FROM kv_diff('2026-11-01')
SELECT * FROM kv_diff('2026-11-01', 'now', 'kv')
SELECT * FROM kv_conflicts
SELECT * FROM kv_changes(0)
SELECT * FROM kv_changes(0, 'kv')
SELECT * FROM kv JOIN kv_log ON kv_log.key = kv.key
SELECT * FROM kv_devices
SELECT * FROM kv_devices('kv')
SELECT * FROM kv_devices WHERE state <> 'ok'
SELECT * FROM kv_foreign('log.db')
SELECT * FROM kv_foreign('log.db') AS f JOIN kv ON kv.key = f.key
SELECT * FROM t
SELECT * FROM t WHERE id = 'a'
SELECT name FROM t WHERE id > 'a' ORDER BY id DESC
SELECT * FROM t WHERE name = 'a' ORDER BY id
SELECT * FROM t('2026-11-01')
SELECT * FROM t('2026-11-01') WHERE id = 'a' ORDER BY name
SELECT * FROM t AS a JOIN t('2026-11-01') AS b ON a.id = b.id
SELECT * FROM kv JOIN t ON t.id = kv.value
UPDATE t SET name = 'b' WHERE id = 'a'
END

# The texts as they are in C: a line with the name before each. What one says of
# another store is asked of the same.
sed -e 's/{columns}\|{list}/id, name/g; s/{values}/?, ?/g; s/{key}/id/g' \
  -e 's/{assignments}/name = excluded.name/g; s/{match}/id = ?/g' \
  -e 's/{literal}/1/g; s/{rest}/ WHERE name = ?1 ORDER BY id/g' \
  -e 's/{where}\|{changes}/name = ?/g; s/{target}/t/g; s/{column}/name/g; s/{as_of}/as_of/g' \
  -e 's/{group}/name/g; s/{known}/name IS NOT NULL/g; s/{parent}/"main"."t_data"/g' \
  -e 's/{matched}/p.id = +c.name/g' \
  -e "s/{casts}/CAST(? AS TEXT) AS id, ? AS name/g; s/{checks}/(name <> '') IS NOT FALSE/g" \
  -e 's/{data\.name}/t_data/g' \
  -e 's/{old\./{/g; s/{table\.name}/"kv"/g; s/{options}//g' \
  -e 's/{schema}/"main"/g; s/{table}/"main"."kv"/g' \
  -e 's/{\([a-z]*\)}/"main"."kv_\1"/g' "$KV_BUILD/generated/kv_sql.sql" > texts.sql
names=$(sed -n 's/^-- name: //p' texts.sql)
for name in $names; do
  text=$(awk -v name="$name" \
    '/^-- name: / { is_it = $3 == name; next } is_it' texts.sql)
  case $text in
    SELECT* | INSERT* | UPDATE* | DELETE* | WITH*) ;;
    *) continue ;;
  esac
  case $name in
    foreign_* | log_append* | log_put_device | log_take_over | log_empty | log_go_on | log_restart | \
    log_is_emptied)
      echo "== $name"
      $SQLITE n.kv/devices/laptop/log.db -cmd ".load ./kv" "EXPLAIN QUERY PLAN $text" | sed 1d ;;
    parstore_*) ;; # on a file of another program
    typed_* | change_* | rules_exists | settle_update | violations_[!b]* | alter_* | referred_* | check_* | buckets_rows) # on the tables behind a typed table
      echo "$text" | sed 's/"kv_/"t_/g' | explain "$name" ;;
    *) echo "$text" | explain "$name" ;;
  esac
done
