# cmake --install build: the module where programs can be told to find it, and
# sqlite-kv.pc, which tells them.

set(KV_MODULE_DIR "${CMAKE_INSTALL_LIBDIR}/sqlite3")
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
