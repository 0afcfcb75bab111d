#pragma once

// What is found out about a file before any request is made: that it can be sent, as what, and whether an earlier run
// has done it. One stat, and with a ledger one look-up, which may have to wait for a commit to reach the disk: so it is
// made by threads that may wait, a batch's intake or the examiner, and never by one that moves bytes.

#include "engine/operation/flight.hpp"
#include "engine/operation/settled.hpp"
#include "ledger/store.hpp"

#include <hoist/options.hpp>

#include <functional>
#include <optional>
#include <string>

namespace hoist::engine {

/// Where a file goes once it has been examined.
struct ways_on {
  std::function<void(item)> accept;    ///< to a shard
  std::function<void(settled)> settle; ///< it needs none
};

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

  /// Nothing when the file goes on, `file` then being filled in; else what has become of it. Any thread; see `waits`.
  std::optional<settled> examine(item& file) const;
  /// Whether `examine` may wait for the ledger's disk.
  bool waits(const item& file) const noexcept { return rules_.record != nullptr && !file.what.memory; }

 private:
  std::optional<settled> recall(item& file) const;
  bool known_to_be_stored(const settled& file) const;

  rules rules_;
  std::function<void(const diagnostics&)> record_failed_;
};

} // namespace hoist::engine
