# RSQLite (Debian: r-cran-rsqlite): Rscript r.R, beside kv.so.
library(DBI)

connect <- function(device) {
  con <- dbConnect(RSQLite::SQLite(), ":memory:", loadable.extensions = TRUE)
  dbGetQuery(con, "SELECT load_extension('./kv')")
  dbGetQuery(con, "SELECT kv_open('notes.kv', ?)", params = list(device))
  con
}

laptop <- connect("laptop")
cat("SQLite", dbGetQuery(laptop, "SELECT sqlite_version()")[[1]], "\n")
set <- "INSERT INTO kv VALUES (?, ?)"
dbWithTransaction(laptop, {
  dbExecute(laptop, set, params = list("title", "Hello"))
  dbExecute(laptop, set, params = list("stars", 5L))  # 5 would be stored as 5.0
})

phone <- connect("phone")
dbExecute(phone, "UPDATE kv SET value = value + 1 WHERE key = 'stars'")

# Not inside a transaction: kv_sync() is refused after a write.
merged <- dbGetQuery(laptop, "SELECT kv_sync()")[[1]]
stars <- dbGetQuery(laptop, "SELECT value FROM kv WHERE key = 'stars'")$value
# A column of a data frame has one type, that of its first row. Choose rows of
# one type, with typeof(value), or cast.
history <- dbGetQuery(laptop, paste(
  "SELECT device || ' ' || op || ' ' || key || ' ' || value AS change",
  "FROM kv_log ORDER BY ts, device, seq"))$change
cat(history, sep = "\n")
stopifnot(merged == 1, identical(stars, 6L), identical(history, c(
  "laptop set title Hello", "laptop set stars 5", "phone set stars 6")))
dbDisconnect(phone)
dbDisconnect(laptop)
