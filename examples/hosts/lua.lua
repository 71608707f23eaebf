-- LuaSQL (Debian: lua-sql-sqlite3), which loads no extensions: preload.c does
-- it.
--
--     KV_MODULE=$PWD/kv.so LD_PRELOAD=$PWD/preload.so lua lua.lua
--
-- lsqlite3 has db:load_extension('./kv').
local sqlite3 = require 'luasql.sqlite3'
local env = sqlite3.sqlite3()

local function query(con, sql)
  local cursor = assert(con:execute(sql))
  local rows, row = {}, cursor:fetch({}, 'n')
  while row do
    rows[#rows + 1] = table.concat(row, ' ')
    row = cursor:fetch({}, 'n')
  end
  cursor:close()
  return rows
end

local function connect(device)
  local con = env:connect(':memory:')
  query(con, "SELECT kv_open('notes.kv', '" .. con:escape(device) .. "')")
  return con
end

local laptop = connect('laptop')
print('SQLite ' .. query(laptop, 'SELECT sqlite_version()')[1])
laptop:setautocommit(false) -- begins a transaction
laptop:execute("INSERT INTO kv VALUES('title', 'Hello'), ('stars', 5)")
laptop:commit()
laptop:setautocommit(true) -- kv_sync() is refused after a write

local phone = connect('phone')
phone:execute("UPDATE kv SET value = value + 1 WHERE key = 'stars'")

-- execute() runs a statement up to its first row, and fetch() runs it again
-- from its beginning. So what kv_sync() returns here is always 0: it has
-- merged in execute(). Write with INSERT, UPDATE and DELETE, not with kv_set().
assert(query(laptop, 'SELECT kv_sync()')[1] == '0')
assert(query(laptop, "SELECT kv_get('stars')")[1] == '6')
local history = table.concat(query(laptop,
  'SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq'), '\n')
print(history)
assert(history == [[
laptop set title Hello
laptop set stars 5
phone set stars 6]])
phone:close()
laptop:close()
