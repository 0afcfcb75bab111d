#pragma once

// What the library says when it will not begin, or has ended early, as the command repeats it.

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"

#include <hoist/diagnostics.hpp>
#include <hoist/error.hpp>
#include <hoist/options.hpp>

#include <boost/system/system_error.hpp>

#include <string>

namespace hoist::cli {

/// Without the code's own words and number that Boost appends.
std::string sentence_of(const boost::system::system_error& e);

/// A thing of the library's: an uploader, a remover. Options that it refuses are the person's to mend: usage_error.
template <class Thing, class Executor>
Thing made(Executor executor, const hoist::options& o) {
  try {
    return Thing(executor, o);
  } catch (const boost::system::system_error& refused) {
    throw usage_error(escaped(sentence_of(refused)));
  }
}

/// Of a failure: the sentence with its details, else the code's. Not escaped.
std::string failure_text(error_code why, const diagnostics& details);

/// Why a run ended, where, and what to do about it, in one sentence.
std::string fatal_text(error_code why, const diagnostics& details, const std::string& endpoint);

} // namespace hoist::cli
