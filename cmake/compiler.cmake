# One interface target carries what every translation unit of ours is compiled with.

add_library(hoist_compiler INTERFACE)
target_compile_features(hoist_compiler INTERFACE cxx_std_20)
target_include_directories(hoist_compiler INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>)

# A second build of the same lines takes seconds where there is ccache.
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(HOIST_CCACHE ccache)
  mark_as_advanced(HOIST_CCACHE)
  if(HOIST_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${HOIST_CCACHE})
  endif()
endif()

# What costs nothing that a benchmark sees, and turns some faults into an end. Sanitizers have their own.
if(HOIST_SANITIZE STREQUAL "none" AND NOT HOIST_FUZZ)
  target_compile_options(hoist_compiler INTERFACE -fstack-protector-strong
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  target_link_options(hoist_compiler INTERFACE -Wl,-z,relro,-z,now)
else()
  target_compile_definitions(hoist_compiler INTERFACE _GLIBCXX_ASSERTIONS)
endif()

if(HOIST_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "HOIST_FUZZ needs Clang, which has libFuzzer; the compiler is ${CMAKE_CXX_COMPILER_ID}. "
      "Configure a build folder of its own with -DCMAKE_CXX_COMPILER=clang++")
  endif()
  if(NOT HOIST_DEVELOPER OR NOT HOIST_PROGRAMS)
    message(FATAL_ERROR "HOIST_FUZZ needs HOIST_DEVELOPER and HOIST_PROGRAMS as well: it reads what all of them read")
  endif()
  # Every line of ours is instrumented; only the targets are linked with libFuzzer's main (tests/fuzz). Clang 14 cannot
  # assemble what the check of function types puts before functions that it splits, as it does coroutines: so not that one.
  target_compile_options(hoist_compiler INTERFACE
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=function -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hoist_compiler INTERFACE -fsanitize=address,undefined)
endif()

if(HOIST_DEVELOPER)
  target_compile_options(hoist_compiler INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
  # Instrumented code makes GCC see overflows and uninitialised reads that are not there; the plain build is the judge.
  if(HOIST_SANITIZE STREQUAL "none" AND NOT HOIST_FUZZ)
    target_compile_options(hoist_compiler INTERFACE -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 reports overlapping copies inside std::string's operator+ that are not there (its bug 105651, mended in 13).
    target_compile_options(hoist_compiler INTERFACE -Wno-restrict)
  endif()
endif()

if(HOIST_SANITIZE STREQUAL "address")
  target_compile_options(hoist_compiler INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hoist_compiler INTERFACE -fsanitize=address,undefined)
elseif(HOIST_SANITIZE STREQUAL "thread")
  target_compile_options(hoist_compiler INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(hoist_compiler INTERFACE -fsanitize=thread)
  # ThreadSanitizer does not model stand-alone fences; Asio then uses its lock instead of them.
  target_compile_definitions(hoist_compiler INTERFACE BOOST_ASIO_DISABLE_FENCED_BLOCK)
elseif(NOT HOIST_SANITIZE STREQUAL "none")
  message(FATAL_ERROR "HOIST_SANITIZE is '${HOIST_SANITIZE}': use none, address or thread")
endif()
