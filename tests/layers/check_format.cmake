# cmake -DROOT=<project> -P check_format.cmake
#
# Every source is as .clang-format has it. Versions of clang-format differ in what they make of the same rules: only the one
# the sources were formatted with judges them.

set(version_wanted 14)

find_program(clang_format NAMES clang-format-${version_wanted} clang-format)
if(NOT clang_format)
  message(STATUS "skipped: there is no clang-format")
  return()
endif()
execute_process(COMMAND ${clang_format} --version OUTPUT_VARIABLE said)
string(REGEX MATCH "version ([0-9]+)" found "${said}")
if(NOT CMAKE_MATCH_1 EQUAL version_wanted)
  message(STATUS "skipped: clang-format is of version ${CMAKE_MATCH_1}, not ${version_wanted}")
  return()
endif()

file(GLOB_RECURSE sources "${ROOT}/src/*.[ch]pp" "${ROOT}/include/*.hpp" "${ROOT}/tests/*.[ch]pp" "${ROOT}/bench/*.[ch]pp")
execute_process(COMMAND ${clang_format} --dry-run -Werror ${sources} RESULT_VARIABLE result ERROR_VARIABLE differences)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "not formatted; clang-format -i mends it:\n${differences}")
endif()
