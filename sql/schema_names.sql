-- The schemas of a connection.
PRAGMA database_list;
