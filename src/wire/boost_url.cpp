// Boost.URL 1.81, compiled once from its headers, so that no library package is needed. From 1.82 on it is a library of
// its own, which cmake/dependencies.cmake finds.
#include <boost/version.hpp>
#if BOOST_VERSION < 108200
#include <boost/url/src.hpp>
#endif
