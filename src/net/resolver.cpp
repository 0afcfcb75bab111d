#include "net/resolver.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace hoist::net {

using namespace std::chrono_literals;

namespace {

constexpr auto found_lifetime = 60s;
constexpr auto failed_lifetime = 1s; // a blip in the name service is asked about again soon

/// Families by turns, so that one that is broken costs one attempt and not all of them.
resolver::addresses interleaved(resolver::addresses list) {
  const auto first_family = list.empty() ? true : list.front().address().is_v6();
  std::vector<tcp::endpoint> same, other, result;
  for (const auto& e : list) (e.address().is_v6() == first_family ? same : other).push_back(e);
  for (std::size_t i = 0; i < std::max(same.size(), other.size()); ++i) {
    if (i < same.size()) result.push_back(same[i]);
    if (i < other.size()) result.push_back(other[i]);
  }
  return result;
}

} // namespace

resolver::resolver(executor ex) : ex_(ex), system_(ex) {}

task<resolver::addresses> resolver::resolve(const wire::origin& of, failure& why) {
  error_code not_literal;
  const auto literal = asio::ip::make_address(of.host, not_literal);
  if (!not_literal) co_return addresses{{literal, of.port}};

  const auto now = std::chrono::steady_clock::now();
  auto& cached = cache_[of.authority()];
  if (cached && !cached->pending && now >= cached->valid_until) cached.reset();
  auto e = cached;
  if (!e) {
    e = cached = std::make_shared<entry>(ex_);
    e->found.expires_at(std::chrono::steady_clock::time_point::max());
    co_await look_up(e, of.host, of.port);
  }
  while (e->pending) {
    error_code woken;
    co_await e->found.async_wait(asio::redirect_error(use_task, woken));
  }
  if (e->list.empty()) why = {failure_kind::resolve, e->reason};
  co_return e->list;
}

task<void> resolver::look_up(std::shared_ptr<entry> e, std::string host, std::uint16_t port) {
  error_code ec;
  const auto results = co_await system_.async_resolve(host, std::to_string(port), asio::redirect_error(use_task, ec));
  addresses list;
  if (!ec)
    for (const auto& r : results) list.push_back(r.endpoint());
  e->list = interleaved(std::move(list));
  if (e->list.empty()) e->reason = "the name " + host + " cannot be resolved: " + (ec ? ec.message() : "it has no address");
  e->valid_until = std::chrono::steady_clock::now() + (e->list.empty() ? failed_lifetime : found_lifetime);
  e->pending = false;
  e->found.cancel();
}

void resolver::demote(const wire::origin& of, const tcp::endpoint& address) {
  const auto found = cache_.find(of.authority());
  if (found == cache_.end() || !found->second) return;
  auto& list = found->second->list;
  const auto at = std::ranges::find(list, address);
  if (at != list.end()) std::rotate(at, at + 1, list.end());
}

} // namespace hoist::net
