// Not in the package: what examples/guide/install.md shows and a test runs.
import { DatabaseSync } from 'node:sqlite';
import { load } from 'sqlite-kv';

const db = new DatabaseSync(':memory:', { allowExtension: true });
load(db);
db.prepare('SELECT kv_open(?, ?)').get('notes.kv', 'laptop');
db.prepare('INSERT INTO kv VALUES (?, ?)').run('stars', 5n);

console.log(db.prepare('SELECT key, value, typeof(value) FROM kv').get());
