// The words of the error codes.

#include <hoist/diagnostics.hpp>
#include <hoist/error.hpp>
#include <hoist/report.hpp>

#include <string>

namespace hoist {

namespace {

struct words {
  errc code;
  std::string_view name;
  std::string_view message;
  condition group;
};

constexpr words table[] = {
    {errc::source_missing, "source_missing", "no such file", condition::permanent},
    {errc::source_unreadable, "source_unreadable", "the file cannot be read", condition::permanent},
    {errc::source_not_regular, "source_not_regular", "not a regular file", condition::permanent},
    {errc::source_too_large, "source_too_large", "the file is over the size limit", condition::permanent},
    {errc::source_changed, "source_changed", "the file kept changing while it was sent", condition::transient},
    {errc::presign_rejected, "presign_rejected", "the API will not sign this file", condition::permanent},
    {errc::presign_malformed, "presign_malformed", "the API's reply breaks the contract", condition::permanent},
    {errc::header_refused, "header_refused", "a required header may not be sent", condition::permanent},
    {errc::url_refused, "url_refused", "a URL of the API's reply may not be used", condition::permanent},
    {errc::ticket_lapsed, "ticket_lapsed", "every presigned URL lapsed before its use", condition::expired},
    {errc::storage_rejected, "storage_rejected", "the storage will not take this file", condition::permanent},
    {errc::storage_refused, "storage_refused", "the storage refuses fresh URLs", condition::permanent},
    {errc::digest_mismatch, "digest_mismatch", "the storage holds other bytes than were read", condition::transient},
    {errc::gave_up, "gave_up", "transient failures went on for too long", condition::transient},
    {errc::api_unreachable, "api_unreachable", "the API cannot be reached", condition::transient},
    {errc::tls_refused, "tls_refused", "TLS refused", condition::permanent},
    {errc::address_refused, "address_refused", "the storage leads to a forbidden address", condition::permanent},
    {errc::private_storage, "private_storage", "the storage leads to a private address", condition::permanent},
    {errc::key_refused, "key_refused", "the API key was refused", condition::permanent},
    {errc::cancelled, "cancelled", "cancelled", condition::cancelled},
    {errc::invalid_options, "invalid_options", "invalid options", condition::misuse},
    {errc::ledger_failed, "ledger_failed", "the ledger cannot be used", condition::permanent},
    {errc::not_failed_before, "not_failed_before", "not among the files that failed before", condition::permanent},
    {errc::removal_rejected, "removal_rejected", "the API will not delete this id", condition::permanent},
    {errc::not_stored, "not_stored", "the API has no file of this id", condition::permanent},
    {errc::api_refused, "api_refused", "the API refuses every file", condition::permanent},
    {errc::storage_malformed, "storage_malformed", "the storage's answers cannot be read", condition::permanent},
};

const words* find(int code) noexcept {
  for (const words& w : table)
    if (static_cast<int>(w.code) == code) return &w;
  return nullptr;
}

class hoist_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "hoist"; }
  std::string message(int code) const override {
    const words* w = find(code);
    return std::string(w != nullptr ? w->message : "unknown error");
  }
  bool equivalent(int code, const boost::system::error_condition& group) const noexcept override {
    const words* w = find(code);
    if (w != nullptr && group.category() == condition_category()) return static_cast<int>(w->group) == group.value();
    return boost::system::error_category::equivalent(code, group);
  }
};

class hoist_condition_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "hoist.condition"; }
  std::string message(int code) const override {
    switch (static_cast<condition>(code)) {
    case condition::transient: return "transient";
    case condition::permanent: return "permanent";
    case condition::expired: return "expired";
    case condition::cancelled: return "cancelled";
    case condition::misuse: return "misuse";
    }
    return "unknown condition";
  }
};

} // namespace

std::string_view name_of(errc code) noexcept {
  const words* w = find(static_cast<int>(code));
  return w != nullptr ? w->name : "unknown";
}

std::string_view name_of(phase p) noexcept {
  switch (p) {
  case phase::source: return "source";
  case phase::presign: return "presign";
  case phase::connect: return "connect";
  case phase::put: return "put";
  case phase::record: return "record";
  case phase::remove: return "remove";
  }
  return "unknown";
}

std::string_view name_of(verification v) noexcept {
  switch (v) {
  case verification::none: return "none";
  case verification::size: return "size";
  case verification::md5: return "md5";
  }
  return "unknown";
}

std::string_view name_of(limit l) noexcept {
  switch (l) {
  case limit::none: return "none";
  case limit::source: return "source";
  case limit::presign_api: return "presign_api";
  case limit::storage: return "storage";
  case limit::concurrency: return "concurrency";
  case limit::sink: return "sink";
  case limit::waiting: return "waiting";
  }
  return "unknown";
}

const boost::system::error_category& category() noexcept {
  static const hoist_category instance;
  return instance;
}

const boost::system::error_category& condition_category() noexcept {
  static const hoist_condition_category instance;
  return instance;
}

error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), category()};
}

boost::system::error_condition make_error_condition(condition group) noexcept {
  return {static_cast<int>(group), condition_category()};
}

} // namespace hoist
