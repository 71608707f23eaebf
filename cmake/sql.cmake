# The SQL texts in C. A file of sql/ has the statements of one room, each below a
# line with its name and the sentences that say what it is for:
#
#   -- name: cache_get
#   -- The latest row of a key.
#   SELECT ...;
#
# Each becomes a constant named after it: KV_SQL_CACHE_GET.
#
#   kv_embed_sql(FOLDER OUT)
#
# writes OUT/kv_sql.h and OUT/kv_sql.c; and OUT/kv_sql.sql, for tests: all texts
# as they are in C, in the order of their names. Whatever happens in the folder
# (a file edited, added, removed) configures anew. Texts are read with
# file(READ), as file(STRINGS) and lists break at `;` and `[`.

set(KV_SQL_TEMPLATES "${CMAKE_CURRENT_LIST_DIR}")

# One text as C string literals, a line each.
function(kv_sql_literal TEXT OUT)
  string(REPLACE "\\" "\\\\" text "${TEXT}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "?" "\\?" text "${text}") # no trigraphs
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  set(${OUT} "\"${text}\"" PARENT_SCOPE)
endfunction()

# What is before the first MARK in TEXT, and what is behind it; BEHIND is empty
# if there is none.
function(kv_sql_cut TEXT MARK BEFORE BEHIND)
  string(FIND "${TEXT}" "${MARK}" at)
  string(SUBSTRING "${TEXT}" 0 ${at} before)
  set(behind "")
  if(NOT at EQUAL -1)
    string(LENGTH "${MARK}" n)
    math(EXPR at "${at} + ${n}")
    string(SUBSTRING "${TEXT}" ${at} -1 behind)
  endif()
  set(${BEFORE} "${before}" PARENT_SCOPE)
  set(${BEHIND} "${behind}" PARENT_SCOPE)
endfunction()

function(kv_embed_sql FOLDER OUT)
  file(GLOB files CONFIGURE_DEPENDS "${FOLDER}/*.sql")
  list(SORT files)
  set(names "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" rest)
    string(REPLACE "\r\n" "\n" rest "${rest}")
    kv_sql_cut("\n${rest}" "\n-- name: " block rest)
    if(block MATCHES "\n[^-\n]")
      message(FATAL_ERROR "${file}: a statement before the first `-- name: `")
    endif()
    while(NOT rest STREQUAL "")
      kv_sql_cut("${rest}" "\n-- name: " block rest)
      kv_sql_cut("${block}" "\n" name text)
      # Without the comment: a host may have SQLite refuse comments
      # (SQLITE_DBCONFIG_ENABLE_COMMENTS).
      string(REGEX REPLACE "^(--[^\n]*\n)+" "" text "${text}")
      string(REGEX REPLACE "\n+$" "" text "${text}")
      if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
        message(FATAL_ERROR
          "${file}: `${name}` is to be a name of a-z, 0-9 and _, as in C")
      elseif(name IN_LIST names)
        message(FATAL_ERROR "${file}: there is another text named ${name}")
      elseif(text STREQUAL "")
        message(FATAL_ERROR "${file}: ${name} has no text")
      endif()
      list(APPEND names "${name}")
      set(text_${name} "${text}")
    endwhile()
  endforeach()

  list(SORT names)
  set(KV_SQL_CONSTANTS "")
  set(KV_SQL_ENTRIES "")
  set(all "")
  foreach(name IN LISTS names)
    string(TOUPPER "${name}" constant)
    kv_sql_literal("${text_${name}}" literal)
    string(APPEND KV_SQL_CONSTANTS "  KV_SQL_${constant},\n")
    string(APPEND KV_SQL_ENTRIES
      "  [KV_SQL_${constant}] = {\n    \"${name}\",\n    ${literal}},\n")
    string(APPEND all "-- name: ${name}\n${text_${name}}\n")
  endforeach()
  configure_file("${KV_SQL_TEMPLATES}/kv_sql.h.in" "${OUT}/kv_sql.h" @ONLY)
  configure_file("${KV_SQL_TEMPLATES}/kv_sql.c.in" "${OUT}/kv_sql.c" @ONLY)
  file(WRITE "${OUT}/kv_sql.sql" "${all}")
endfunction()
