# What a build can choose. A consumer (add_subdirectory) gets the library and nothing else.

option(HOIST_DEVELOPER "Build the tests, which need GoogleTest, and turn warnings into errors" OFF)
option(HOIST_PROGRAMS "Build hoist and hoist-server" ${PROJECT_IS_TOP_LEVEL})
option(HOIST_BENCH "Build what bench/ needs: contenders, micro benchmarks; with HOIST_DEVELOPER its test too" OFF)
option(HOIST_FUZZ "Build the fuzz targets instead of the other tests, with ASan and UBSan; needs Clang" OFF)
set(HOIST_SANITIZE "none" CACHE STRING "none, address (with undefined behaviour) or thread")
set_property(CACHE HOIST_SANITIZE PROPERTY STRINGS none address thread)

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Release unless said otherwise" FORCE)
endif()
