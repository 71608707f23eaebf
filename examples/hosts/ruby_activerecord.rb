# Active Record of Rails with the gem sqlite3 (Debian: ruby-activerecord
# ruby-sqlite3): ruby ruby_activerecord.rb, beside kv.so.
require 'active_record'
require 'stringio'

# In Rails this is config/initializers/kv.rb, and the folder and the device are
# in config/database.yml.
module LoadKV
  def configure_connection
    super
    raw_connection.enable_load_extension(true)
    raw_connection.load_extension('./kv')
    raw_connection.enable_load_extension(false)
    execute 'CREATE VIRTUAL TABLE IF NOT EXISTS kv USING kv(' \
            "'notes.kv', device='#{@config[:device]}')"
  end
end
require 'active_record/connection_adapters/sqlite3_adapter'
ActiveRecord::ConnectionAdapters::SQLite3Adapter.prepend(LoadKV)
# The schema dumper writes kv and the tables of its cache into db/schema.rb,
# where they do not belong.
ActiveRecord::SchemaDumper.ignore_tables = [/\Akv(_|\z)/]

class Laptop < ActiveRecord::Base
  self.abstract_class = true
  establish_connection adapter: 'sqlite3', database: 'app.db', device: 'laptop'
end

class Note < Laptop
  self.table_name = 'kv'
  self.primary_key = 'key'
end

laptop = Laptop.connection
puts "SQLite #{laptop.select_value('SELECT sqlite_version()')}"
Note.transaction do
  Note.create!(key: 'title', value: 'Hello')
  Note.create!(key: 'stars', value: 5)
end

class Phone < ActiveRecord::Base
  self.table_name = 'kv'
  self.primary_key = 'key'
  establish_connection adapter: 'sqlite3', database: 'phone.db', device: 'phone'
end
Phone.connection.execute('SELECT kv_sync()')
Phone.where(key: 'stars').update_all('value = value + 1')

# Not in a transaction that has written. Within a request Rails answers a SELECT
# that it has seen from its query cache, also kv_sync() and kv_get(): uncached.
merged = laptop.uncached { laptop.select_value('SELECT kv_sync()') }
stars = Note.find('stars').value
history = laptop.select_rows('SELECT device, op, key, value FROM kv_log ' \
                             'ORDER BY ts, device, seq')
history.each { |change| puts change.join(' ') }
raise "#{merged} #{stars} #{history}" unless [merged, stars, history] == [1, 6, [
  ['laptop', 'set', 'title', 'Hello'], ['laptop', 'set', 'stars', 5],
  ['phone', 'set', 'stars', 6]
]]
schema = StringIO.new
ActiveRecord::SchemaDumper.dump(laptop, schema)
raise schema.string if schema.string.match?(/kv/)
