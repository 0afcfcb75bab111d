# What is installed: the library, its public headers, how to find it (CMake and pkg-config), and the programs.

include(CMakePackageConfigHelpers)

set(hoist_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hoist)

install(TARGETS hoist_library EXPORT hoist-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/hoist DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(EXPORT hoist-targets NAMESPACE hoist:: DESTINATION ${hoist_cmake_dir})

configure_package_config_file(cmake/hoist-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/hoist-config.cmake
  INSTALL_DESTINATION ${hoist_cmake_dir})
# 0.x: a minor version may change the interface.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/hoist-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/hoist-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/hoist-config-version.cmake
  DESTINATION ${hoist_cmake_dir})

set(HOIST_BOOST_URL_FLAG "")
if(HOIST_BOOST_URL)
  set(HOIST_BOOST_URL_FLAG -lboost_url)
endif()
configure_file(cmake/hoist.pc.in ${CMAKE_CURRENT_BINARY_DIR}/hoist.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/hoist.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(HOIST_PROGRAMS)
  install(TARGETS hoist hoist-server RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
