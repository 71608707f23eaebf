# cmake --build build --target format; the test format_check says if it is
# needed. One version decides: others format differently.

find_program(KV_CLANG_FORMAT clang-format-14)
mark_as_advanced(KV_CLANG_FORMAT)
file(GLOB kv_formatted CONFIGURE_DEPENDS ext/*.[ch] ext/*/*.[ch]
  tests/*/*.[ch] tests/*/*/*.[ch] examples/*.[ch] examples/*/*.[ch])
if(KV_CLANG_FORMAT AND kv_formatted)
  add_custom_target(format
    COMMAND "${KV_CLANG_FORMAT}" -i ${kv_formatted} VERBATIM)
endif()
