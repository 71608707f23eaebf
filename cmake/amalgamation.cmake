# cmake --build build --target amalgamation
#
# writes amalgamation/kv.c and kv.h into the build folder: all of KV_SOURCES in
# one file, with xxHash, for those who compile their own SQLite. With
# KV_AMALGAMATION everything is built from that file.

find_package(Python3 COMPONENTS Interpreter QUIET)
if(NOT Python3_Interpreter_FOUND)
  if(KV_AMALGAMATION)
    message(FATAL_ERROR "KV_AMALGAMATION: there is no python3 to write it.")
  endif()
  return()
endif()

set(kv_amalgamation_dir "${PROJECT_BINARY_DIR}/amalgamation")
set(kv_amalgamation_command
  "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/cmake/amalgamation.py"
  --version "${PROJECT_VERSION}" --license "${PROJECT_SOURCE_DIR}/LICENSE"
  --xxhash "${KV_XXHASH_INCLUDE_DIR}/xxhash.h"
  --header "${PROJECT_SOURCE_DIR}/ext/kv.h" --out "${kv_amalgamation_dir}"
  -I "${PROJECT_SOURCE_DIR}/ext" -I "${KV_GENERATED}" ${KV_SOURCES})

add_custom_target(amalgamation COMMAND ${kv_amalgamation_command} VERBATIM)

# While configuring, as the SQL texts: many targets compile it.
if(KV_AMALGAMATION)
  execute_process(COMMAND ${kv_amalgamation_command} RESULT_VARIABLE rc)
  if(NOT rc EQUAL 0)
    message(FATAL_ERROR "KV_AMALGAMATION: it was not written.")
  endif()
  file(GLOB kv_headers CONFIGURE_DEPENDS ext/*.h ext/*/*.h)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${KV_SOURCES} ${kv_headers} LICENSE cmake/amalgamation.py)
  set(KV_SOURCES "${kv_amalgamation_dir}/kv.c")
endif()
