'use strict';

// The platforms' packages have the extension and nothing else; npm installs the
// one that fits. See index.d.ts.
const suffixes = { darwin: 'dylib', win32: 'dll' };

function getLoadablePath() {
  const name = `sqlite-kv-${process.platform}-${process.arch}`;
  try {
    return require.resolve(
      `${name}/kv.${suffixes[process.platform] ?? 'so'}`);
  } catch {
    throw new Error(
      `sqlite-kv: the package ${name} is not installed. npm leaves it out with ` +
      '--omit=optional, and where there is none for this platform: build the ' +
      'extension there, and load it by its path.');
  }
}

function load(db) {
  db.loadExtension(getLoadablePath());
}

module.exports = { getLoadablePath, load };
