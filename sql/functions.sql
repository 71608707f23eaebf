-- All functions of this connection. It reads no database.
PRAGMA function_list;
