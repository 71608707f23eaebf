// database/sql with mattn/go-sqlite3, beside kv.so:
//
//	go mod init notes && go get github.com/mattn/go-sqlite3 && go run notes.go
//
// or with Debian's golang-github-mattn-go-sqlite3-dev:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run -tags libsqlite3 notes.go
package main

import (
	"database/sql"
	"fmt"
	"log"
	"reflect"

	sqlite3 "github.com/mattn/go-sqlite3"
)

func connect(device string) *sql.DB {
	driver := "sqlite3_kv_" + device
	sql.Register(driver, &sqlite3.SQLiteDriver{
		Extensions: []string{"./kv"},
		ConnectHook: func(con *sqlite3.SQLiteConn) error {
			_, err := con.Exec("SELECT kv_open('notes.kv', '"+device+"')", nil)
			return err
		},
	})
	db, err := sql.Open(driver, ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	// sql.DB is a pool. Each connection of it would have a cache of its own,
	// which sees what another one wrote after its next kv_sync(). Keep one, or
	// CREATE VIRTUAL TABLE in a file, which all of them share.
	db.SetMaxOpenConns(1)
	return db
}

func query(db *sql.DB, statement string) (found []string) {
	rows, err := db.Query(statement)
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			log.Fatal(err)
		}
		found = append(found, row)
	}
	if err := rows.Err(); err != nil {
		log.Fatal(err)
	}
	return found
}

func main() {
	laptop := connect("laptop")
	defer laptop.Close()
	fmt.Println("SQLite", query(laptop, "SELECT sqlite_version()")[0])
	tx, err := laptop.Begin()
	if err != nil {
		log.Fatal(err)
	}
	set := "INSERT INTO kv VALUES (?, ?), (?, ?)"
	if _, err := tx.Exec(set, "title", "Hello", "stars", 5); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}

	phone := connect("phone")
	defer phone.Close()
	if _, err := phone.Exec(
		"UPDATE kv SET value = value + 1 WHERE key = 'stars'"); err != nil {
		log.Fatal(err)
	}

	// With Query, not Exec, to see what it returns.
	merged := query(laptop, "SELECT kv_sync()")
	var stars any
	if err := laptop.QueryRow("SELECT kv_get('stars')").Scan(&stars); err != nil {
		log.Fatal(err)
	}
	history := query(laptop, "SELECT device || ' ' || op || ' ' || key || ' ' ||"+
		" value FROM kv_log ORDER BY ts, device, seq")
	for _, change := range history {
		fmt.Println(change)
	}
	if merged[0] != "1" || stars != int64(6) || !reflect.DeepEqual(history,
		[]string{"laptop set title Hello", "laptop set stars 5",
			"phone set stars 6"}) {
		log.Fatal(merged, stars, history)
	}
}
