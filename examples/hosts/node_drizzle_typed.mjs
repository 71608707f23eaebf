// Typed tables with Drizzle on better-sqlite3: node node_drizzle_typed.mjs,
// beside kv.so.
//
// The typed tables are in a file of their own, which drizzle-kit does not open:
// it would stop at them. So their migrations are SQL of the program.
import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import Database from 'better-sqlite3';
import { eq, relations, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

const id = () => text('id').primaryKey().$defaultFn(() => randomUUID());
const accounts = sqliteTable('accounts', {
  id: id(),
  name: text('name').notNull(),
  city: text('city'),
  // $default() is of the program; default() would be left to the database, and
  // returning() would have null for it.
  balance: integer('balance').notNull().$default(() => 0),
});
const payments = sqliteTable('payments', {
  id: id(),
  accountId: text('account_id').notNull(),
  amount: integer('amount').notNull(),
});
// An ordinary table, of this device alone. It has no references() to accounts:
// relations() join without.
const photos = sqliteTable('photos', {
  file: text('file').primaryKey(),
  accountId: text('account_id').notNull(),
});
const schema = {
  accounts, payments, photos,
  hasMany: relations(accounts, ({ many }) => ({
    payments: many(payments), photos: many(photos),
  })),
  paymentOf: relations(payments, ({ one }) => ({
    account: one(accounts,
      { fields: [payments.accountId], references: [accounts.id] }),
  })),
  photoOf: relations(photos, ({ one }) => ({
    account: one(accounts,
      { fields: [photos.accountId], references: [accounts.id] }),
  })),
};

const migrations = [
  `CREATE VIRTUAL TABLE store.accounts USING kv_table(
     id TEXT PRIMARY KEY, name TEXT NOT NULL,
     balance INTEGER NOT NULL DEFAULT 0, MERGE (balance counter));
   CREATE VIRTUAL TABLE store.payments USING kv_table(
     id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts(id),
     amount INTEGER NOT NULL, INDEX (account_id))`,
  "SELECT kv_alter('accounts', 'ADD COLUMN city TEXT')",
];

function connect(device) {
  const db = new Database(`${device}.db`);
  db.loadExtension('./kv');
  // In a project drizzle-kit makes the table photos.
  db.exec(`ATTACH '${device}-kv.db' AS store;
    CREATE VIRTUAL TABLE IF NOT EXISTS store.kv
    USING kv('bank.kv', device='${device}');
    CREATE TABLE IF NOT EXISTS photos(file TEXT PRIMARY KEY,
      account_id TEXT NOT NULL)`);
  const done = db.pragma('store.user_version', { simple: true });
  migrations.slice(done).forEach((text, i) => db.transaction(() => {
    db.exec(text);
    db.pragma(`store.user_version = ${done + i + 1}`);
  })());
  return drizzle(db, { schema });
}

const sync = (db) => db.get(sql`SELECT kv_sync() AS n`).n;

const laptop = connect('laptop');
const phone = connect('phone');
console.log('SQLite', laptop.get(sql`SELECT sqlite_version() AS v`).v);
const ann = laptop.transaction((tx) => {
  const [made] = tx.insert(accounts).values({ name: 'Ann', balance: 10 })
    .returning().all();
  tx.insert(payments).values({ accountId: made.id, amount: 10 }).run();
  return made;
});
sync(phone);

// Both change the row before they hear of each other.
phone.transaction((tx) => {
  tx.update(accounts).set({ name: 'Anna', balance: sql`${accounts.balance} - 3` })
    .where(eq(accounts.id, ann.id)).run();
  tx.insert(payments).values({ accountId: ann.id, amount: -3 }).run();
});
laptop.update(accounts)
  .set({ city: 'Oslo', balance: sql`${accounts.balance} + 5` })
  .where(eq(accounts.id, ann.id)).run();
sync(laptop);
sync(phone);
for (const db of [laptop, phone]) {
  const found = db.query.accounts.findFirst({ with: { payments: true } }).sync();
  assert.deepEqual([found.name, found.city, found.balance], ['Anna', 'Oslo', 12]);
  assert.deepEqual(found.payments.map((p) => p.amount).sort(), [-3, 10]);
}

// Not onConflictDoUpdate(), onConflictDoNothing(), nor update() or delete() with
// returning(): virtual tables have none of them. An UPDATE says what it changed:
function save(db, row) {
  db.transaction((tx) => {
    const { changes } = tx.update(accounts).set(row)
      .where(eq(accounts.id, row.id)).run();
    if (!changes) tx.insert(accounts).values(row).run();
  });
}
save(laptop, { id: ann.id, name: 'Anna' });
laptop.insert(photos).values({ file: 'ann.png', accountId: ann.id }).run();
laptop.transaction((tx) => {
  assert.throws(() => tx.transaction((inner) => { // a savepoint
    inner.insert(accounts).values({ name: 'nobody' }).run();
    inner.rollback();
  }));
});
assert.deepEqual(
  laptop.query.photos.findMany({ with: { account: { columns: { name: true } } } })
    .sync(), [{ file: 'ann.png', accountId: ann.id, account: { name: 'Anna' } }]);
assert.equal(await laptop.$count(accounts), 1);
