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

task<resolver::addresses> resolver::resolve(const wire::origin& of, const error_code& shut, failure& why) {
  error_code not_literal;
  const auto literal = asio::ip::make_address(of.host, not_literal);
  if (!not_literal) co_return addresses{{literal, of.port}};

  auto& cached = cache_[of.text()];
  if (cached && !cached->pending && std::chrono::steady_clock::now() >= cached->valid_until) cached.reset();
  if (!cached) {
    cached = std::make_shared<entry>(ex_);
    cached->found.expires_at(std::chrono::steady_clock::time_point::max());
    look_up(cached, of.host, of.port);
  }
  const auto e = cached;
  while (e->pending && !shut) {
    error_code woken;
    co_await e->found.async_wait(asio::redirect_error(use_task, woken));
  }
  if (shut) co_return addresses{};
  if (e->list.empty()) why = {failure_kind::resolve, e->reason};
  co_return e->list;
}

/// Asks the system, whoever waits: a look-up cannot be interrupted, and its answer serves the next one.
void resolver::look_up(std::shared_ptr<entry> e, const std::string& host, std::uint16_t port) {
  system_.async_resolve(host, std::to_string(port), [e, host](const error_code& ec, const auto& results) {
    addresses list;
    if (!ec)
      for (const auto& r : results) list.push_back(r.endpoint());
    e->list = interleaved(std::move(list));
    if (e->list.empty()) e->reason = "the name " + host + " cannot be resolved: " + (ec ? ec.message() : "it has no address");
    e->valid_until = std::chrono::steady_clock::now() + (e->list.empty() ? failed_lifetime : found_lifetime);
    e->pending = false;
    e->found.cancel();
  });
}

void resolver::wake() {
  for (auto& [name, e] : cache_)
    if (e) e->found.cancel();
}

void resolver::demote(const wire::origin& of, const tcp::endpoint& address) {
  const auto found = cache_.find(of.text());
  if (found == cache_.end() || !found->second) return;
  auto& list = found->second->list;
  const auto at = std::ranges::find(list, address);
  if (at != list.end()) std::rotate(at, at + 1, list.end());
}

} // namespace hoist::net
