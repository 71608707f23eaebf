// Xerial's JDBC driver (Debian: libxerial-sqlite-jdbc-java), beside kv.so:
//
//     java -cp /usr/share/java/sqlite-jdbc.jar Notes.java
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.sqlite.SQLiteConfig;

public class Notes {
  static Connection connect(String device) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.enableLoadExtension(true); // without it: `not authorized`
    Connection con =
        DriverManager.getConnection("jdbc:sqlite::memory:", config.toProperties());
    query(con, "SELECT load_extension('./kv')");
    try (PreparedStatement open =
        con.prepareStatement("SELECT kv_open('notes.kv', ?)")) {
      open.setString(1, device);
      open.executeQuery().close();
    }
    return con;
  }

  static void set(Connection con, String key, Object value) throws SQLException {
    try (PreparedStatement set =
        con.prepareStatement("INSERT INTO kv VALUES (?, ?)")) {
      set.setString(1, key);
      set.setObject(2, value); // an Integer or Long stays an integer
      set.executeUpdate();
    }
  }

  static List<String> query(Connection con, String sql) throws SQLException {
    List<String> rows = new ArrayList<>();
    try (Statement stmt = con.createStatement();
        ResultSet found = stmt.executeQuery(sql)) {
      int columns = found.getMetaData().getColumnCount();
      while (found.next()) {
        String row = found.getString(1);
        for (int i = 2; i <= columns; i++) row += " " + found.getString(i);
        rows.add(row);
      }
    }
    return rows;
  }

  public static void main(String[] args) throws SQLException {
    try (Connection laptop = connect("laptop");
        Connection phone = connect("phone")) {
      System.out.println("SQLite " + query(laptop, "SELECT sqlite_version()").get(0));
      laptop.setAutoCommit(false);
      set(laptop, "title", "Hello");
      set(laptop, "stars", 5);
      laptop.commit();
      // Else the next statement begins a transaction, and kv_sync() is refused
      // in one that has written.
      laptop.setAutoCommit(true);

      query(phone, "SELECT kv_sync()");
      try (Statement stmt = phone.createStatement()) {
        stmt.executeUpdate("UPDATE kv SET value = value + 1 WHERE key = 'stars'");
      }

      List<String> merged = query(laptop, "SELECT kv_sync()");
      List<String> stars =
          query(laptop, "SELECT value, typeof(value) FROM kv WHERE key = 'stars'");
      List<String> history = query(laptop,
          "SELECT device, op, key, value FROM kv_log ORDER BY ts, device, seq");
      history.forEach(System.out::println);
      if (!merged.equals(List.of("1")) || !stars.equals(List.of("6 integer"))
          || !history.equals(List.of("laptop set title Hello",
              "laptop set stars 5", "phone set stars 6"))) {
        throw new IllegalStateException(merged + ", " + stars + ", " + history);
      }
    }
  }
}
