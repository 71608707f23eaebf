#!/bin/sh
# The reports of examples/reports on values that are hard to show: no line is
# broken, and none is wider than 100 columns.
root=$(dirname "$0")/../..

{
  cat <<'END'
.load ./kv
.output /dev/null
SELECT kv_open('notes.kv', 'a-device-with-a-name-as-long-as-names-can-be-which-is-64-letters',
  'now=2025-03-30 00:50');
.output
INSERT INTO kv VALUES
  ('two' || char(10) || 'lines', 'tab' || char(9) || 'return' || char(13, 10) || 'end'),
  ('escape ' || char(27) || '[31mred' || char(155) || '32m', char(8238) || 'reversed' || char(8203)),
  ('nul', 'before' || char(0) || 'after'),
  ('', ''),
  (' ', NULL),
  (x'', x'00'),
  (x'0102', zeroblob(3000)),
  ('large blob', zeroblob(2345678)),
  ('invalid', CAST(x'ff9b41c3' AS TEXT)),
  ('日本語のとても長い鍵の名前がここに続いています', '値は全角文字で書かれているので、幅は二倍になります。まだまだ続きますよ、どこまでも'),
  ('emoji 😀👩‍👩‍👧', '🎉🎉🎉'),
  ('combining é ñ', 'Z' || replace(printf('%0200d', 0), '0', char(776)) || 'algo'),
  (9007199254740993, -9223372036854775808),
  (1e300, 9e999),
  (printf('long %.*c', 500, 'k'), printf('%.*c', 100000, 'v')),
  ('"quoted"', '<b>&amp; ''both''</b>');
.output /dev/null
SELECT kv_open('notes.kv', 'a-device-with-a-name-as-long-as-names-can-be-which-is-64-letters',
  'now=2025-03-30 01:10');
.output
UPDATE kv SET value = value || ' and more' WHERE typeof(value) = 'text';
DELETE FROM kv WHERE key GLOB '*o*' AND typeof(key) = 'text';
INSERT INTO kv SELECT 'bulk ' || value, value FROM json_each('[1,2,3,4,5,6,7]');
.shell touch "$(printf 'notes.kv/two\nlines\033[31m')"
.shell touch "notes.kv/$(printf '%0150d' 0)"
.parameter set :now "'2025-03-30 01:15'"
END
  for report in activity conflicts devices growth timeline feed; do
    echo ".print == $report"
    echo ".parameter set :limit 2"
    echo ".read \"$root/examples/reports/$report.sql\""
  done
  for key in "x'0102'" "char(10) || ''" "'nul'" "x''" 9007199254740993 \
    "(SELECT key FROM kv_log WHERE key GLOB 'two*')" \
    "(SELECT key FROM kv_log WHERE key GLOB 'long*')" \
    "(SELECT key FROM kv_log WHERE key GLOB '日*')"; do
    echo ".print == key"
    echo ".parameter set :key \"$key\""
    echo ".read \"$root/examples/reports/key.sql\""
  done
} | $SQLITE :memory: > transcript 2>&1
cat transcript

echo "== all changes"
$SQLITE :memory: > feed 2>&1 <<END
.load ./kv
.output /dev/null
SELECT kv_open('notes.kv');
.output
.parameter set :now "'2025-03-30 01:15'"
.read "$root/examples/reports/feed.sql"
END
cat feed
cat feed >> transcript
echo "== lines over 100 columns, control characters"
tr -d '\200-\277' < transcript | awk 'length > 100' # bytes to characters
tr -d '\n' < transcript | LC_ALL=C grep -ac '[[:cntrl:]]'
sed -n '/<body>/,$p' kv-timeline.html | tr -d '\n' | LC_ALL=C grep -ac '[[:cntrl:]]'
