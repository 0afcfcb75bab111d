#pragma once

// The facade: uploads one file, or many, with any completion token.

#include <hoist/batch.hpp>
#include <hoist/options.hpp>
#include <hoist/report.hpp>
#include <hoist/source.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace hoist {

namespace detail {

using upload_callback = boost::asio::any_completion_handler<void(error_code, file_report)>;
using batch_callback = boost::asio::any_completion_handler<void(error_code, batch_report)>;

/// Carries a cancellation from a handler's slot, which may fire at any moment from the initiation on, to the operation,
/// which begins a little later on another thread.
class stop_signal {
 public:
  void request(boost::asio::cancellation_type type);
  /// `on_request` is called for every request, from the requesting thread; at once for one that was made before.
  void attach(std::function<void(boost::asio::cancellation_type)> on_request);

 private:
  std::mutex mutex_;
  boost::asio::cancellation_type requested_ = boost::asio::cancellation_type::none;
  std::function<void(boost::asio::cancellation_type)> on_request_;
};

template <class Handler>
std::shared_ptr<stop_signal> connect_slot(const Handler& handler) {
  auto signal = std::make_shared<stop_signal>();
  auto slot = boost::asio::get_associated_cancellation_slot(handler);
  if (slot.is_connected()) slot.assign([signal](boost::asio::cancellation_type type) { signal->request(type); });
  return signal;
}

/// Turns a completion handler into a callback that may be called from any thread: it goes to the handler's executor,
/// which is kept busy until then, and its cancellation slot is emptied first.
template <class Result, class Handler>
auto bind_completion(Handler&& handler, const boost::asio::any_io_executor& fallback) {
  auto work = boost::asio::make_work_guard(handler, fallback);
  return [handler = std::forward<Handler>(handler), work = std::move(work)](error_code ec, Result result) mutable {
    auto executor = work.get_executor();
    boost::asio::post(executor,
                      [handler = std::move(handler), work = std::move(work), ec, result = std::move(result)]() mutable {
                        boost::asio::get_associated_cancellation_slot(handler).clear();
                        work.reset();
                        std::move(handler)(ec, std::move(result));
                      });
  };
}

} // namespace detail

enum class stop_mode {
  drain, ///< what is in flight finishes
  now,   ///< what is in flight is given up
};

/// An asynchronous batch uploader: presigns, PUTs, retries and records, on threads of its own.
///
/// Threads: distinct objects: safe. Shared objects: safe, except for the destructor and moves.
/// A reason that ends a run (`api_unreachable` and its like) ends every operation that is under way; later ones begin
/// afresh. Only after `key_refused` and `ledger_failed` every later operation ends at once with the same reason: make a
/// new uploader once the cause is mended. Cancellation: as in all of Asio, a slot's signal is emitted where the
/// handler's executor runs; bind handlers that have a slot to an executor of your own. Lifetime: the destructor cancels
/// what is under way as `stop_mode::now` does, hands the completions to their executors, and joins. It may not be
/// called from a sink, an observer or a source, nor from a completion handler whose executor runs what is posted to it
/// on the spot. Memory: std::bad_alloc on one of its threads, except from `batch::next`, ends the process, as the files
/// in that thread's hands could not be settled any more; with a ledger the next run goes on from there.
class uploader {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Completion handlers without an executor of their own run on Asio's system executor, a thread of its own.
  ///
  /// Throws boost::system::system_error: errc::invalid_options naming the field (a file of `tls.ca_files` that cannot
  /// be read is one); errc::ledger_failed when `ledger` is damaged, in use, another API's or key's, or cannot be
  /// opened. Throws std::system_error when threads cannot be made.
  explicit uploader(options o);

  /// Completion handlers without an executor of their own run on `executor`.
  uploader(executor_type executor, options o);

  uploader(uploader&&) noexcept;
  uploader& operator=(uploader&&) noexcept;
  ~uploader();

  executor_type get_executor() const noexcept;

  /// Uploads one file, or bytes from memory.
  ///
  /// Completion: void(error_code, file_report), once, on the handler's associated executor. The report is filled in
  /// either case; its `error` equals the error_code.
  /// Deadlines: `options::retry.give_up_after` bounds transient failures; to bound the whole, cancel.
  /// Errors: every errc that names a file, and those that end a run.
  /// Cancellation: terminal and partial: the upload is given up at once, in any state, with errc::cancelled; the file
  /// may be stored all the same when the answer was under way. total is not supported, for that reason.
  template <boost::asio::completion_token_for<void(error_code, file_report)> Token>
  auto async_upload(source what, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, file_report)>(
        [this](auto handler, source s) {
          auto signal = detail::connect_slot(handler);
          start(std::move(s), detail::bind_completion<file_report>(std::move(handler), get_executor()),
                std::move(signal));
        },
        token, std::move(what));
  }

  /// Uploads everything `b.next` yields, in bounded memory; each file's report goes to `b.sink`.
  ///
  /// Completion: void(error_code, batch_report), once, after the last call of `b.sink`. Failed files are data in the
  /// reports; the error_code is set when the run itself ended early: key_refused, tls_refused, api_unreachable,
  /// storage_refused, private_storage, ledger_failed, cancelled.
  /// Cancellation: partial: drain; no further file is taken, none is begun, PUTs in flight finish. terminal: as
  /// partial, but what is in flight is given up at once. A drain may be followed by a terminal. total is not supported.
  template <boost::asio::completion_token_for<void(error_code, batch_report)> Token>
  auto async_upload_all(batch b, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, batch_report)>(
        [this](auto handler, batch all) {
          auto signal = detail::connect_slot(handler);
          start(std::move(all), detail::bind_completion<batch_report>(std::move(handler), get_executor()),
                std::move(signal));
        },
        token, std::move(b));
  }

  /// Ends every operation under way, as its cancellation would. The uploader can be used again.
  void cancel(stop_mode how);

  counters snapshot() const;

 private:
  void start(source what, detail::upload_callback done, std::shared_ptr<detail::stop_signal> signal);
  void start(batch all, detail::batch_callback done, std::shared_ptr<detail::stop_signal> signal);

  struct body;
  std::shared_ptr<body> body_;
};

} // namespace hoist
