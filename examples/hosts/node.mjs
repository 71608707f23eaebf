// Node's own node:sqlite (22.13 or newer): node node.mjs, beside kv.so. Deno has
// it, too: deno run --allow-ffi --allow-read=. --allow-write=. node.mjs
import assert from 'node:assert';
import { DatabaseSync } from 'node:sqlite';

function connect(device) {
  // Without allowExtension: ERR_INVALID_STATE.
  const db = new DatabaseSync(':memory:', { allowExtension: true });
  db.loadExtension('./kv');
  db.enableLoadExtension?.(false); // Deno has no such method
  db.prepare("SELECT kv_open('notes.kv', ?)").get(device);
  return db;
}

const laptop = connect('laptop');
console.log('SQLite', laptop.prepare('SELECT sqlite_version() AS v').get().v);
const set = laptop.prepare('INSERT INTO kv VALUES (?, ?)');
laptop.exec('BEGIN');
set.run('title', 'Hello');
// A number of JavaScript arrives as REAL: 5 would be stored as 5.0.
// A BigInt arrives as an integer.
set.run('stars', 5n);
laptop.exec('COMMIT');

const phone = connect('phone');
phone.exec("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

assert.equal(laptop.prepare('SELECT kv_sync() AS n').get().n, 1);
// An integer is read as a number. One above 2^53 throws ERR_OUT_OF_RANGE,
// unless the statement has setReadBigInts(true).
assert.equal(laptop.prepare("SELECT kv_get('stars') AS v").get().v, 6);
const history = laptop.prepare(
  'SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq')
  .all().map(Object.values);
for (const change of history) console.log(...change);
assert.deepEqual(history, [['laptop', 'set', 'title', 'Hello'],
  ['laptop', 'set', 'stars', 5], ['phone', 'set', 'stars', 6]]);
phone.close();
laptop.close();
