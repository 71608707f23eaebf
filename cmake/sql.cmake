# The SQL texts in C: every file of one folder, one statement each, becomes a
# constant named after it (cache_get.sql is KV_SQL_CACHE_GET).
#
#   kv_embed_sql(FOLDER OUT)
#
# writes OUT/kv_sql.h and OUT/kv_sql.c. Whatever happens in the folder (a file
# edited, added, removed) configures anew. Texts are read with file(READ), as
# file(STRINGS) and lists break at `;` and `[`.

set(KV_SQL_TEMPLATES "${CMAKE_CURRENT_LIST_DIR}")

# One text as C string literals, a line each, without the comment before it: a
# host may have SQLite refuse comments (SQLITE_DBCONFIG_ENABLE_COMMENTS).
function(kv_sql_literal FILE OUT)
  file(READ "${FILE}" text)
  string(REPLACE "\r\n" "\n" text "${text}")
  string(REGEX REPLACE "^(--[^\n]*\n)+" "" text "${text}")
  string(REGEX REPLACE "\n+$" "" text "${text}")
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "?" "\\?" text "${text}") # no trigraphs
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  set(${OUT} "\"${text}\"" PARENT_SCOPE)
endfunction()

function(kv_embed_sql FOLDER OUT)
  file(GLOB files CONFIGURE_DEPENDS "${FOLDER}/*.sql")
  list(SORT files)
  set(KV_SQL_CONSTANTS "")
  set(KV_SQL_ENTRIES "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    get_filename_component(name "${file}" NAME_WE)
    if(NOT file MATCHES "/[a-z][a-z0-9_]*\\.sql$")
      message(FATAL_ERROR "${file}: name it in a-z, 0-9 and _, as in C")
    endif()
    string(TOUPPER "${name}" constant)
    kv_sql_literal("${file}" literal)
    string(APPEND KV_SQL_CONSTANTS "  KV_SQL_${constant},\n")
    string(APPEND KV_SQL_ENTRIES
      "  [KV_SQL_${constant}] = {\n    \"${name}\",\n    ${literal}},\n")
  endforeach()
  configure_file("${KV_SQL_TEMPLATES}/kv_sql.h.in" "${OUT}/kv_sql.h" @ONLY)
  configure_file("${KV_SQL_TEMPLATES}/kv_sql.c.in" "${OUT}/kv_sql.c" @ONLY)
endfunction()
