// Typed tables with Node's own node:sqlite: node node_typed.mjs, beside kv.so.
// With better-sqlite3 only connect() differs.
import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

// A migration for each version. They write nothing into the log, so each device
// runs them when it gets the new version of the app.
const migrations = [
  `CREATE VIRTUAL TABLE accounts USING kv_table(
     id TEXT PRIMARY KEY, name TEXT NOT NULL,
     balance INTEGER NOT NULL DEFAULT 0, MERGE (balance counter));
   CREATE VIRTUAL TABLE payments USING kv_table(
     id TEXT PRIMARY KEY, account_id TEXT NOT NULL REFERENCES accounts(id),
     amount INTEGER NOT NULL, INDEX (account_id))`,
  "SELECT kv_alter('accounts', 'ADD COLUMN city TEXT')",
];

function connect(device) {
  const db = new DatabaseSync(`${device}.db`, { allowExtension: true });
  db.loadExtension('./kv');
  db.enableLoadExtension(false);
  db.exec(`CREATE VIRTUAL TABLE IF NOT EXISTS kv
    USING kv('bank.kv', device='${device}')`);
  const { user_version: done } = db.prepare('PRAGMA user_version').get();
  migrations.slice(done).forEach((sql, i) => transaction(db, () => {
    db.exec(sql);
    db.exec(`PRAGMA user_version = ${done + i + 1}`);
  }));
  return db;
}

function transaction(db, write) {
  db.exec('BEGIN');
  try {
    write();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

const run = (db, sql, ...values) => db.prepare(sql).run(...values);
const get = (db, sql, ...values) => ({ ...db.prepare(sql).get(...values) });
const sync = (db) => get(db, 'SELECT kv_sync() AS n').n;

const laptop = connect('laptop');
const phone = connect('phone');
console.log('SQLite', get(laptop, 'SELECT sqlite_version() AS v').v);

// A key that the program makes; kv_id() makes integers above 2^53. Numbers may
// stay numbers: a column that is INTEGER makes integers of them.
const ann = randomUUID();
transaction(laptop, () => {
  run(laptop, 'INSERT INTO accounts(id, name, balance) VALUES (?, ?, ?)',
    ann, 'Ann', 10);
  run(laptop, 'INSERT INTO payments VALUES (?, ?, ?)', randomUUID(), ann, 10);
});
sync(phone);

// Both change the row before they hear of each other.
transaction(phone, () => {
  run(phone, `UPDATE accounts SET name = ?, balance = balance - ?
    WHERE id = ?`, 'Anna', 3, ann);
  run(phone, 'INSERT INTO payments VALUES (?, ?, ?)', randomUUID(), ann, -3);
});
run(laptop, 'UPDATE accounts SET city = ?, balance = balance + ? WHERE id = ?',
  'Oslo', 5, ann);
sync(laptop);
sync(phone);
for (const db of [laptop, phone]) {
  assert.deepEqual(get(db, 'SELECT name, city, balance FROM accounts'),
    { name: 'Anna', city: 'Oslo', balance: 12 });
}

// Instead of ON CONFLICT DO UPDATE, which virtual tables do not have: an UPDATE,
// and if there is no such row, an INSERT. DO NOTHING is OR IGNORE.
function save(db, id, name) {
  transaction(db, () => {
    run(db, 'UPDATE accounts SET name = ? WHERE id = ?', name, id).changes ||
      run(db, 'INSERT INTO accounts(id, name) VALUES (?, ?)', id, name);
  });
}
save(laptop, ann, 'Anna');
assert.equal(run(laptop, 'INSERT OR IGNORE INTO accounts(id, name) VALUES (?, ?)',
  ann, 'nobody').changes, 0);
assert.throws(() => run(laptop, 'INSERT INTO payments VALUES (?, ?, ?)',
  randomUUID(), 'nobody', 1), /FOREIGN KEY constraint failed/);
phone.close();
laptop.close();
