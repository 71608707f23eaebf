// rusqlite with its feature load_extension, beside kv.so. In Cargo.toml:
//
//     [dependencies]
//     rusqlite = { version = "*", features = ["load_extension"] }
use rusqlite::{params, Connection, LoadExtensionGuard, Result};

fn connect(device: &str) -> Result<Connection> {
    let con = Connection::open_in_memory()?;
    // unsafe, because it runs the code of a library.
    unsafe {
        let _guard = LoadExtensionGuard::new(&con)?;
        con.load_extension("./kv", None::<&str>)?;
    }
    con.query_row("SELECT kv_open('notes.kv', ?)", [device], |_| Ok(()))?;
    Ok(con)
}

fn main() -> Result<()> {
    println!("SQLite {}", rusqlite::version());
    let mut laptop = connect("laptop")?;
    let tx = laptop.transaction()?; // a rollback, unless it gets to commit()
    tx.execute("INSERT INTO kv VALUES (?, ?)", params!["title", "Hello"])?;
    tx.execute("INSERT INTO kv VALUES (?, ?)", params!["stars", 5])?;
    tx.commit()?;

    let phone = connect("phone")?;
    phone.execute("UPDATE kv SET value = value + 1 WHERE key = 'stars'", [])?;

    // Not execute(), which fails for what returns rows (ExecuteReturnedResults)
    // when it has been done.
    let merged: i64 = laptop.query_row("SELECT kv_sync()", [], |row| row.get(0))?;
    let stars: i64 = laptop.query_row("SELECT kv_get('stars')", [], |row| row.get(0))?;
    let history = laptop
        .prepare(
            "SELECT device || ' ' || op || ' ' || key || ' ' || value
             FROM kv_log ORDER BY ts, device, seq",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<String>>>()?;
    println!("{}", history.join("\n"));
    assert_eq!((merged, stars), (1, 6));
    assert_eq!(
        history,
        [
            "laptop set title Hello",
            "laptop set stars 5",
            "phone set stars 6"
        ]
    );
    Ok(())
}
