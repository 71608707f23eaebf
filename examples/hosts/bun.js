// Bun's own bun:sqlite: bun bun.js, beside kv.so.
//
// On macOS Bun uses the SQLite of the system, which loads no extensions: call
// Database.setCustomSQLite('/opt/homebrew/opt/sqlite/lib/libsqlite3.dylib').
import assert from 'node:assert';
import { Database } from 'bun:sqlite';

function connect(device) {
  const db = new Database(':memory:');
  db.loadExtension('./kv');
  db.query("SELECT kv_open('notes.kv', ?)").get(device);
  return db;
}

const laptop = connect('laptop');
console.log('SQLite', laptop.query('SELECT sqlite_version() AS v').get().v);
const set = laptop.query('INSERT INTO kv VALUES (?, ?)');
laptop.transaction(() => {
  set.run('title', 'Hello');
  set.run('stars', 5); // stays an integer, other than in Node
})();

const phone = connect('phone');
phone.run("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

// Not inside transaction(): kv_sync() is refused after a write.
assert.equal(laptop.query('SELECT kv_sync() AS n').get().n, 1);
assert.equal(laptop.query("SELECT kv_get('stars') AS v").get().v, 6);
const history = laptop.query(
  'SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq')
  .values();
for (const change of history) console.log(...change);
assert.deepEqual(history, [['laptop', 'set', 'title', 'Hello'],
  ['laptop', 'set', 'stars', 5], ['phone', 'set', 'stars', 6]]);
phone.close();
laptop.close();
