#pragma once

// Deletes by id: one thread, a scheduler, and connections to the API. A deletion is one request where an upload is two,
// so the scheduler of uploads serves as it is: the DELETE takes the place of the presign, and the PUT that the
// scheduler then asks for is answered on the spot, because there is nothing left to do. What it decides of retries,
// pace, window, outages and the end of a run holds for deletions word for word.

#include "core/schedule/scheduler.hpp"
#include "engine/loop/alarm.hpp"
#include "engine/loop/sweeper.hpp"
#include "engine/words/removal_outcome.hpp"
#include "net/api_channel.hpp"
#include "net/tls_context.hpp"
#include "wire/delete_request.hpp"

#include <hoist/remover.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace hoist::engine {

/// Ids of one operation that are held at once, from the source to their reports.
constexpr std::size_t removals_open_max = 1024;

/// One operation of the caller's. All of it belongs to the remover's thread.
struct removal_run {
  // Boost 1.81's any_completion_handler recurses without end when it is assigned; it is moved in here instead.
  removal_run(removal all, detail::removal_callback on_end) : what(std::move(all)), done(std::move(on_end)) {}

  removal what;
  detail::removal_callback done;
  core::instant started{};
  removal_totals totals;
  std::size_t open = 0;
  bool drained = false; ///< the source has no more
  std::optional<stop_mode> stopped;
  errc ended{}; ///< for a reason that ends every other operation
};

class remover final : net::api_listener {
 public:
  /// Throws as the uploader's constructor does.
  explicit remover(const options& o);
  ~remover();

  // Any thread.
  void start(std::shared_ptr<removal_run> r);
  void stop(std::weak_ptr<removal_run> r, stop_mode how);
  void stop_all(stop_mode how);

 private:
  struct flight {
    std::shared_ptr<removal_run> owner;
    std::string id;
    diagnostics last_failure;
    core::instant started{};
    int channel = -1;      ///< while its request is unanswered
    bool answered = false; ///< for good; it is settled in the next turn
    bool unknown = false;  ///< the API has no file of this id
  };

  // api_listener: the channel carries any request to the API, one answer for each
  void presign_connected(bool) override {
    scheduler_.connection_opened(std::nullopt, std::chrono::steady_clock::now());
  }
  void presign_disconnected() override { scheduler_.connection_closed(std::nullopt); }
  void presign_answered(core::file_id f, wire::response& answer, core::instant sent, bool goes_on) override;
  void presign_broke(core::file_id f, const net::failure& why, bool fresh) override;

  void refill();
  void refill(removal_run& r, const std::shared_ptr<removal_run>& shared);
  void take_in(std::string id, const std::shared_ptr<removal_run>& owner);
  void stop_run(removal_run& r, stop_mode how);
  void fail(core::file_id f, verdict v);
  void report(const core::scheduler_event& e);
  void schedule_pump();
  void pump();
  void complete_runs();

  void act(const core::action::start_presign& a);
  void act(const core::action::start_put& a);
  void act(const core::action::abort_attempt& a);
  void act(const core::action::settle& a);
  void act(const core::action::end_run& a);

  void start_ticking();
  void tick(const net::error_code& ec);
  void close();

  const wire::origin api_;
  const std::string api_key_;
  const int requests_max_;
  const wire::delete_writer writer_;
  net::tls_context tls_;

  net::asio::io_context io_{1};
  net::asio::executor_work_guard<net::executor> work_{io_.get_executor()};
  net::resolver names_{io_.get_executor()};
  net::buffer_pool buffers_;
  net::stream_tallies stream_tallies_;

  core::scheduler scheduler_;
  core::pipeline pipeline_{{1, 1}}; ///< a DELETE that was repeated because its connection ended is answered 404
  std::vector<std::unique_ptr<net::api_channel>> channels_;
  std::deque<flight> flights_; ///< by file_id
  std::vector<core::file_id> free_;
  std::vector<std::shared_ptr<removal_run>> runs_;
  errc ended_{};
  diagnostics end_details_;

  sweeper sweeper_;
  net::timer ticker_;
  bool ticking_ = false;
  alarm wakeup_;
  bool pump_scheduled_ = false;

  std::thread thread_;
};

} // namespace hoist::engine
