#include "server/faults/fault_plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "server/base/quantity.hpp"
#include "server/faults/ticket_spoiler.hpp"

namespace hoist::server {
namespace {

constexpr std::array<std::string_view, fault_scope_count> scope_names{"connection", "presign", "put", "delete",
                                                                      "clock"};

// Scopes in which a kind makes sense, one bit each.
constexpr unsigned on_connection = 1, on_presign = 2, on_put = 4, on_delete = 8, on_clock = 16;

enum class parameter { none, status, time };

struct fault_kind {
  std::string_view name; // with its parameter's dash, when it has one
  fault_action action;
  unsigned scopes;
  parameter wants = parameter::none;
  bool may_come_later = false; // -after-SIZE
};

constexpr unsigned on_requests = on_presign | on_put | on_delete;
constexpr fault_kind kinds[] = {
    {"return-", fault_action::answer, on_requests, parameter::status, true},
    {"early-", fault_action::answer_early, on_put, parameter::status},
    {"reset", fault_action::reset, on_requests | on_connection, parameter::none, true},
    {"close", fault_action::close, on_requests | on_connection, parameter::none, true},
    {"stall-", fault_action::stall, on_requests | on_connection, parameter::time, true},
    {"lose-answer", fault_action::lose_answer, on_presign | on_put},
    {"corrupt-etag", fault_action::spoil_etag, on_put},
    {"no-etag", fault_action::drop_etag, on_put},
    {"opaque-etag", fault_action::opaque_etag, on_put},
    {"corrupt-body", fault_action::corrupt_body, on_put},
    {"expired", fault_action::expired, on_put},
    {"expired-request", fault_action::expired_other_code, on_put},
    {"expired-token", fault_action::expired_token, on_put},
    {"throttle-above", fault_action::throttle, on_put | on_presign},
    {"no-continue", fault_action::never_continue, on_put},
    {"fragment-answer", fault_action::fragment_answer, on_presign | on_put},
    {"flood-1xx", fault_action::flood_of_1xx, on_presign | on_put},
    {"garbage-answer", fault_action::garbage_answer, on_presign | on_put},
    {"huge-answer", fault_action::huge_answer, on_presign | on_put},
    {"html-answer", fault_action::html_answer, on_presign | on_put},
    {"no-date", fault_action::no_date, on_presign},
    {"duplicate-id", fault_action::repeat_ticket, on_presign},
    {"retry-after", fault_action::retry_after, on_presign | on_put},
    {"ahead", fault_action::ahead, on_clock},
    {"behind", fault_action::behind, on_clock},
};

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool read_parameter(std::string_view text, parameter wanted, fault& into) {
  if (wanted == parameter::none) return text.empty();
  if (wanted == parameter::time) {
    const auto time = parse_duration(text);
    if (time) into.time = *time;
    return time.has_value();
  }
  const auto status = number<unsigned>(text);
  if (!status || *status < 300 || *status > 599) return false;
  into.status = *status;
  return true;
}

bool read_after(std::string_view& name, fault& into) {
  constexpr std::string_view mark = "-after-";
  const auto at = name.find(mark);
  if (at == std::string_view::npos) return true;
  into.after_bytes = parse_size(name.substr(at + mark.size()));
  name = name.substr(0, at);
  return into.after_bytes.has_value();
}

bool read_kind(std::string_view name, fault& into) {
  const auto bit = 1U << static_cast<unsigned>(into.scope);
  if (into.scope == fault_scope::presign && can_spoil_ticket(name)) {
    into.action = fault_action::spoil_ticket;
    return true;
  }
  // `retry-after` contains the mark of a later fault, so whole names come first.
  for (const auto& kind : kinds) {
    if (kind.name == name && kind.wants == parameter::none && (kind.scopes & bit) != 0) {
      into.action = kind.action;
      return true;
    }
  }
  if (!read_after(name, into)) return false;
  for (const auto& kind : kinds) {
    if ((kind.scopes & bit) == 0 || !name.starts_with(kind.name)) continue;
    if (into.after_bytes && (!kind.may_come_later || into.scope != fault_scope::put)) continue;
    into.action = kind.action;
    if (read_parameter(name.substr(kind.name.size()), kind.wants, into)) return true;
  }
  return false;
}

bool read_share(std::string_view text, fault& into) {
  if (text.starts_with("first-")) {
    into.first = number<std::uint64_t>(text.substr(6));
    return into.first.has_value();
  }
  if (!text.ends_with('%')) return false;
  const auto percent = number<double>(text.substr(0, text.size() - 1));
  if (!percent || !(*percent >= 0 && *percent <= 100)) return false; // "nan" is a number that is neither
  into.share = *percent / 100;
  return true;
}

// Empty when the amount was understood, otherwise what it should look like.
std::string read_amount(std::optional<std::string_view> text, fault& into) {
  switch (into.action) {
  case fault_action::throttle: {
    const auto rate = text && text->ends_with("/s") ? number<double>(text->substr(0, text->size() - 2)) : std::nullopt;
    into.per_second = rate.value_or(0);
    return into.per_second > 0 && std::isfinite(into.per_second) ? "" : "write requests per second, like 200/s";
  }
  case fault_action::retry_after:
    if (!text || text->empty()) return "write seconds, or the text to send, like 2s or -1";
    into.text = *text;
    if (const auto time = parse_duration(*text)) {
      into.text = std::to_string(std::chrono::ceil<std::chrono::seconds>(*time).count());
    }
    return "";
  case fault_action::ahead:
  case fault_action::behind: {
    const auto time = text ? parse_duration(*text) : std::nullopt;
    into.time = time.value_or(std::chrono::milliseconds{0});
    return time ? "" : "write a duration, like 1h";
  }
  default: return !text || read_share(*text, into) ? "" : "write a share or a count, like 2% or first-20";
  }
}

std::string names_for(fault_scope scope) {
  std::string names;
  const auto add = [&](std::string_view name) { names.append(names.empty() ? "" : ", ").append(name); };
  for (const auto& kind : kinds) {
    if ((kind.scopes & (1U << static_cast<unsigned>(scope))) == 0) continue;
    add(kind.wants == parameter::none     ? std::string(kind.name)
        : kind.wants == parameter::status ? std::string(kind.name) + "STATUS"
                                          : std::string(kind.name) + "TIME");
  }
  if (scope == fault_scope::presign) {
    for (const auto name : ticket_spoiler_names()) add(name);
  }
  return names;
}

// SplitMix64's last step: neighbouring numbers come out unlike each other.
std::uint64_t mixed(std::uint64_t value) noexcept {
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t value = 0xCBF29CE484222325ULL; // FNV-1a: the same in every build
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return value;
}

} // namespace

std::variant<fault, std::string> parse_fault(std::string_view spec) {
  fault result;
  const auto colon = spec.find(':');
  const auto scope = std::ranges::find(scope_names, spec.substr(0, colon));
  if (colon == std::string_view::npos || scope == scope_names.end()) {
    return "unknown scope; begin with connection:, presign:, put:, delete: or clock:";
  }
  result.scope = static_cast<fault_scope>(scope - scope_names.begin());
  const auto equals = spec.find('=', colon);
  const auto name = spec.substr(colon + 1, equals == std::string_view::npos ? equals : equals - colon - 1);
  result.name = spec.substr(0, equals);
  if (!read_kind(name, result)) return "unknown fault; this scope has " + names_for(result.scope);
  const auto amount = equals == std::string_view::npos ? std::nullopt : std::optional(spec.substr(equals + 1));
  auto complaint = read_amount(amount, result);
  if (!complaint.empty()) return "unknown amount; " + complaint;
  return result;
}

bool hits(const fault& each, std::uint64_t seed, std::uint64_t number) noexcept {
  if (each.first) return number < *each.first;
  const auto dice = mixed(mixed(seed + hash_of(each.name)) + number * 0x9E3779B97F4A7C15ULL);
  return static_cast<double>(dice >> 11U) * 0x1.0p-53 < each.share;
}

bool judged_by_head(const fault& each) noexcept {
  switch (each.action) {
  case fault_action::answer_early:
  case fault_action::expired:
  case fault_action::expired_other_code:
  case fault_action::expired_token:
  case fault_action::throttle: return true;
  case fault_action::reset:
  case fault_action::close: return !each.after_bytes;
  default: return false;
  }
}

const fault* chosen(const std::vector<fault>& faults, fault_scope scope, std::uint64_t seed,
                    std::uint64_t number) noexcept {
  for (const auto& each : faults) {
    const bool beside_others = each.action == fault_action::throttle || each.action == fault_action::retry_after;
    if (each.scope == scope && !beside_others && hits(each, seed, number)) return &each;
  }
  return nullptr;
}

} // namespace hoist::server
