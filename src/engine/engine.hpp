#pragma once

// Owns the threads and what they share. Nothing of the work happens here: it starts runs, spreads files over shards,
// carries stops, and takes everything down in order.

#include "engine/admission.hpp"
#include "engine/intake.hpp"
#include "engine/recorder.hpp"
#include "engine/run.hpp"
#include "engine/shard.hpp"
#include "ledger/store.hpp"
#include "net/tls_context.hpp"

#include <hoist/options.hpp>

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace hoist::engine {

/// Files of one batch between its source and its sink. Bounds memory (about 1 KiB each) and is wide enough for the
/// recorder's groups at 40 000 files a second.
constexpr std::size_t files_open_max = 4096;

class engine final : shard_listener {
 public:
  /// Throws as the uploader's constructor does.
  explicit engine(const options& o);
  ~engine();

  // Any thread.
  void start(std::shared_ptr<run> r);
  void start(std::shared_ptr<run> r, source what);
  void stop(const std::shared_ptr<run>& r, stop_mode how);
  void stop_all(stop_mode how);
  counters snapshot() const;

 private:
  void run_ended(errc cause, const diagnostics& details) override;
  void sampled(core::held_by what) override;

  /// Enters the run in the books; false when the engine has ended for good, which the run is then told.
  bool enter(const std::shared_ptr<run>& r);
  shard& least_loaded();
  void submit(item file);
  void settle_early(settled s);
  void forget_finished();
  std::vector<std::shared_ptr<run>> running() const;

  const options options_;
  net::tls_context tls_;
  std::unique_ptr<ledger::store> ledger_;
  const admission admission_;
  ticket_registry tickets_;
  core::refusal_streak refusals_;
  reached_origins reached_;
  std::unique_ptr<recorder> recorder_;
  std::vector<std::unique_ptr<shard>> shards_;

  mutable std::mutex mutex_;
  std::string ledger_notice_; ///< not told yet
  std::list<std::weak_ptr<run>> runs_;
  std::list<std::unique_ptr<intake>> intakes_;
  std::atomic<std::uint64_t> recalled_{0}, refused_{0}; ///< files that no shard ever saw
  errc ended_{};
  diagnostics end_details_;
};

} // namespace hoist::engine
