<?php
// PDO before PHP 8.4, which loads no extensions: preload.c does it.
//
//     KV_MODULE=$PWD/kv.so LD_PRELOAD=$PWD/preload.so php php_pdo.php

function connect(string $device): PDO {
    $db = new PDO('sqlite::memory:');
    $db->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $db->prepare("SELECT kv_open('notes.kv', ?)")->execute([$device]);
    return $db;
}

$laptop = connect('laptop');
echo 'SQLite ', $laptop->query('SELECT sqlite_version()')->fetchColumn(), "\n";
$laptop->beginTransaction();
$set = $laptop->prepare('INSERT INTO kv VALUES (?, ?)');
$set->execute(['title', 'Hello']);
// execute(['stars', 5]) would bind the text '5'.
$set->bindValue(1, 'stars');
$set->bindValue(2, 5, PDO::PARAM_INT);
$set->execute();
$laptop->commit();

$phone = connect('phone');
$phone->exec("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

$merged = $laptop->query('SELECT kv_sync()')->fetchColumn();
$stars = $laptop->query("SELECT kv_get('stars')")->fetchColumn();
$history = $laptop->query('SELECT device, op, key, value FROM kv_log '
    . 'ORDER BY ts, device, seq')->fetchAll(PDO::FETCH_NUM);
foreach ($history as $change) {
    echo implode(' ', $change), "\n";
}
if ([$merged, $stars, $history] !== [1, 6, [
    ['laptop', 'set', 'title', 'Hello'], ['laptop', 'set', 'stars', 5],
    ['phone', 'set', 'stars', 6]]]) {
    fwrite(STDERR, json_encode([$merged, $stars, $history]) . "\n");
    exit(1);
}
