// C++ with SQLite's C interface, beside kv.so:
//
//   c++ -std=c++17 notes.cpp -o notes -lsqlite3 && ./notes
//
// Linked, as in notes.c, works, too: kv.h is a header for both. The extension
// itself is C: compile it with a C compiler.
#include <sqlite3.h>

#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

class Store {
public:
  Store(const std::string &folder, const std::string &device) {
    sqlite3 *db = nullptr;
    int rc = sqlite3_open(":memory:", &db);
    db_.reset(db);
    check(rc);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
    check(sqlite3_load_extension(db, "./kv", nullptr, nullptr));
    query("SELECT kv_open(?, ?)", {folder, device});
  }

  // The rows of one statement: their first columns, as text.
  std::vector<std::string> query(const std::string &sql,
                                 const std::vector<std::string> &texts = {}) {
    sqlite3_stmt *stmt = nullptr;
    check(sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &stmt, nullptr));
    std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> owner(
      stmt, sqlite3_finalize);
    for (std::size_t i = 0; i < texts.size(); i++) {
      check(sqlite3_bind_text(stmt, static_cast<int>(i) + 1, texts[i].data(),
                              static_cast<int>(texts[i].size()),
                              SQLITE_TRANSIENT));
    }
    std::vector<std::string> rows;
    int rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
      auto text = reinterpret_cast<const char *>(sqlite3_column_text(stmt, 0));
      rows.emplace_back(text ? text : "");
    }
    if (rc != SQLITE_DONE) check(rc);
    return rows;
  }

private:
  void check(int rc) {
    if (rc != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(db_.get()));
  }

  std::unique_ptr<sqlite3, decltype(&sqlite3_close)> db_{nullptr,
                                                         sqlite3_close};
};

int main() try {
  Store laptop("notes.kv", "laptop");
  std::cout << "SQLite " << sqlite3_libversion() << "\n";
  laptop.query("BEGIN");
  laptop.query("INSERT INTO kv VALUES('title', ?)", {"Hello"});
  laptop.query("INSERT INTO kv VALUES('stars', 5)");
  laptop.query("COMMIT");

  Store phone("notes.kv", "phone");
  phone.query("UPDATE kv SET value = value + 1 WHERE key = 'stars'");

  auto merged = laptop.query("SELECT kv_sync()").at(0);
  auto stars = laptop.query("SELECT kv_get('stars')").at(0);
  auto history =
    laptop.query("SELECT device || ' ' || op || ' ' || key || ' ' || value "
                 "FROM kv_log ORDER BY ts, device, seq");
  for (const auto &change : history)
    std::cout << change << "\n";
  if (merged != "1" || stars != "6" ||
      history != std::vector<std::string>{"laptop set title Hello",
                                          "laptop set stars 5",
                                          "phone set stars 6"}) {
    throw std::runtime_error("another result");
  }
  return 0;
} catch (const std::exception &error) {
  std::cerr << error.what() << "\n";
  return 1;
}
