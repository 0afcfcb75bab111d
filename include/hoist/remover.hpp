#pragma once

// Deletes stored files by their ids, through the same API that uploads went through.

#include <hoist/options.hpp>
#include <hoist/removal.hpp>
#include <hoist/uploader.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>

#include <memory>
#include <utility>

namespace hoist {

namespace detail {

using removal_callback = boost::asio::any_completion_handler<void(error_code, removal_totals)>;

} // namespace detail

/// Deletes by id, many at a time, on a thread of its own. Independent of any uploader; the ledger of one is not told.
///
/// Of the options it heeds `endpoint`, `api_key`, `allow_plain_http`, `retry`, `timeout`, `tls`, and
/// `presign_concurrency` as the number of requests in flight (0: found out while it runs, up to 128).
/// Threads: distinct objects: safe. Shared objects: safe, except for the destructor and moves.
/// After an operation has ended for a reason that would end any other (`key_refused` and its like), later ones end at
/// once with the same reason.
/// Lifetime: the destructor cancels what is under way as `stop_mode::now` does, hands the completions to their
/// executors, and joins. It may not be called from a sink or a source. Memory: std::bad_alloc on its thread ends the
/// process.
class remover {
 public:
  using executor_type = boost::asio::any_io_executor;

  /// Completion handlers without an executor of their own run on Asio's system executor. Throws as `uploader` does.
  explicit remover(options o);
  remover(executor_type executor, options o);

  remover(remover&&) noexcept;
  remover& operator=(remover&&) noexcept;
  ~remover();

  executor_type get_executor() const noexcept;

  /// Deletes everything `r.next` yields, in bounded memory; each id's report goes to `r.sink`.
  ///
  /// Completion: void(error_code, removal_totals), once, after the last call of `r.sink`. Ids that could not be deleted
  /// are data in the reports; the error_code is set when the whole ended early: key_refused, tls_refused,
  /// api_unreachable, cancelled.
  /// Deadlines: `options::retry.give_up_after` bounds the transient failures of each id.
  /// Cancellation: partial: drain; no further id is taken, requests in flight are answered. terminal: at once. total is
  /// not supported: a request that was given up may have been heard.
  template <boost::asio::completion_token_for<void(error_code, removal_totals)> Token>
  auto async_remove_all(removal r, Token&& token) {
    return boost::asio::async_initiate<Token, void(error_code, removal_totals)>(
        [this](auto handler, removal all) {
          auto signal = detail::connect_slot(handler);
          start(std::move(all), detail::bind_completion<removal_totals>(std::move(handler), get_executor()),
                std::move(signal));
        },
        token, std::move(r));
  }

  /// Ends every operation under way, as its cancellation would.
  void cancel(stop_mode how);

 private:
  void start(removal all, detail::removal_callback done, std::shared_ptr<detail::stop_signal> signal);

  struct body;
  std::shared_ptr<body> body_;
};

} // namespace hoist
