#pragma once

// One thread's worth of uploader: an io_context, the scheduler, and everything that carries out what it decides.
// Nothing in here is locked but the inbox; shards share no state on the hot path.

#include "core/base/server_clock.hpp"
#include "core/schedule/scheduler.hpp"
#include "engine/loop/alarm.hpp"
#include "engine/loop/operations.hpp"
#include "engine/loop/origins.hpp"
#include "engine/loop/sweeper.hpp"
#include "engine/loop/ticket_registry.hpp"
#include "engine/operation/admission.hpp"
#include "engine/operation/flight.hpp"
#include "engine/operation/journal.hpp"
#include "engine/upload/adopter.hpp"
#include "engine/upload/put_worker.hpp"
#include "engine/words/redaction.hpp"
#include "net/api_channel.hpp"
#include "wire/presign.hpp"

#include <boost/asio/executor_work_guard.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace hoist::engine {

struct shard_config {
  core::scheduler_limits limits;
  core::retry_policy retry;
  core::pipeline_range presign_depth;
  core::millis lifetime_max{};
  std::uint64_t file_bytes_max = 0;
  int connections_max = 0; ///< to storages, kept or in use; at least limits.puts_max
  bool durable = false;    ///< there is a ledger to be told of long PUTs
  timeout_options timeout;
  wire::origin api;
  std::string api_key;
  std::chrono::seconds expires_in{0};
  bool allow_http_storage = false;
  verify_mode verify = verify_mode::size;
  net::reach storage_reach = net::reach::public_only;
  std::uint64_t seed = 0;
  core::shared_facts* facts = nullptr; ///< shared by all shards
  origin_registry* origins = nullptr;  ///< likewise

  /// Channels and slots are made when they are first needed, up to these. A request that was given up occupies its
  /// channel until it is answered, so there may be more channels than requests.
  int channels_max() const noexcept { return 2 * limits.presigns_max; }
  int workers_max() const noexcept { return std::max(limits.puts_max, connections_max); }
};

/// What a look at a shard found.
struct sample {
  core::bottleneck what = core::bottleneck::nothing;
  bool at_api = false; ///< for what may be either's: pauses, tokens
  int puts_in_flight = 0, presigns_in_flight = 0;
};

/// What a shard tells the engine; called on the shard's thread.
struct shard_listener {
  virtual void run_ended(errc cause, const diagnostics& details) = 0;
  virtual void sampled(const sample& what) = 0;
  /// So many more of its files are held up by a bad origin, or fewer.
  virtual void held_up_changed(std::ptrdiff_t by) = 0;

 protected:
  ~shard_listener() = default;
};

class shard final : net::api_listener, put_listener, adoption_listener {
 public:
  shard(shard_config config, const net::tls_context& tls, const admission& gate, ticket_registry& tickets, journal& out,
        shard_listener& listener);
  ~shard(); ///< Precondition: no file is open.

  // ---- any thread

  void submit(item file);
  /// Files submitted and not yet settled.
  std::size_t load() const noexcept { return load_.load(std::memory_order_relaxed); }
  void stop_run(std::shared_ptr<run> r, stop_mode how);
  void add_to(counters& sum) const;

 private:
  // api_listener, put_listener and adoption_listener
  void presign_connected(bool peer_is_public) override;
  void presign_answered(core::file_id f, wire::response& answer, core::instant sent, bool goes_on) override;
  void presign_broke(core::file_id f, const net::failure& why, bool fresh) override;
  void put_finished(put_worker& w, core::file_id f, std::optional<verdict> failed) override;
  void put_disconnected(put_worker& w) override;
  void connection_opened(core::origin_id to) override;
  void connection_closed(core::origin_id to) override;
  void presign_disconnected() override;
  void adoption_ended(item file, std::optional<settled> adopted) override;

