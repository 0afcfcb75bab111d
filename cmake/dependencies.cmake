# Debian packages only. cmake/packages.sh installs them; both lists change together.

set(HOIST_BOOST_MINIMUM 1.81)
find_package(Boost ${HOIST_BOOST_MINIMUM} CONFIG REQUIRED)
set(HOIST_BOOST_URL "")
if(Boost_VERSION VERSION_GREATER_EQUAL 1.82)
  find_package(Boost ${HOIST_BOOST_MINIMUM} CONFIG REQUIRED COMPONENTS url)
  set(HOIST_BOOST_URL Boost::url)
endif()
find_package(OpenSSL 3.0 REQUIRED)
find_package(simdjson REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(pugixml REQUIRED)
find_package(Threads REQUIRED)

if(HOIST_PROGRAMS)
  find_package(CLI11 REQUIRED)
  find_package(spdlog REQUIRED)
endif()

if(HOIST_DEVELOPER)
  find_package(GTest REQUIRED)
endif()
