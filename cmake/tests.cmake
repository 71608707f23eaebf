# The tests, by what they are written in:
#
#   tests/unit/<folder>/test_<room>.c
#                                unit_<room>     cmocka, against the C
#   tests/foreign/test_<name>.c  unit_<name>     the same, of logs
#   tests/golden/<name>.sql, sh  golden_<name>   transcripts of the shell
#   tests/python/test_<name>.py  python_<name>   unittest, against the module
#   tests/lifecycle/             python_lifecycle_model, without the module, and
#                                python_lifecycle_replay_*, with it
#   tests/build/<name>.sh        build_<name>    what the build makes
#   tests/fault/test_<name>.c    fault_<name>    crashes and faults
#   tests/fuzz/fuzz_<name>.c     fuzz_<name>     any bytes: see fuzz.cmake
#   tests/reports/test_<name>.py reports_<name>  unittest, in a browser
#
# ctest -L unit (golden, python, build, fault, fuzz, reports) runs one kind;
# ctest -L quick runs those that are quick and cover most, in half a minute.

# Slow unit and golden tests, which are not in the quick round, and Python tests
# that are.
set(kv_slow unit_snapshots golden_query_plans golden_typed_deletes
  golden_typed_merges)
set(kv_quick_python cache_damaged clock foreign_states history_changes host
  lifecycle_reading loading observer paths publish recovery seen twins twins_clones)

function(kv_label NAME KIND) # the label KIND, and quick where it is that
  set(labels "${KIND}")
  string(REGEX REPLACE "^python_" "" file "${NAME}")
  if((KIND MATCHES "^(unit|golden)$" AND NOT NAME IN_LIST kv_slow)
      OR (KIND STREQUAL "python" AND file IN_LIST kv_quick_python)
      OR NAME MATCHES "^build_(amalgamation|floors|rooms)$")
    list(APPEND labels quick)
  endif()
  set_tests_properties(${NAME} PROPERTIES LABELS "${labels}")
endfunction()

foreach(file IN LISTS kv_quick_python)
  if(NOT EXISTS "${PROJECT_SOURCE_DIR}/tests/python/test_${file}.py")
    message(FATAL_ERROR "kv_quick_python: there is no test_${file}.py")
  endif()
endforeach()

# Unit tests sync many small files, which costs nothing in memory. Their large
# values need room there.
set(kv_unit_env "")
if(NOT DEFINED ENV{TMPDIR} AND IS_DIRECTORY /dev/shm)
  execute_process(COMMAND df -Pm /dev/shm OUTPUT_VARIABLE kv_df ERROR_QUIET)
  if(kv_df MATCHES " ([0-9]+) +[0-9]+% " AND CMAKE_MATCH_1 GREATER 1000)
    set(kv_unit_env TMPDIR=/dev/shm)
  endif()
endif()

# If something that a kind needs is missing, a test missing_<what> says how to
# get it. It is skipped, and ctest's last lines name it; with KV_REQUIRE_ALL it
# fails, so that nobody takes that for success.
function(kv_missing WHAT WHERE)
  set(text "${WHAT} is not here, which some tests need: install ${WHERE}")
  message(NOTICE "${text}")
  add_test(NAME "missing_${WHAT}" COMMAND "${CMAKE_COMMAND}" -E echo "${text}")
  if(KV_REQUIRE_ALL)
    set(as FAIL_REGULAR_EXPRESSION)
  else()
    set(as SKIP_REGULAR_EXPRESSION)
  endif()
  set_tests_properties("missing_${WHAT}" PROPERTIES ${as} "is not here")
endfunction()

