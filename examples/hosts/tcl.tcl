# The package sqlite3 (Debian: libsqlite3-tcl): tclsh tcl.tcl, beside kv.so.
package require sqlite3

proc connect {db device} {
  sqlite3 $db :memory:
  $db enable_load_extension 1
  $db eval {SELECT load_extension('./kv')}
  $db enable_load_extension 0
  $db eval {SELECT kv_open('notes.kv', $device)}
}

connect laptop laptop
puts "SQLite [laptop version]"
set title Hello
# What was written as a word of the script is text, until something computes
# with it: `set stars 5` would store '5'.
set stars [expr {5 + 0}]
laptop transaction {
  laptop eval {INSERT INTO kv VALUES('title', $title), ('stars', $stars)}
}

connect phone phone
phone eval {UPDATE kv SET value = value + 1 WHERE key = 'stars'}

# Not inside transaction: kv_sync() is refused after a write.
set merged [laptop onecolumn {SELECT kv_sync()}]
set found [laptop eval {
  SELECT value, typeof(value) FROM kv WHERE key = 'stars'
}]
set history {}
laptop eval {
  SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq
} change {
  lappend history "$change(device) $change(op) $change(key) $change(value)"
}
puts [join $history \n]
if {$merged != 1 || $found ne {6 integer} || $history ne [list \
    {laptop set title Hello} {laptop set stars 5} {phone set stars 6}]} {
  error "$merged, $found, $history"
}
phone close
laptop close
