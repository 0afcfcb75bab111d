#pragma once

// What is found out about a file before any request is made: that it can be sent, as what, and whether an earlier run
// has done it. One stat, and with a ledger one look-up. Blocking; any thread.

#include "engine/flight.hpp"
#include "engine/recorder.hpp"
#include "ledger/store.hpp"

#include <hoist/options.hpp>

#include <functional>
#include <optional>
#include <string>

namespace hoist::engine {

/// `file` as the ledger has it done: nothing is uploaded. Takes the texts out of both.
settled as_known(item& file, ledger::row& known);

class admission {
 public:
  struct rules {
    std::uint64_t bytes_max = 0;
    ledger::store* record = nullptr; ///< null: nothing is remembered
    resume_mode resume = resume_mode::all;
    std::string working_directory;
  };

  /// `record_failed` is told when the ledger cannot be read.
  admission(rules r, std::function<void(const diagnostics&)> record_failed);

  /// Nothing when the file goes on, `file` then being filled in; else what has become of it.
  std::optional<settled> examine(item& file) const;

 private:
  std::optional<settled> recall(item& file) const;
  bool known_to_be_stored(const settled& file) const;

  rules rules_;
  std::function<void(const diagnostics&)> record_failed_;
};

} // namespace hoist::engine
