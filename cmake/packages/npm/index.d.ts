/**
 * sqlite-kv: a key-value store for many devices and one shared folder.
 *
 * JavaScript has one type of numbers, and most hosts bind it as REAL: 5 is
 * stored as 5.0. Bind a BigInt, 5n, where other devices expect an integer.
 */

/** What loads extensions: DatabaseSync of node:sqlite, and Database of
 * better-sqlite3, libsql and bun:sqlite. */
export interface Db {
  loadExtension(path: string): unknown;
}

/** The path of the extension. Throws if this platform's package is missing. */
export function getLoadablePath(): string;

/** Give a connection the tables and functions of sqlite-kv. */
export function load(db: Db): void;
