# cmake --build build --target bench
#
# prints how kv compares with plain tables; tests/bench/README.md. Always
# optimized and without sanitizers, whatever the build is. The test bench_smoke
# runs every operation once, with few rows, and asserts no time.

if(NOT UNIX OR NOT KV_SQLITE3_LIBRARY)
  return()
endif()

file(GLOB kv_bench CONFIGURE_DEPENDS tests/bench/*.c)
get_target_property(kv_bench_options kv_flags INTERFACE_COMPILE_OPTIONS)
list(FILTER kv_bench_options EXCLUDE REGEX "^-fsanitize|^-fno-sanitize")
get_target_property(kv_bench_definitions kv_flags INTERFACE_COMPILE_DEFINITIONS)
get_target_property(kv_bench_includes kv_flags INTERFACE_INCLUDE_DIRECTORIES)

add_executable(kv_bench ${KV_SOURCES} ${kv_bench})
target_compile_options(kv_bench PRIVATE ${kv_bench_options} -O2)
target_compile_definitions(kv_bench PRIVATE SQLITE_CORE NDEBUG
  ${kv_bench_definitions} _XOPEN_SOURCE=700
  "KV_BENCH_SOURCE=\"${PROJECT_SOURCE_DIR}\"")
target_include_directories(kv_bench PRIVATE ${kv_bench_includes})
target_include_directories(kv_bench SYSTEM PRIVATE ${KV_INCLUDE_DIRS})
target_link_libraries(kv_bench PRIVATE "${KV_SQLITE3_LIBRARY}" m)

add_custom_target(bench COMMAND kv_bench USES_TERMINAL
  WORKING_DIRECTORY "${PROJECT_BINARY_DIR}")

# A sanitized build has nothing to measure, and would compile everything twice.
if(KV_SANITIZE)
  set_target_properties(kv_bench PROPERTIES EXCLUDE_FROM_ALL ON)
else()
  add_test(NAME bench_smoke COMMAND kv_bench --keys=500
    "--names=${PROJECT_SOURCE_DIR}/CHANGELOG.md" --many=500
    --values=16 --versions=2 --cache=temp,persistent --devices=5 --rounds=1
    --hasty)
  set_tests_properties(bench_smoke PROPERTIES LABELS bench TIMEOUT 300)
endif()
