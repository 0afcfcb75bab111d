#pragma once

// Names to addresses, cached for a minute per thread, so that a thousand connections ask once. A literal address is
// never looked up. What connecting found out about an address is kept with its name; address_list.hpp says what comes
// of it.

#include "net/address_list.hpp"
#include "wire/url.hpp"

#include <map>
#include <memory>
#include <string>

namespace hoist::net {

class resolver {
 public:
  using time_point = address_list::time_point;
  using clock = time_point (*)();

  explicit resolver(executor ex, clock now = &std::chrono::steady_clock::now);

  /// The addresses of `of` in the order in which a connection is to try them, another one for each call; an empty list
  /// comes with the reason in `why`.
  /// Returns early, with an empty list and no reason, once `shut` is set and `wake` was called.
  task<addresses> resolve(const wire::origin& of, const error_code& shut, failure& why);

  /// Has every waiting `resolve` look at its `shut`.
  void wake();

  /// `address` did not answer, or stands again. Of a literal nothing is kept: there is no other to try first.
  void mark_bad(const wire::origin& of, const tcp::endpoint& address);
  void mark_good(const wire::origin& of, const tcp::endpoint& address);

  std::size_t names_known() const noexcept { return cache_.size(); }

  /// No address of `of` answered: the name may have moved. It is looked up anew, at most once a second.
  void distrust(const wire::origin& of);

 private:
  struct entry {
    explicit entry(const executor& ex);
    bool pending = false;
    timer found; ///< never expires; cancelled to wake all who wait for the look-up
    address_list list;
    std::string reason;
    time_point looked_up, valid_until; ///< the epoch: never
  };

  void make_room();
  void ask(const std::shared_ptr<entry>& e, const std::string& host, std::uint16_t port);
  void look_up(std::shared_ptr<entry> e, const std::string& host, std::uint16_t port);
  entry* known(const wire::origin& of);

  executor ex_;
  clock now_;
  asio::ip::basic_resolver<tcp, executor> system_;
  std::map<std::string, std::shared_ptr<entry>> cache_;
};

} // namespace hoist::net
