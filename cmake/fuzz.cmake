# Fuzz targets: tests/fuzz/fuzz_<name>.c. With libFuzzer (clang, without other
# sanitizers) they are sanitized and run for KV_FUZZ_SECONDS, starting from the
# inputs in tests/fuzz/corpus/<name>; with other compilers they run on those
# inputs alone.
include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -fsanitize=fuzzer)
set(CMAKE_REQUIRED_QUIET ON)
check_c_source_compiles("#include <stddef.h>
#include <stdint.h>
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n) { return !p && n; }"
  KV_HAS_FUZZER)
unset(CMAKE_REQUIRED_FLAGS)
unset(CMAKE_REQUIRED_QUIET)
set(KV_FUZZ_SECONDS 60 CACHE STRING "How long each fuzz target is run")
math(EXPR kv_fuzz_timeout "${KV_FUZZ_SECONDS} + 240")
file(GLOB kv_fuzz CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
if(CMAKE_C_COMPILER_ID MATCHES "Clang" AND NOT KV_SANITIZE
    AND NOT KV_HAS_FUZZER)
  kv_missing(libFuzzer "libclang-rt-14-dev (Debian), compiler-rt (Fedora)")
endif()
if(TARGET kv_for_tests AND KV_HAS_FUZZER AND NOT KV_SANITIZE)
  add_library(kv_for_fuzz STATIC ${KV_SOURCES} ${kv_support})
  target_compile_definitions(kv_for_fuzz PUBLIC SQLITE_CORE KV_SNAPSHOT_WAIT=0)
  target_compile_options(kv_for_fuzz PUBLIC -UNDEBUG -fno-omit-frame-pointer
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  target_link_options(kv_for_fuzz PUBLIC -fsanitize=fuzzer,address,undefined)
  target_include_directories(kv_for_fuzz PUBLIC "${PROJECT_SOURCE_DIR}/tests")
  target_include_directories(kv_for_fuzz SYSTEM PUBLIC
    "${KV_CMOCKA_INCLUDE_DIR}")
  target_link_libraries(kv_for_fuzz PUBLIC
    kv_flags "${KV_CMOCKA_LIBRARY}" "${KV_SQLITE3_LIBRARY}")
endif()
if(TARGET kv_for_tests AND UNIX)
  foreach(file IN LISTS kv_fuzz)
    get_filename_component(name "${file}" NAME_WE)
    string(REGEX REPLACE "^fuzz_" "" corpus "${name}")
    set(words "${PROJECT_SOURCE_DIR}/tests/fuzz/${corpus}.dict")
    set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus}")
    if(TARGET kv_for_fuzz)
      add_executable(${name} "${file}")
      target_link_libraries(${name} PRIVATE kv_for_fuzz)
      # New inputs go into the first folder, not into the corpus.
      file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/corpus/${name}")
      set(options "")
      if(EXISTS "${words}")
        set(options "-dict=${words}")
      endif()
      add_test(NAME ${name} COMMAND ${name} -max_total_time=${KV_FUZZ_SECONDS}
        -timeout=20 -len_control=0 -max_len=300 -verbosity=0
        -print_final_stats=1 ${options}
        "${PROJECT_BINARY_DIR}/corpus/${name}" "${corpus}")
    else()
      add_executable(${name} "${file}" tests/fuzz/replay.c)
      target_link_libraries(${name} PRIVATE kv_for_tests)
      add_test(NAME ${name} COMMAND ${name} "${corpus}")
    endif()
    set_tests_properties(${name} PROPERTIES LABELS fuzz
      TIMEOUT ${kv_fuzz_timeout})
  endforeach()
endif()
