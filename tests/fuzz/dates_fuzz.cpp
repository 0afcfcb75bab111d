// wire/dates: what is read is a time within the calendar; hoist-server's own calendar writes the same text back.

#include "fuzz.hpp"
#include "server/base/calendar.hpp"
#include "wire/dates.hpp"

#include <algorithm>

namespace {

using namespace hoist;
using namespace std::chrono_literals;
using fuzz::require;

constexpr core::wall_time begin{std::chrono::sys_days{std::chrono::year{0} / 1 / 1}};
constexpr core::wall_time end{std::chrono::sys_days{std::chrono::year{10'000} / 1 / 2}};

bool in_calendar(core::wall_time t) {
  return t >= begin - 24h && t < end;
}
server::unix_time seconds_of(core::wall_time t) {
  return std::chrono::floor<std::chrono::seconds>(t);
}
bool leap_second(std::string_view text, std::size_t at) {
  return text.size() >= at + 2 && text.substr(at, 2) == "60";
}

void check_reading(std::string_view text) {
  if (const auto t = wire::parse_http_date(text)) {
    require(in_calendar(*t), "an HTTP date is within its four digits");
    const auto written = server::to_http_date(seconds_of(*t));
    if (written.size() == 29)
      require(wire::parse_http_date(written) == t,
              "an HTTP date, whatever its spelling, is a second that is read back");
  }
  if (const auto t = wire::parse_iso8601(text)) require(in_calendar(*t), "an ISO date is within its four digits");
  if (const auto t = wire::parse_expires_at(text)) require(in_calendar(*t), "an expiry is within the calendar");
  const auto amz = wire::parse_amz_date(text);
  if (amz) {
    require(in_calendar(*amz), "a signature's date is within its four digits");
    if (!leap_second(text, 13))
      require(server::to_amz_date(seconds_of(*amz)) == text, "a signature's date is written back");
  }
  if (const auto other = server::from_amz_date(text))
    require(amz && seconds_of(*amz) == *other, "client and server read one date alike");
}

void check_retry_after(std::string_view text, core::wall_time date) {
  const auto wait = wire::parse_retry_after(text, date);
  if (!wait) return;
  require(*wait >= 0ms, "nobody is told to wait less than nothing");
  const bool digits = text.find_first_not_of("0123456789") == std::string_view::npos;
  require(*wait <= (digits ? core::millis{1'000'000'000'000} : end - begin + 24h), "a wait has a bound");
  if (!digits) return;
  const auto longer = wire::parse_retry_after(std::string(text) + "0", date);
  require(longer && *longer >= *wait, "one digit more is no shorter wait");
}

/// Every second of the calendar, in each spelling.
void check_writing(server::unix_time at) {
  require(wire::parse_http_date(server::to_http_date(at)) == core::wall_time{at}, "an HTTP date is read back");
  require(wire::parse_iso8601(server::to_iso8601(at)) == core::wall_time{at}, "an ISO date is read back");
  require(wire::parse_amz_date(server::to_amz_date(at)) == core::wall_time{at}, "a signature's date is read back");
  require(server::from_amz_date(server::to_amz_date(at)) == at, "and by the server too");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  check_reading(input.text());
  std::uint64_t number = 0;
  std::memcpy(&number, data, std::min(size, sizeof number));
  const auto span = std::chrono::duration_cast<std::chrono::seconds>(end - 24h - begin).count();
  const server::unix_time at{
      seconds_of(begin) + std::chrono::seconds{static_cast<std::int64_t>(number % static_cast<std::uint64_t>(span))}};
  check_writing(at);
  check_retry_after(input.text(), core::wall_time{at});
  return 0;
}
