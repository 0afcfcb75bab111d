#pragma once

// Owns the threads and what they share. Nothing of the work happens here: it starts runs, spreads files over shards,
// carries stops, and takes everything down in order.

#include "engine/loop/crew.hpp"
#include "engine/operation/admission.hpp"
#include "engine/operation/books.hpp"
#include "engine/operation/examiner.hpp"
#include "engine/operation/journal.hpp"
#include "engine/operation/reporter.hpp"
#include "engine/operation/run.hpp"
#include "engine/upload/shard.hpp"
#include "ledger/store.hpp"
#include "net/tls_context.hpp"

#include <hoist/options.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace hoist::engine {

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
  void sampled(const sample& what) override;
  void held_up_changed(std::ptrdiff_t by) override;

  ways_on ways_of_examined();
  void complete_without_files(run& r);
  void refuse(run& r, source what);
  void tell_ledger_notice();
  shard& least_loaded();
  void submit(item file);
  void settle_early(settled s);
  void pass_on(const std::shared_ptr<run>& r, stop_mode how);

  const options options_;
  net::tls_context tls_;
  std::unique_ptr<ledger::store> ledger_;
  books books_;
  const admission admission_;
  ticket_registry tickets_;
  core::shared_facts facts_;
  origin_registry origins_;
  std::unique_ptr<reporter> reporter_;
  std::unique_ptr<journal> journal_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::unique_ptr<examiner> examiner_; ///< null without a ledger, as nothing can make a look wait then
  crew intakes_;
  std::atomic<std::size_t> held_up_{0}; ///< files, of all shards

  std::mutex notice_mutex_;
  std::string ledger_notice_;                           ///< not told yet
  std::atomic<std::uint64_t> recalled_{0}, refused_{0}; ///< files that no shard ever saw
};

} // namespace hoist::engine
