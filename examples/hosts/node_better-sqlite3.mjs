// The npm package better-sqlite3: node node_better-sqlite3.mjs, beside kv.so.
import assert from 'node:assert';
import Database from 'better-sqlite3';

function connect(device) {
  const db = new Database(':memory:');
  db.loadExtension('./kv');
  db.prepare("SELECT kv_open('notes.kv', ?)").get(device);
  return db;
}

const laptop = connect('laptop');
console.log('SQLite', laptop.prepare('SELECT sqlite_version() AS v').get().v);
const set = laptop.prepare('INSERT INTO kv VALUES (?, ?)');
laptop.transaction(() => {
  set.run('title', 'Hello');
  // A number of JavaScript arrives as REAL: 5 would be stored as 5.0.
  // A BigInt arrives as an integer.
  set.run('stars', 5n);
})();

const phone = connect('phone');
phone.exec("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

// Not inside transaction(): kv_sync() is refused after a write.
assert.equal(laptop.prepare('SELECT kv_sync() AS n').get().n, 1);
assert.equal(laptop.prepare("SELECT kv_get('stars') AS v").get().v, 6);
const history = laptop.prepare(
  'SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq')
  .all().map(Object.values);
for (const change of history) console.log(...change);
assert.deepEqual(history, [['laptop', 'set', 'title', 'Hello'],
  ['laptop', 'set', 'stars', 5], ['phone', 'set', 'stars', 6]]);
phone.close();
laptop.close();
