#pragma once

// Names to addresses, cached for a minute per thread, so that a thousand connections ask once. A literal address is
// never looked up. Failed addresses go to the end of their list.

#include "net/failure.hpp"
#include "net/types.hpp"
#include "wire/url.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace hoist::net {

class resolver {
 public:
  explicit resolver(executor ex);

  using addresses = std::vector<tcp::endpoint>;

  /// The addresses of `of`, best first; an empty list comes with the reason in `why`.
  /// Returns early, with an empty list and no reason, once `shut` is set and `wake` was called.
  task<addresses> resolve(const wire::origin& of, const error_code& shut, failure& why);

  /// Has every waiting `resolve` look at its `shut`.
  void wake();

  /// `address` did not answer: try it last for as long as the entry lives.
  void demote(const wire::origin& of, const tcp::endpoint& address);

 private:
  struct entry {
    explicit entry(const executor& ex) : found(ex) {}
    bool pending = true;
    timer found; ///< never expires; cancelled to wake all who wait for the look-up
    addresses list;
    std::string reason;
    std::chrono::steady_clock::time_point valid_until;
  };

  void look_up(std::shared_ptr<entry> e, const std::string& host, std::uint16_t port);

  executor ex_;
  asio::ip::basic_resolver<tcp, executor> system_;
  std::map<std::string, std::shared_ptr<entry>> cache_;
};

} // namespace hoist::net
