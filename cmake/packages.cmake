# cmake -S . -B build-packages -DKV_PACKAGES=ON
# cmake --build build-packages --target packages
#
# makes packages/ in the build folder: a Debian package (where its tools are), a
# wheel for Python, two packages for npm, an archive with sqlpkg.json, the one
# file, and the sources. Their parts are in cmake/packages/.

if(NOT KV_PACKAGES)
  return()
endif()
if(NOT TARGET amalgamation)
  message(FATAL_ERROR "KV_PACKAGES: there is no python3 to write them.")
endif()

set(kv_packages "${PROJECT_SOURCE_DIR}/cmake/packages")
set(kv_packages_out "${PROJECT_BINARY_DIR}/packages")

# The binaries run on systems that are older than this one.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_sources(kv PRIVATE "${kv_packages}/old_glibc.c")
  target_link_options(kv PRIVATE -Wl,--wrap=stat64 -Wl,--wrap=lstat64
    -Wl,--wrap=fstatat64)
endif()

# Debian. cmake/install.cmake says where the module goes.
find_program(KV_SHLIBDEPS dpkg-shlibdeps)
mark_as_advanced(KV_SHLIBDEPS)
set(kv_debian COMMAND "${CMAKE_COMMAND}" -E echo "no Debian package")
if(KV_SHLIBDEPS AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  set(package libsqlite3-mod-kv)
  set(doc "${CMAKE_INSTALL_DATAROOTDIR}/doc/${package}")
  execute_process(COMMAND gzip -9n
    INPUT_FILE "${PROJECT_SOURCE_DIR}/CHANGELOG.md"
    OUTPUT_FILE "${PROJECT_BINARY_DIR}/changelog.gz")
  install(FILES "${PROJECT_BINARY_DIR}/changelog.gz" "${kv_packages}/copyright"
    DESTINATION "${doc}")
  set(CPACK_GENERATOR DEB)
  set(CPACK_PACKAGE_NAME "${package}")
  set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
  set(CPACK_PACKAGE_CONTACT "the sqlite-kv authors <sqlite-kv@localhost>")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "SQLite extension: key-value store for many devices and a shared folder")
  set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Each device writes its own log file in a folder that they share, and Syncthing,
Dropbox, rsync or a network drive carries the files. The extension merges them
into one table. There is no server and no daemon.")
  set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
  set(CPACK_DEBIAN_PACKAGE_SECTION database)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "sqlite3 (>= 3.31)")
  set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
  include(CPack)
  set(kv_debian COMMAND "${CMAKE_CPACK_COMMAND}" -G DEB
    -B "${kv_packages_out}" --config "${PROJECT_BINARY_DIR}/CPackConfig.cmake"
    COMMAND "${CMAKE_COMMAND}" -E rm -rf "${kv_packages_out}/_CPack_Packages")
endif()

set(kv_stripped "${PROJECT_BINARY_DIR}/stripped")
add_custom_target(packages
  COMMAND "${CMAKE_COMMAND}" -E rm -rf "${kv_packages_out}" "${kv_stripped}"
  COMMAND "${CMAKE_COMMAND}" -E copy $<TARGET_FILE:kv>
    "${kv_stripped}/$<TARGET_FILE_NAME:kv>"
  COMMAND "${CMAKE_STRIP}" $<$<BOOL:${APPLE}>:-x>
    "${kv_stripped}/$<TARGET_FILE_NAME:kv>"
  COMMAND "${Python3_EXECUTABLE}" "${kv_packages}/make.py"
    --source "${PROJECT_SOURCE_DIR}" --version "${PROJECT_VERSION}"
    --description "${PROJECT_DESCRIPTION}"
    --module "${kv_stripped}/$<TARGET_FILE_NAME:kv>"
    --amalgamation "${PROJECT_BINARY_DIR}/amalgamation"
    --xxhash "${KV_XXHASH_INCLUDE_DIR}/xxhash.h"
    --system "${CMAKE_SYSTEM_NAME}" --machine "${CMAKE_SYSTEM_PROCESSOR}"
    --out "${kv_packages_out}"
  ${kv_debian}
  COMMAND_EXPAND_LISTS VERBATIM)
add_dependencies(packages kv amalgamation)
