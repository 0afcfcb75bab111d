#pragma once

// Looks for what a killed run may have stored: a PUT whose intent is in the ledger and whose end is not. A HEAD of the
// public URL answers it, so that the file keeps its one URL instead of getting a second. One look-up at a time: there
// are at most as many as PUTs were in flight. Whatever goes wrong, the file is uploaded like any other.

#include "engine/operation/flight.hpp"
#include "engine/operation/settled.hpp"
#include "net/answer_reader.hpp"
#include "net/connector.hpp"
#include "net/file_source.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace hoist::engine {

struct adoption_listener {
  /// `adopted`: what is stored is this file; else it has to be uploaded.
  virtual void adoption_ended(item file, std::optional<settled> adopted) = 0;

 protected:
  ~adoption_listener() = default;
};

class adopter {
 public:
  struct rules {
    wire::origin api;
    net::reach with_public_api = net::reach::public_only; ///< where connections may lead when the API is a public one
    bool allow_http = false;
  };
  adopter(net::connect_context context, rules r, digest::md5_lanes& digests, adoption_listener& listener);

  /// Precondition: `file.lease`.
  void begin(item file);
  /// Where connections may lead, once that is known from a connection to the API.
  void allow(net::reach r) noexcept { allowed_ = r; }
  bool busy() const noexcept { return current_ != nullptr || !waiting_.empty(); }

  net::task<void> run();
  void stop();
  /// Gives the look-up under way up, if it is of `owner` or of anybody when that is null.
  void shut(net::error_code why, const engine::run* owner = nullptr);
  const net::activity& doing() const noexcept { return doing_; }

 private:
  net::task<bool> stored(item& file);
  net::task<bool> learn_reach();
  net::task<bool> head(const wire::url& where);
  net::task<bool> head_once(const wire::url& where, bool& worth_another);
  net::task<std::string> digest(const item& file);

  net::connector connector_;
  net::executor ex_;
  const rules rules_;
  std::optional<net::reach> allowed_;
  digest::md5_lanes& digests_;
  adoption_listener& listener_;

  std::deque<item> waiting_;
  item* current_ = nullptr;
  bool shut_ = false;
  bool stopping_ = false;
  net::timer asleep_; ///< never expires; cancelled to wake the coroutine

  std::unique_ptr<net::stream> connection_;
  wire::origin origin_;
  net::answer_reader reader_;
  std::string request_;
  net::file_source body_;
  net::activity doing_;
};

} // namespace hoist::engine
