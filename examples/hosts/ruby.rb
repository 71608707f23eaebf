# The gem sqlite3 (Debian: ruby-sqlite3): ruby ruby.rb, beside kv.so.
require 'sqlite3'

def connect(device)
  db = SQLite3::Database.new(':memory:')
  db.enable_load_extension(true)
  db.load_extension('./kv')
  db.enable_load_extension(false)
  db.execute("SELECT kv_open('notes.kv', ?)", [device])
  db
end

laptop = connect('laptop')
puts "SQLite #{laptop.get_first_value('SELECT sqlite_version()')}"
laptop.transaction do
  set = 'INSERT INTO kv VALUES (?, ?)'
  laptop.execute(set, ['title', 'Hello'])
  laptop.execute(set, ['stars', 5])
  # A String in ASCII-8BIT is stored as a blob, a key too: keep keys in UTF-8.
end

phone = connect('phone')
phone.execute("UPDATE kv SET value = value + 1 WHERE key = 'stars'")

# Not inside transaction: kv_sync() is refused after a write.
merged = laptop.get_first_value('SELECT kv_sync()')
stars = laptop.get_first_value("SELECT kv_get('stars')")
history = laptop.execute('SELECT device, op, key, value FROM kv_log ' \
                         'ORDER BY ts, device, seq')
history.each { |change| puts change.join(' ') }
raise "#{merged} #{stars} #{history}" unless [merged, stars, history] == [1, 6, [
  ['laptop', 'set', 'title', 'Hello'], ['laptop', 'set', 'stars', 5],
  ['phone', 'set', 'stars', 6]
]]
phone.close
laptop.close