# Stock programs load a sanitized module only after its runtime.
set(KV_PRELOAD "")
if(KV_SANITIZE MATCHES "address" AND UNIX AND NOT APPLE)
  if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    set(kv_runtime "libclang_rt.asan-${CMAKE_SYSTEM_PROCESSOR}.so")
  else()
    set(kv_runtime libasan.so)
  endif()
  execute_process(
    COMMAND "${CMAKE_C_COMPILER}" "-print-file-name=${kv_runtime}"
    OUTPUT_VARIABLE KV_PRELOAD OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()

# Unit tests: all of the C linked to SQLite, with assertions.
file(GLOB kv_unit CONFIGURE_DEPENDS
  tests/unit/*/test_*.c tests/foreign/test_*.c)
if(NOT WIN32)
  list(FILTER kv_unit EXCLUDE REGEX "_windows\\.c$")
endif()
file(GLOB kv_support CONFIGURE_DEPENDS tests/support/*.c)
find_path(KV_CMOCKA_INCLUDE_DIR cmocka.h)
find_library(KV_CMOCKA_LIBRARY cmocka)
mark_as_advanced(KV_CMOCKA_INCLUDE_DIR KV_CMOCKA_LIBRARY)
if(NOT KV_CMOCKA_INCLUDE_DIR OR NOT KV_CMOCKA_LIBRARY)
  kv_missing(cmocka "libcmocka-dev (Debian), libcmocka-devel (Fedora)")
elseif(NOT KV_SQLITE3_LIBRARY)
  kv_missing(libsqlite3 "libsqlite3-dev (Debian), sqlite-devel (Fedora)")
else()
  add_library(kv_for_tests STATIC ${KV_SOURCES} ${kv_support})
  target_compile_definitions(kv_for_tests PUBLIC SQLITE_CORE)
  target_compile_options(kv_for_tests PUBLIC -UNDEBUG)
  target_include_directories(kv_for_tests PUBLIC "${PROJECT_SOURCE_DIR}/tests")
  target_include_directories(kv_for_tests SYSTEM PUBLIC
    "${KV_CMOCKA_INCLUDE_DIR}")
  target_link_libraries(kv_for_tests PUBLIC
    kv_flags "${KV_CMOCKA_LIBRARY}" "${KV_SQLITE3_LIBRARY}")
  add_custom_target(unit_tests) # all of them, and nothing else
  foreach(file IN LISTS kv_unit)
    get_filename_component(target "${file}" NAME_WE)
    string(REGEX REPLACE "^test_" "unit_" name "${target}")
    add_executable(${target} "${file}")
    target_link_libraries(${target} PRIVATE kv_for_tests)
    add_dependencies(unit_tests ${target})
    add_test(NAME ${name} COMMAND ${target})
    set_tests_properties(${name} PROPERTIES TIMEOUT 300
      ENVIRONMENT "${kv_unit_env}")
    kv_label(${name} unit)
  endforeach()

  # The program that test_tables_fold.py asks.
  add_executable(fold_rows tests/tables/fold_rows.c)
  target_link_libraries(fold_rows PRIVATE kv_for_tests)

  # The same C, with faults around it.
  foreach(name hostile_host long_life random_sql threads test_nomem_session test_nomem_statements)
    set(target ${name})
    string(REGEX REPLACE "^test_" "" name "${name}")
    add_executable(fault_${name} tests/fault/${target}.c)
    if(name MATCHES "^nomem")
      target_sources(fault_${name} PRIVATE tests/fault/nomem.c)
    endif()
    if(name STREQUAL "nomem_statements")
      target_sources(fault_${name} PRIVATE tests/fault/nomem_cases.c
        tests/fault/nomem_life.c tests/fault/nomem_typed.c)
    endif()
    target_link_libraries(fault_${name} PRIVATE kv_for_tests)
    add_test(NAME fault_${name} COMMAND fault_${name})
    set_tests_properties(fault_${name} PROPERTIES LABELS fault TIMEOUT 900)
  endforeach()

  # Crashes and faults: what the C does to files goes through vfs_*.c.
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    file(GLOB kv_fault CONFIGURE_DEPENDS tests/fault/test_crash*.c
      tests/fault/test_power*.c tests/fault/test_io*.c)
    file(GLOB kv_fault_vfs CONFIGURE_DEPENDS tests/fault/vfs_*.c)
    add_library(kv_fault_vfs STATIC ${kv_fault_vfs})
    target_link_libraries(kv_fault_vfs PUBLIC kv_for_tests)
    foreach(call lstat lstat64 fstatat fstatat64 opendir mkdir rename fsync)
      target_link_libraries(kv_fault_vfs PUBLIC "-Wl,--wrap=${call}")
    endforeach()
    foreach(file IN LISTS kv_fault)
      get_filename_component(target "${file}" NAME_WE)
      string(REGEX REPLACE "^test_" "fault_" name "${target}")
      add_executable(${target} "${file}")
      target_link_libraries(${target} PRIVATE kv_fault_vfs)
      add_test(NAME ${name} COMMAND ${target})
      set_tests_properties(${name} PROPERTIES LABELS fault TIMEOUT 900)
    endforeach()
  endif()
endif()

include(cmake/fuzz.cmake)

# Golden transcripts.
find_program(KV_SQLITE3_SHELL sqlite3
  HINTS ${kv_sqlite3_hints} PATH_SUFFIXES bin)
mark_as_advanced(KV_SQLITE3_SHELL)
if(KV_SQLITE3_SHELL)
  file(GLOB kv_golden CONFIGURE_DEPENDS tests/golden/*.sql tests/golden/*.sh
    tests/golden_logs/*.sh)
  list(FILTER kv_golden EXCLUDE REGEX "/run\\.sh$")
  foreach(file IN LISTS kv_golden)
    get_filename_component(name "${file}" NAME_WE)
    add_test(NAME golden_${name} COMMAND sh
      "${PROJECT_SOURCE_DIR}/tests/golden/run.sh" $<TARGET_FILE:kv> "${file}")
    set_tests_properties(golden_${name} PROPERTIES TIMEOUT 300
      ENVIRONMENT "KV_PRELOAD=${KV_PRELOAD};SQLITE3=${KV_SQLITE3_SHELL}")
    kv_label(golden_${name} golden)
  endforeach()
else()
  kv_missing(sqlite3 "sqlite3 (Debian), sqlite (Fedora, Homebrew)")
endif()

# Python tests.
function(kv_find_python OUT)
  foreach(name /usr/bin/python3 python3 python3.13 python3.12 python3.11
      python3.10 python3.9)
    find_program(found ${name})
    if(found)
      execute_process(COMMAND "${found}" -c
        "import sqlite3; sqlite3.connect(':memory:').enable_load_extension(1)"
        RESULT_VARIABLE rc OUTPUT_QUIET ERROR_QUIET)
      if(rc EQUAL 0)
        set(${OUT} "${found}" CACHE FILEPATH "Python that loads extensions")
        break()
      endif()
    endif()
    unset(found CACHE)
  endforeach()
  unset(found CACHE)
endfunction()

if(NOT KV_PYTHON)
  kv_find_python(KV_PYTHON)
endif()
mark_as_advanced(KV_PYTHON)
if(KV_PYTHON)
  # A later version, whose caches have another format, and whose clock can be set.
  add_library(kv_next MODULE ${KV_SOURCES})
  target_compile_definitions(kv_next PRIVATE KV_CACHE_FORMAT=1000)
  if(UNIX)
    target_sources(kv_next PRIVATE tests/lifecycle/clock.c)
    target_compile_options(kv_next PRIVATE
      -include "${PROJECT_SOURCE_DIR}/tests/lifecycle/clock.h")
  endif()
  target_link_libraries(kv_next PRIVATE kv_flags)
  set_target_properties(kv_next PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY "$<1:${PROJECT_BINARY_DIR}>")
  file(GLOB kv_python CONFIGURE_DEPENDS tests/python/test_*.py)
  set(kv_python_env "KV_MODULE=${PROJECT_BINARY_DIR}/kv"
    "KV_NEXT=${PROJECT_BINARY_DIR}/kv_next"
    "KV_FOLD_ROWS=${PROJECT_BINARY_DIR}/fold_rows"
    PYTHONDONTWRITEBYTECODE=1)
  if(KV_PRELOAD)
    # The interpreter leaks by design; leaks show in the other kinds.
    list(APPEND kv_python_env "LD_PRELOAD=${KV_PRELOAD}"
      ASAN_OPTIONS=detect_leaks=0)
  endif()
  foreach(file IN LISTS kv_python)
    get_filename_component(name "${file}" NAME_WE)
    string(REGEX REPLACE "^test_" "python_" name "${name}")
    add_test(NAME ${name} COMMAND "${KV_PYTHON}" "${file}")
    set_tests_properties(${name} PROPERTIES TIMEOUT 1800
      ENVIRONMENT "${kv_python_env}")
    kv_label(${name} python)
  endforeach()
  # The rules for the life of a log, in a model without the module.
  add_test(NAME python_lifecycle_model COMMAND "${KV_PYTHON}"
    "${PROJECT_SOURCE_DIR}/tests/lifecycle/model.py" test 300)
  set_tests_properties(python_lifecycle_model PROPERTIES LABELS python
    TIMEOUT 1800 ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
  if(UNIX)
    # The same schedules with the module, in two parts; KV_REPLAYS is another number
    # of them.
    foreach(part 1 2)
      set(name python_lifecycle_replay_${part})
      add_test(NAME ${name} COMMAND "${KV_PYTHON}"
        "${PROJECT_SOURCE_DIR}/tests/lifecycle/replay.py" test 140 ${part}/2)
      set_tests_properties(${name} PROPERTIES LABELS python
        TIMEOUT 3600 ENVIRONMENT "${kv_python_env}")
    endforeach()
    add_test(NAME fault_kill COMMAND "${KV_PYTHON}"
      "${PROJECT_SOURCE_DIR}/tests/fault/kill.py" 40)
    add_test(NAME fault_disk COMMAND "${KV_PYTHON}"
      "${PROJECT_SOURCE_DIR}/tests/fault/disk.py")
    set_tests_properties(fault_kill fault_disk PROPERTIES LABELS fault
      TIMEOUT 1800 ENVIRONMENT "${kv_python_env}")
  endif()
else()
  kv_missing(python3 "a python3 whose sqlite3 has enable_load_extension")
endif()

# Reports in a browser.
find_program(KV_CHROMIUM NAMES chromium chromium-browser google-chrome)
mark_as_advanced(KV_CHROMIUM)
if(NOT KV_CHROMIUM)
  kv_missing(chromium "chromium (Debian, Fedora, Homebrew)")
elseif(KV_PYTHON AND KV_SQLITE3_SHELL)
  file(GLOB kv_reports CONFIGURE_DEPENDS tests/reports/test_*.py)
  foreach(file IN LISTS kv_reports)
    get_filename_component(name "${file}" NAME_WE)
    string(REGEX REPLACE "^test_" "reports_" name "${name}")
    add_test(NAME ${name} COMMAND "${KV_PYTHON}" "${file}")
    set(kv_reports_env "KV_MODULE_FILE=$<TARGET_FILE:kv>"
      "KV_PRELOAD=${KV_PRELOAD}" "SQLITE3=${KV_SQLITE3_SHELL}"
      "CHROMIUM=${KV_CHROMIUM}" PYTHONDONTWRITEBYTECODE=1)
    set_tests_properties(${name} PROPERTIES LABELS reports TIMEOUT 300
      ENVIRONMENT "${kv_reports_env}")
  endforeach()
endif()

# What is built.
if(UNIX AND NOT APPLE)
  file(GLOB kv_build CONFIGURE_DEPENDS tests/build/*.sh)
  if(KV_AMALGAMATION) # one object has no floors
    list(FILTER kv_build EXCLUDE REGEX "/floors\\.sh$")
  endif()
  if(NOT TARGET amalgamation) # no python3, which has its own word above
    list(FILTER kv_build EXCLUDE REGEX "/amalgamation")
  endif()
  set(kv_build_includes "")
  foreach(dir IN LISTS KV_INCLUDE_DIRS)
    string(APPEND kv_build_includes " -I${dir}")
  endforeach()
  foreach(file IN LISTS kv_build)
    get_filename_component(name "${file}" NAME_WE)
    add_test(NAME build_${name} COMMAND sh "${file}")
    set(kv_build_env "KV_SOURCE=${PROJECT_SOURCE_DIR}"
      "KV_BUILD=${PROJECT_BINARY_DIR}" "KV_MODULE_FILE=$<TARGET_FILE:kv>"
      "KV_PRELOAD=${KV_PRELOAD}" "SQLITE3=${KV_SQLITE3_SHELL}"
      "KV_CONFIG=$<CONFIG>" "CC=${CMAKE_C_COMPILER}"
      "KV_INCLUDES=${kv_build_includes}" "KV_LIBRARY=${KV_SQLITE3_LIBRARY}")
    kv_label(build_${name} build)
    set_tests_properties(build_${name} PROPERTIES TIMEOUT 600
      SKIP_RETURN_CODE 77 ENVIRONMENT "${kv_build_env}")
  endforeach()
endif()
if(NOT KV_CLANG_FORMAT)
  kv_missing(clang-format-14 "clang-format-14 (Debian); others format otherwise")
elseif(kv_formatted)
  add_test(NAME format_check
    COMMAND "${KV_CLANG_FORMAT}" --dry-run -Werror ${kv_formatted})
endif()