  void admit();
  void take_in(item file);
  void report(const core::scheduler_event& e);
  void fail_presign(core::file_id f, verdict v);
  void note_served(core::origin_id o);
  void forget_origin(core::origin_id o);
  void tell_end(core::file_id f, std::string_view what, core::outcome_kind kind);
  std::string name_for_log(core::file_id f) const;
  diagnostics never_tried(core::file_id f) const;
  void note_unreached(core::file_id f, const verdict& failed);
  secrets secrets_of(core::file_id f) const;
  void schedule_pump();
  void pump();

  void act(const core::action::start_presign& a);
  void act(const core::action::start_put& a);
  void act(const core::action::abort_attempt& a);
  void act(const core::action::settle& a);
  void act(const core::action::end_run& a);

  void add_channel();
  void add_worker();
  put_worker& choose_worker(const wire::origin& where);
  file_report report_of(const core::action::settle& a, flight& f);
  void settle_early(settled s);
  void look_again(core::file_id f, verdict& v);
  static void note_unconfirmed(flight& f);

  void start_ticking();
  void tick(const net::error_code& ec);
  bool sweep(core::instant now);
  void record_leases();
  void publish();
  void publish_limits();
  void publish_held_up();
  void publish_wait(core::instant now);
  void tell_absences(core::instant now);
  void watch_liveness(core::instant now);
  std::string host_text(std::optional<core::origin_id> storage) const;
  std::string reason_text(std::optional<core::origin_id> storage) const;
  template <std::size_t N>
  void publish_from(std::size_t first, const std::array<std::uint64_t, N>& values) {
    for (std::size_t i = 0; i < N; ++i) published_[first + i].store(values[i], std::memory_order_relaxed);
  }
  void close();

  const shard_config config_;
  const admission& admission_;
  ticket_registry& tickets_;
  journal& journal_;
  shard_listener& listener_;

  net::asio::io_context io_{1};
  net::asio::executor_work_guard<net::executor> work_{io_.get_executor()};
  net::resolver names_{io_.get_executor()};
  net::buffer_pool buffers_;
  net::stream_tallies stream_tallies_;
  digest::md5_lanes digests_;

  const net::connect_context connecting_;
  net::reach storage_reach_ = config_.storage_reach;

  core::scheduler scheduler_;
  core::pipeline pipeline_{config_.presign_depth};
  core::server_clock server_clock_;
  wire::presign_writer presign_writer_;
  wire::presign_reader presign_reader_;
  std::string former_id_;
  std::deque<flight> flights_; ///< by file_id; a deque, since workers hold references
  std::vector<core::file_id> free_ids_;
  std::vector<std::unique_ptr<net::api_channel>> channels_;
  std::vector<std::unique_ptr<put_worker>> workers_;
  std::unique_ptr<adopter> adopter_;
  std::vector<put_worker*> idle_connected_; ///< the most recently used last
  std::vector<put_worker*> idle_bare_;
  std::vector<settled> settled_; ///< of this turn, on their way to the journal
  std::vector<ledger::row> leases_;

  sweeper sweeper_;
  net::timer ticker_;
  bool ticking_ = false;
  alarm wakeup_;
  bool pump_scheduled_ = false;
  bool warned_of_dates_ = false;
  bool told_of_pipelining_ = false;
  std::vector<bool> served_; ///< by origin: told to the registry
  origin_numbers origins_;
  operations operations_;
  std::vector<std::string> storage_failures_; ///< by origin: how the latest attempt that reached nobody ended
  std::string api_failure_, latest_failure_;
  std::size_t held_up_ = 0; ///< as told last
  bool told_short_ = false;
  std::vector<bool> told_away_; ///< by origin, the API last

  std::mutex inbox_mutex_;
  std::vector<item> inbox_;
  std::vector<item> admitting_;
  std::atomic<std::size_t> load_{0};

  std::uint64_t done_bytes_ = 0, done_ = 0, failed_ = 0, taken_ = 0, connections_ = 0;
  static constexpr std::size_t counted = 14, figures = counted + 8;
  std::array<std::atomic<std::uint64_t>, figures> published_{};
  mutable std::mutex wait_mutex_;
  std::optional<waiting> wait_; ///< what is worth telling a person; under wait_mutex_

  std::thread thread_;
};

} // namespace hoist::engine
