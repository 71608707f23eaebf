<?php
// The class SQLite3 (Debian: php-sqlite3), beside kv.so:
//
//     php -d sqlite3.extension_dir="$PWD" php.php
//
// That directory can only be set there or in php.ini; without it the error is
// `SQLite Extension are disabled`. PDO loads extensions since PHP 8.4
// (Pdo\Sqlite::loadExtension()); before, it needs preload.c.

function connect(string $device): SQLite3 {
    $db = new SQLite3(':memory:');
    $db->enableExceptions(true);
    $db->loadExtension('kv.so'); // a name in that directory, with its suffix
    $db->querySingle("SELECT kv_open('notes.kv', '$device')");
    return $db;
}

$laptop = connect('laptop');
echo 'SQLite ', SQLite3::version()['versionString'], "\n";
$laptop->exec('BEGIN');
$set = $laptop->prepare('INSERT INTO kv VALUES (:key, :value)');
foreach (['title' => 'Hello', 'stars' => 5] as $key => $value) {
    // PHP makes integers of keys of arrays such as '7': say that it is text.
    $set->bindValue(':key', $key, SQLITE3_TEXT);
    $set->bindValue(':value', $value);
    $set->execute();
}
$laptop->exec('COMMIT');

$phone = connect('phone');
$phone->exec("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

// query() and execute() run a statement once, and fetchArray() runs it again
// from its beginning. A SELECT that does something, such as kv_sync() or
// kv_set(), then does it twice: use querySingle(), or exec().
$merged = $laptop->querySingle('SELECT kv_sync()');
$stars = $laptop->querySingle("SELECT kv_get('stars')");
$rows = $laptop->query('SELECT device, op, key, value FROM kv_log '
    . 'ORDER BY ts, device, seq'); // only reads: twice does no harm
$history = [];
while ($row = $rows->fetchArray(SQLITE3_NUM)) {
    echo implode(' ', $row), "\n";
    $history[] = $row;
}
if ([$merged, $stars, $history] !== [1, 6, [
    ['laptop', 'set', 'title', 'Hello'], ['laptop', 'set', 'stars', 5],
    ['phone', 'set', 'stars', 6]]]) {
    fwrite(STDERR, json_encode([$merged, $stars, $history]) . "\n");
    exit(1);
}
$rows->finalize();
$phone->close();
$laptop->close();
