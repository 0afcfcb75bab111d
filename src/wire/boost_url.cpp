// Boost.URL, compiled once, so that the project needs its headers and no library package.
#include <boost/url/src.hpp>
