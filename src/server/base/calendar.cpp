#include "server/base/calendar.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace hoist::server {
namespace {

struct broken_down {
  int year;
  unsigned month, day, weekday, hour, minute, second;
};

broken_down split(unix_time at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  return {int(date.year()),
          unsigned(date.month()),
          unsigned(date.day()),
          weekday{day}.c_encoding(),
          static_cast<unsigned>(time.hours().count()),
          static_cast<unsigned>(time.minutes().count()),
          static_cast<unsigned>(time.seconds().count())};
}

template <typename... Values>
std::string formatted(const char* pattern, Values... values) {
  std::array<char, 64> text{};
  const int length = std::snprintf(text.data(), text.size(), pattern, values...);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<int> digits(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-') return std::nullopt;
  return value;
}

} // namespace

std::string to_iso8601(unix_time at) {
  const auto t = split(at);
  return formatted("%04d-%02u-%02uT%02u:%02u:%02uZ", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

std::string to_amz_date(unix_time at) {
  const auto t = split(at);
  return formatted("%04d%02u%02uT%02u%02u%02uZ", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

std::string to_http_date(unix_time at) {
  static constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto t = split(at);
  return formatted("%s, %02u %s %04d %02u:%02u:%02u GMT", days[t.weekday], t.day, months[t.month - 1], t.year, t.hour,
                   t.minute, t.second);
}

std::optional<unix_time> from_amz_date(std::string_view text) {
  using namespace std::chrono;
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto y = digits(text.substr(0, 4));
  const auto mo = digits(text.substr(4, 2));
  const auto d = digits(text.substr(6, 2));
  const auto h = digits(text.substr(9, 2));
  const auto mi = digits(text.substr(11, 2));
  const auto s = digits(text.substr(13, 2));
  if (!y || !mo || !d || !h || !mi || !s) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*mo)}, day{static_cast<unsigned>(*d)}};
  if (!date.ok() || *h > 23 || *mi > 59 || *s > 59) return std::nullopt;
  return sys_days{date} + hours{*h} + minutes{*mi} + seconds{*s};
}

} // namespace hoist::server
