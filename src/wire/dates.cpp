#include "wire/dates.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace hoist::wire {

namespace {

using core::millis;
using core::wall_time;

/// Reads fixed-width fields from the left; one failure makes all that follows fail.
class field_reader {
 public:
  explicit field_reader(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) noexcept {
    if (rest_.size() < count) return fail();
    int value = 0;
    for (char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return fail();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(count);
    return value;
  }

  void one_of(std::string_view allowed) noexcept {
    if (rest_.empty() || allowed.find(rest_.front()) == std::string_view::npos) return void(fail());
    rest_.remove_prefix(1);
  }

  void literal(std::string_view expected) noexcept {
    if (!rest_.starts_with(expected)) return void(fail());
    rest_.remove_prefix(expected.size());
  }

  template <std::size_t N>
  int name(const std::array<std::string_view, N>& names) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
      if (!rest_.starts_with(names[i])) continue;
      rest_.remove_prefix(names[i].size());
      return static_cast<int>(i);
    }
    return fail();
  }

  char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  void skip() noexcept { rest_.remove_prefix(1); }
  bool finished() const noexcept { return ok_ && rest_.empty(); }

 private:
  int fail() noexcept {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

struct calendar {
  int year, month, day, hour, minute, second;
};

std::optional<wall_time> to_time(const calendar& c) noexcept {
  using namespace std::chrono;
  const year_month_day date{year{c.year}, month{static_cast<unsigned>(c.month)}, day{static_cast<unsigned>(c.day)}};
  if (!date.ok() || c.hour > 23 || c.minute > 59 || c.second > 60) return std::nullopt; // 60: a leap second
  return wall_time{sys_days{date} + hours{c.hour} + minutes{c.minute} + seconds{c.second}};
}

constexpr std::array<std::string_view, 7> weekdays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// ".123456" into whole milliseconds; digits beyond the third are dropped.
int fraction(field_reader& in) noexcept {
  int value = 0;
  int scale = 100;
  in.skip();
  int count = 0;
  for (; std::isdigit(static_cast<unsigned char>(in.peek())) != 0; ++count, scale /= 10) value += in.digits(1) * scale;
  if (count == 0) in.literal("a fraction has digits"); // fails the reader
  return value;
}

std::chrono::minutes zone(field_reader& in) noexcept {
  const char sign = in.peek();
  if (sign == '\0') return {};
  if (sign != '+' && sign != '-') {
    in.one_of("Zz");
    return {};
  }
  in.skip();
  const int hours = in.digits(2);
  const bool colon = in.peek() == ':';
  if (colon) in.skip();
  const int minutes = in.peek() == '\0' && !colon ? 0 : in.digits(2);
  if (hours > 23 || minutes > 59) in.literal("an offset is less than a day"); // fails the reader
  const std::chrono::minutes offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  return sign == '+' ? offset : -offset;
}

} // namespace

std::optional<wall_time> parse_http_date(std::string_view text) noexcept {
  field_reader in(text);
  calendar c{};
  in.name(weekdays);
  in.literal(", ");
  c.day = in.digits(2);
  in.literal(" ");
  c.month = in.name(months) + 1;
  in.literal(" ");
  c.year = in.digits(4);
  in.literal(" ");
  c.hour = in.digits(2);
  in.literal(":");
  c.minute = in.digits(2);
  in.literal(":");
  c.second = in.digits(2);
  in.literal(" GMT");
  return in.finished() ? to_time(c) : std::nullopt;
}

std::optional<wall_time> parse_iso8601(std::string_view text) noexcept {
  field_reader in(text);
  calendar c{};
  c.year = in.digits(4);
  in.literal("-");
  c.month = in.digits(2);
  in.literal("-");
  c.day = in.digits(2);
  in.one_of("Tt ");
  c.hour = in.digits(2);
  in.literal(":");
  c.minute = in.digits(2);
  in.literal(":");
  c.second = in.digits(2);
  const int milliseconds = in.peek() == '.' || in.peek() == ',' ? fraction(in) : 0;
  const auto offset = zone(in);
  if (!in.finished()) return std::nullopt;
  const auto local = to_time(c);
  if (!local) return std::nullopt;
  return *local + millis{milliseconds} - offset;
}

std::optional<wall_time> parse_amz_date(std::string_view text) noexcept {
  field_reader in(text);
  calendar c{};
  c.year = in.digits(4);
  c.month = in.digits(2);
  c.day = in.digits(2);
  in.literal("T");
  c.hour = in.digits(2);
  c.minute = in.digits(2);
  c.second = in.digits(2);
  in.literal("Z");
  return in.finished() ? to_time(c) : std::nullopt;
}

std::optional<millis> parse_retry_after(std::string_view text, wall_time date) noexcept {
  const auto digits_only = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (!text.empty() && digits_only) {
    constexpr std::int64_t seconds_max = 1'000'000'000; // more means "for ever" and would overflow milliseconds
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error == std::errc::result_out_of_range) seconds = seconds_max;
    return millis{std::min(seconds, seconds_max) * 1000};
  }
  const auto until = parse_http_date(text);
  if (!until) return std::nullopt;
  return std::max(*until - date, millis{0});
}

} // namespace hoist::wire
