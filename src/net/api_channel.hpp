#pragma once

// One connection to the API, with as many requests unanswered as the pipeline allows (at depth 1 none waits behind
// another). It lives as long as its owner: connects when there is something to send, and again after a loss. What a
// loss means for the requests on it is the listener's to decide; nothing is sent twice here.

#include "core/base/ring.hpp"
#include "core/base/time.hpp"
#include "core/pace/pipeline.hpp"
#include "core/schedule/scheduler.hpp"
#include "net/answer_reader.hpp"
#include "net/connector.hpp"

#include <optional>
#include <string>

namespace hoist::net {

struct api_listener {
  /// A connection to the API stands. What a private API may make us connect to is not what a public one may.
  virtual void presign_connected(bool peer_is_public) = 0;
  /// It is gone. Called before the requests that were on it break.
  virtual void presign_disconnected() = 0;
  /// The answer to the request of `f`, which was handed to the kernel at `sent`. Valid during the call.
  virtual void presign_answered(core::file_id f, wire::response& answer, core::instant sent,
                                bool connection_goes_on) = 0;
  /// No answer will come for `f`. `fresh`: the connection had answered nothing yet. Of those that a connection leaves
  /// unanswered the first learns why; the others behind it are `unserved`, as is the first after an announced close.
  virtual void presign_broke(core::file_id f, const failure& why, bool fresh) = 0;

 protected:
  ~api_listener() = default;
};

class api_channel {
 public:
  /// `depths`: what is known of the API, by all channels of a thread.
  api_channel(connect_context context, const wire::origin& api, core::pipeline& depths, api_listener& listener);

  int room() const noexcept { return ending_ ? 0 : depths_.room(line_); }
  bool busy() const noexcept { return !waiting_.empty(); }
  /// Nobody else would lose an answer if this connection ended.
  bool alone() const noexcept { return waiting_.size() == 1; }
  bool connected() const noexcept { return connection_ != nullptr; }

  /// Adds the request of `f`, whose bytes the caller appends to `outbox()` right after. Precondition: room() > 0.
  void enqueue(core::file_id f);
  /// Nobody waits for the answer of `f` any more; it will be read and dropped.
  void forget(core::file_id f) noexcept;
  std::string& outbox() noexcept { return outbox_; }
  /// Sends what was enqueued.
  void flush();

  /// The channel's life; ends after `stop`.
  task<void> run();
  void stop();
  /// Ends the connection, and with it every request on it, as `why` says.
  void shut(error_code why);

  activity& doing() noexcept { return doing_; }

 private:
  struct request {
    core::file_id file;
    core::instant sent; ///< when handed to the kernel; the epoch while it is still in the outbox
    bool forgotten = false;
  };

  task<void> sleep();
  task<void> connect();
  void write();
  void read();
  void lose(const failure& why, core::pipeline::loss how);
  void settle_stage() noexcept;

  connector connector_;
  executor ex_;
  const wire::origin api_;
  core::pipeline& depths_;
  api_listener& listener_;

  std::unique_ptr<stream> connection_;
  answer_reader reader_;
  core::pipeline::line line_;
  core::ring<request> waiting_;     ///< in the order of sending
  std::size_t unsent_requests_ = 0; ///< how many of them, at the end, are still in the outbox
  std::string outbox_;
  timer asleep_; ///< never expires; cancelled to wake a channel that has no connection to wait on
  activity doing_;
  bool connecting_ = false;
  bool ending_ = false; ///< shut, and not lost yet: who joined now would be lost for a reason that is not his
  bool stopping_ = false;
};

} // namespace hoist::net
