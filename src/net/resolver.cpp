#include "net/resolver.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>

namespace hoist::net {

using namespace std::chrono_literals;

namespace {

constexpr auto found_lifetime = 60s;
/// An API may give each file a host of its own.
constexpr std::size_t names_max = 256;
constexpr auto failed_lifetime = 1s; // a blip in the name service, or a dead list, is asked about again soon

} // namespace

resolver::entry::entry(const executor& ex) : found(ex) {
  found.expires_at(time_point::max());
}

resolver::resolver(executor ex, clock now) : ex_(ex), now_(now), system_(ex) {}

task<addresses> resolver::resolve(const wire::origin& of, const error_code& shut, failure& why) {
  error_code not_literal;
  const auto literal = asio::ip::make_address(of.host, not_literal);
  if (!not_literal) co_return addresses{{literal, of.port}};

  if (!cache_.contains(of.text())) make_room();
  auto& cached = cache_[of.text()];
  if (!cached) cached = std::make_shared<entry>(ex_);
  const auto e = cached;
  if (!e->pending && now_() >= e->valid_until) look_up(e, of.host, of.port);
  while (e->pending && !shut) {
    error_code woken;
    co_await e->found.async_wait(asio::redirect_error(use_task, woken));
  }
  if (shut) co_return addresses{};
  if (e->list.empty()) why = {failure_kind::resolve, e->reason};
  co_return e->list.next_order(now_());
}

/// What has run out goes first, then whatever nobody waits for.
void resolver::make_room() {
  if (cache_.size() < names_max) return;
  const auto in_use = [](const std::shared_ptr<entry>& e) { return e->pending || e.use_count() > 1; };
  std::erase_if(cache_, [&](const auto& each) { return !in_use(each.second) && now_() >= each.second->valid_until; });
  for (auto each = cache_.begin(); cache_.size() > names_max / 2 && each != cache_.end();)
    each = in_use(each->second) ? std::next(each) : cache_.erase(each);
}

/// Asks the system, whoever waits: a look-up cannot be interrupted, and its answer serves the next one.
void resolver::look_up(std::shared_ptr<entry> e, const std::string& host, std::uint16_t port) {
  e->pending = true;
  try {
    ask(e, host, port);
  } catch (const boost::system::system_error& failed) { // the first look-up starts a thread
    e->reason = "the name " + host + " cannot be looked up: " + failed.code().message();
    e->looked_up = now_();
    e->valid_until = e->looked_up + failed_lifetime;
    e->pending = false;
  }
}

void resolver::ask(const std::shared_ptr<entry>& e, const std::string& host, std::uint16_t port) {
  system_.async_resolve(host, std::to_string(port), [e, host, now = now_](const error_code& ec, const auto& results) {
    addresses found;
    if (!ec)
      for (const auto& r : results) found.push_back(r.endpoint());
    e->list.renew(found);
    if (found.empty())
      e->reason = "the name " + host + " cannot be resolved: " + (ec ? ec.message() : "it has no address");
    e->looked_up = now();
    e->valid_until = e->looked_up + (found.empty() ? failed_lifetime : found_lifetime);
    e->pending = false;
    e->found.cancel();
  });
}

void resolver::wake() {
  for (auto& [name, e] : cache_) e->found.cancel();
}

resolver::entry* resolver::known(const wire::origin& of) {
  const auto found = cache_.find(of.text());
  return found == cache_.end() ? nullptr : found->second.get();
}

void resolver::mark_bad(const wire::origin& of, const tcp::endpoint& address) {
  if (entry* const e = known(of)) e->list.mark_bad(address, now_());
}

void resolver::mark_good(const wire::origin& of, const tcp::endpoint& address) {
  if (entry* const e = known(of)) e->list.mark_good(address);
}

void resolver::distrust(const wire::origin& of) {
  if (entry* const e = known(of)) e->valid_until = std::min(e->valid_until, e->looked_up + failed_lifetime);
}

} // namespace hoist::net
