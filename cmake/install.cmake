# cmake --install build: the module, stripped; sqlite-kv.pc, which tells programs
# where it is; and the manual page.

set(KV_MODULE_DIR "${CMAKE_INSTALL_LIBDIR}/sqlite3")
if(kv_is_top) # as with --strip; a Debug build keeps its symbols
  install(CODE "set(CMAKE_INSTALL_DO_STRIP 1)"
    CONFIGURATIONS Release RelWithDebInfo MinSizeRel)
endif()
install(TARGETS kv LIBRARY DESTINATION "${KV_MODULE_DIR}")

set(KV_PC_LIBS "")
set(KV_PC_CFLAGS "")
if(KV_STATIC)
  install(TARGETS kv_static ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(FILES ext/kv.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
  set(KV_PC_LIBS "-L\${libdir} -lkv_static")
  set(KV_PC_CFLAGS "-I\${includedir}")
endif()

# GNUInstallDirs may give absolute folders; others follow the prefix.
foreach(dir LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
    set(KV_PC_${dir} "${CMAKE_INSTALL_${dir}}")
  else()
    set(KV_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
  endif()
endforeach()
configure_file(cmake/sqlite-kv.pc.in sqlite-kv.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/sqlite-kv.pc"
  DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# The page says where the module is installed.
set(KV_MODULE_PATH "${CMAKE_INSTALL_FULL_LIBDIR}/sqlite3/kv")
set(KV_PC_PATH "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig/sqlite-kv.pc")
configure_file(cmake/packages/sqlite-kv.7.in sqlite-kv.7 @ONLY)
set(kv_page sqlite-kv.7)
if(KV_PACKAGES)
  set(kv_page sqlite-kv.7.gz)
  execute_process(COMMAND gzip -9n INPUT_FILE "${PROJECT_BINARY_DIR}/sqlite-kv.7"
    OUTPUT_FILE "${PROJECT_BINARY_DIR}/${kv_page}")
endif()
install(FILES "${PROJECT_BINARY_DIR}/${kv_page}"
  DESTINATION "${CMAKE_INSTALL_MANDIR}/man7")
