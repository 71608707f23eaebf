# The SQL texts in C. A file of sql/ has the statements of one room, each below a
# line with its name and the sentences that say what it is for:
#
#   -- name: cache_get
#   -- The latest row of a key.
#   SELECT ...;
#
# Each becomes a constant named after it: KV_SQL_CACHE_GET. A text with a line
#
#   -- variants: _to _desc
#
# below its name is several: cache_get, cache_get_to, cache_get_desc. Only those
# whose name has _to have what is in {to: ...}; in those whose name has _desc, {asc}
# is DESC and {desc} is not there, in others it is the other way round.
#
# What is said in many texts is a hole in them, which has a name with parameters:
#
#   -- hole: rows {n} of {c}
#   -- The rows n of the key of row c.
#   {n}.key = {c}.key
#
# stands for {rows n of c} in all texts, and in other holes. {old.rows n of c}
# is the same with `old.` in all holes of it. Other holes, such as {cache}, are
# filled by kv_stmt_fill() for each store.
#
#   kv_embed_sql(FOLDER OUT)
#
# writes OUT/kv_sql.h and OUT/kv_sql.c; and OUT/kv_sql.sql, for tests: all texts
# as they are in C, in the order of their names. Any change in the folder (a
# file edited, added, removed) configures the build again. Texts are read with
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
# if TEXT has no MARK.
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

# The variant of a text whose name ends with SUFFIX.
function(kv_sql_variant TEXT SUFFIX OUT)
  if(SUFFIX MATCHES "_to")
    string(REGEX REPLACE "{to: ([^}]*)}" "\\1" text "${TEXT}")
  else()
    string(REGEX REPLACE " {to: [^}]*}" "" text "${TEXT}")
  endif()
  if(SUFFIX MATCHES "_desc")
    string(REPLACE " {desc}" "" text "${text}")
    string(REPLACE "{asc}" "DESC" text "${text}")
  else()
    string(REPLACE " {asc}" "" text "${text}")
    string(REPLACE "{desc}" "DESC" text "${text}")
  endif()
  set(${OUT} "${text}" PARENT_SCOPE)
endfunction()

# A hole: what matches it in a text, and what then takes its place. Parameters
# become groups in the first, and \1 and so on in the second.
function(kv_sql_hole NAME TEXT PATTERN OUT)
  string(REPLACE "\\" "\\\\" text "${TEXT}")
  set(pattern "${NAME}")
  string(REGEX MATCHALL "{[a-z]+}" parameters "${NAME}")
  set(n 0)
  foreach(parameter IN LISTS parameters)
    math(EXPR n "${n} + 1")
    string(REPLACE "${parameter}" "([a-z]+)" pattern "${pattern}")
    string(REPLACE "${parameter}" "\\${n}" text "${text}")
  endforeach()
  set(${PATTERN} "${pattern}" PARENT_SCOPE)
  set(${OUT} "${text}" PARENT_SCOPE)
endfunction()

# A text with its holes filled, which are in pattern_N and hole_N, and then those
# that came with them.
function(kv_sql_fill TEXT OUT)
  set(text "${TEXT}")
  set(before "")
  set(n_passes 0)
  while(NOT text STREQUAL before)
    set(before "${text}")
    math(EXPR n_passes "${n_passes} + 1")
    if(n_passes GREATER 9)
      message(FATAL_ERROR "${name}: a hole has itself")
    endif()
    foreach(i IN LISTS holes)
      set(pattern "${pattern_${i}}")
      set(hole "${hole_${i}}")
      string(REGEX REPLACE "{${pattern}}" "${hole}" text "${text}")
      string(REPLACE "{" "{old." hole "${hole}")
      string(REGEX REPLACE "{old\\.${pattern}}" "${hole}" text "${text}")
    endforeach()
  endwhile()
  set(${OUT} "${text}" PARENT_SCOPE)
endfunction()

function(kv_embed_sql FOLDER OUT)
  file(GLOB files CONFIGURE_DEPENDS "${FOLDER}/*.sql")
  list(SORT files)
  set(names "")
  set(holes "")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
    file(READ "${file}" rest)
    string(REPLACE "\r\n" "\n" rest "\n${rest}")
    string(REPLACE "\n-- hole: " "\n-- name: hole: " rest "${rest}")
    kv_sql_cut("${rest}" "\n-- name: " block rest)
    if(block MATCHES "\n[^-\n]")
      message(FATAL_ERROR "${file}: a statement before the first `-- name: `")
    endif()
    while(NOT rest STREQUAL "")
      kv_sql_cut("${rest}" "\n-- name: " block rest)
      kv_sql_cut("${block}" "\n" name text)
      set(suffixes "")
      if(text MATCHES "^-- variants: ([^\n]*)")
        string(REPLACE " " ";" suffixes "${CMAKE_MATCH_1}")
      endif()
      # Without the comment: a host may have SQLite refuse comments
      # (SQLITE_DBCONFIG_ENABLE_COMMENTS).
      string(REGEX REPLACE "^(--[^\n]*\n)+" "" text "${text}")
      string(REGEX REPLACE "\n+$" "" text "${text}")
      if(text STREQUAL "")
        message(FATAL_ERROR "${file}: ${name} has no text")
      endif()
      if(name MATCHES "^hole: ([a-z]+( [a-z]+| {[a-z]+})+)$")
        list(LENGTH holes n)
        list(APPEND holes ${n})
        kv_sql_hole("${CMAKE_MATCH_1}" "${text}" pattern_${n} hole_${n})
        continue()
      endif()
      if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
        message(FATAL_ERROR
          "${file}: `${name}` is to be a name of a-z, 0-9 and _, as in C")
      endif()
      foreach(suffix IN ITEMS "" ${suffixes})
        if(NOT suffix MATCHES "^(_to)?(_desc)?$")
          message(FATAL_ERROR "${file}: ${name} cannot have variant ${suffix}")
        elseif("${name}${suffix}" IN_LIST names)
          message(FATAL_ERROR
            "${file}: there is another text named ${name}${suffix}")
        endif()
        list(APPEND names "${name}${suffix}")
        kv_sql_variant("${text}" "${suffix}" text_${name}${suffix})
      endforeach()
    endwhile()
  endforeach()

  list(SORT names)
  set(KV_SQL_CONSTANTS "")
  set(KV_SQL_ENTRIES "")
  set(all "")
  foreach(name IN LISTS names)
    string(TOUPPER "${name}" constant)
    kv_sql_fill("${text_${name}}" text)
    kv_sql_literal("${text}" literal)
    string(APPEND KV_SQL_CONSTANTS "  KV_SQL_${constant},\n")
    string(APPEND KV_SQL_ENTRIES
      "  [KV_SQL_${constant}] = {\n    \"${name}\",\n    ${literal}},\n")
    string(APPEND all "-- name: ${name}\n${text}\n")
  endforeach()
  configure_file("${KV_SQL_TEMPLATES}/kv_sql.h.in" "${OUT}/kv_sql.h" @ONLY)
  configure_file("${KV_SQL_TEMPLATES}/kv_sql.c.in" "${OUT}/kv_sql.c" @ONLY)
  file(WRITE "${OUT}/kv_sql.sql" "${all}")
endfunction()
