#include "net/address_rules.hpp"

#include "wire/address.hpp"

namespace hoist::net {

namespace {

wire::address_class class_of(const asio::ip::address& address) noexcept {
  return address.is_v4() ? wire::classify_address(address.to_v4().to_bytes())
                         : wire::classify_address(address.to_v6().to_bytes());
}

failure refuse_address(const asio::ip::address& address, reach allowed) {
  if (allowed == reach::anywhere) return {};
  const auto kind = class_of(address);
  if (kind == wire::address_class::public_) return {};
  if (kind != wire::address_class::private_)
    return {failure_kind::address_refused,
            "the storage leads to " + address.to_string() + ", where a public API may not send us"};
  if (allowed == reach::not_loopback) return {};
  return {failure_kind::private_storage, "the storage leads to the private address " + address.to_string()};
}

} // namespace

bool is_public(const asio::ip::address& address) noexcept {
  return class_of(address) == wire::address_class::public_;
}

addresses within_reach(const addresses& list, reach allowed, failure& refused) {
  addresses within;
  failure why;
  for (const auto& endpoint : list) {
    failure refusal = refuse_address(endpoint.address(), allowed);
    if (!refusal)
      within.push_back(endpoint);
    else if (why.kind != failure_kind::private_storage)
      why = std::move(refusal);
  }
  if (within.empty() && why) refused = std::move(why);
  return within;
}

} // namespace hoist::net
