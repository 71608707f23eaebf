// Drizzle on better-sqlite3: node node_drizzle.mjs, beside kv.so.
//
// drizzle-kit opens the database without the extension, and stops at a virtual
// table that it finds there, whatever tablesFilter says. So the cache is in a
// file of its own, which drizzle-kit does not open.
import assert from 'node:assert';
import Database from 'better-sqlite3';
import { asc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { customType, sqliteTable, text } from 'drizzle-orm/sqlite-core';

// A column of kv has no type that would turn 5.0 into 5: numbers that are
// integers are bound as BigInt.
const anything = customType({
  dataType: () => 'any',
  toDriver: (value) => (Number.isSafeInteger(value) ? BigInt(value) : value),
});
const kv = sqliteTable('kv', {
  key: text('key').primaryKey(),
  value: anything('value'),
});

function connect(device) {
  const db = new Database(`${device}.db`);
  db.loadExtension('./kv');
  db.exec(`ATTACH '${device}-kv.db' AS store;
    CREATE VIRTUAL TABLE IF NOT EXISTS store.kv
    USING kv('notes.kv', device='${device}')`);
  return drizzle(db);
}

const sync = (db) => db.get(sql`SELECT kv_sync() AS n`).n;

const laptop = connect('laptop');
console.log('SQLite', laptop.get(sql`SELECT sqlite_version() AS v`).v);
laptop.transaction((tx) => {
  // Not onConflictDoUpdate(): `UPSERT not implemented for virtual table`. A
  // plain INSERT replaces the key.
  tx.insert(kv).values([{ key: 'title', value: 'Hello' },
    { key: 'stars', value: 5 }]).run();
});

const phone = connect('phone');
sync(phone);
phone.update(kv).set({ value: sql`${kv.value} + 1` })
  .where(eq(kv.key, 'stars')).run();

assert.equal(sync(laptop), 1); // not inside transaction()
assert.deepEqual(laptop.select().from(kv).orderBy(asc(kv.key)).all(),
  [{ key: 'stars', value: 6 }, { key: 'title', value: 'Hello' }]);
const history = laptop.values(
  sql`SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq`);
for (const change of history) console.log(...change);
assert.deepEqual(history, [['laptop', 'set', 'title', 'Hello'],
  ['laptop', 'set', 'stars', 5], ['phone', 'set', 'stars', 6]]);
// What drizzle-kit sees.
assert.deepEqual(laptop.all(sql`SELECT name FROM main.sqlite_master`), []);
