# cmake -DROOT=<project> -DSCRATCH=<dir> -P check_layers_can_fail.cmake
#
# Plants one violation in a copy and expects check_layers.cmake to find it.

file(REMOVE_RECURSE ${SCRATCH})
file(COPY ${ROOT}/src/core DESTINATION ${SCRATCH}/src)
file(APPEND ${SCRATCH}/src/core/base/ring.hpp "#include <boost/asio/io_context.hpp>\n")
execute_process(COMMAND ${CMAKE_COMMAND} -DROOT=${SCRATCH} -P ${CMAKE_CURRENT_LIST_DIR}/check_layers.cmake
  RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
if(result EQUAL 0)
  message(FATAL_ERROR "check_layers.cmake let Asio into src/core")
endif()
