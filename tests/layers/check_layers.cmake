# cmake -DROOT=<project> -P check_layers.cmake
#
# Dependency runs one way: cli -> hoist -> engine -> {net, wire, ledger} -> core, net -> digest; the server stands alone.

set(violations "")

# forbid(<folders> <regex> <what to do instead>): no line of these folders' sources may match.
function(forbid folders regex instead)
  foreach(folder ${folders})
    file(GLOB_RECURSE sources "${ROOT}/${folder}/*.hpp" "${ROOT}/${folder}/*.cpp" "${ROOT}/${folder}/*.in")
    foreach(source ${sources})
      file(STRINGS ${source} lines)
      set(number 0)
      foreach(line IN LISTS lines)
        math(EXPR number "${number} + 1")
        string(REGEX REPLACE "//.*" "" code "${line}")
        if(code MATCHES "${regex}")
          file(RELATIVE_PATH short ${ROOT} ${source})
          string(APPEND violations "${short}: '${line}'\n    ${instead}\n")
          set(violations "${violations}" PARENT_SCOPE)
        endif()
      endforeach()
    endforeach()
    set(violations "${violations}" PARENT_SCOPE)
  endforeach()
endfunction()

set(clock "(steady_clock|system_clock|high_resolution_clock)::now *[(]")

forbid("src/core" "#include <(boost|openssl|simdjson|sqlite3|pugixml|spdlog|fmt|thread|mutex|random|fstream|sys)"
  "src/core is pure: pass the value in, or put the code into src/net or src/engine")
forbid("src/core" "${clock}" "time is an argument in src/core")
forbid("src/core" "#include \"(wire|digest|net|ledger|engine|cli|server)/" "src/core depends on nothing of ours")
forbid("src/digest" "#include <(boost|openssl|simdjson|sqlite3|thread|mutex|fstream|sys|unistd)" "src/digest is arithmetic: it gets bytes")
forbid("src/digest" "#include \"(core|wire|net|ledger|engine|cli|server)/" "src/digest depends on nothing of ours")
forbid("src/wire" "#include <(boost/asio/(io_context|ip|ssl|awaitable)|openssl|sqlite3|thread|mutex|fstream|sys)"
  "src/wire has no I/O: it gets bytes and returns meanings")
forbid("src/wire" "${clock}" "time is an argument in src/wire")
forbid("src/wire" "#include \"(net|ledger|engine|cli|server)/" "src/wire depends on core alone")
forbid("src/net" "#include \"(ledger|engine|cli|server)/" "src/net reports; decisions are in core, carried out by engine")
forbid("src/net" "sleep_for|expires_after|retry_policy|backoff" "src/net has no policy: it never waits to try again")
forbid("src/ledger" "#include \"(wire|net|engine|cli|server)/" "src/ledger depends on core alone")
forbid("src/engine" "#include \"(cli|server)/" "the library does not know its programs")
forbid("src/cli" "#include \"(core|wire|digest|net|ledger|engine|server)/" "the command uses <hoist/...> only, so that it proves the API")
forbid("src/server" "#include \"(core|wire|digest|net|ledger|engine|cli)/" "the server is an independent witness")
forbid("src/server" "#include <hoist/" "the server is an independent witness")
forbid("include/hoist" "#include \"" "public headers include public headers, as <hoist/...>")
forbid("include/hoist" "#include <(openssl|simdjson|sqlite3|spdlog|fmt|boost/beast)" "keep dependencies out of the public headers")
forbid("src/core;src/wire;src/digest;src/net;src/ledger;src/engine" "std::(cout|cerr|clog)|printf *[(]|spdlog" "the library never prints: log through journal::log")
forbid("src/core;src/wire;src/net;src/ledger;src/engine;src/cli;src/server" "std::(mt19937|random_device)" "seeds come from OpenSSL's RAND_bytes, draws from core::random")
forbid("src;include;tests;bench" "(TODO|FIXME|XXX)[: (]" "say it in an issue")

if(violations)
  message(FATAL_ERROR "layers broken:\n${violations}")
endif()
message(STATUS "layers hold")
