#include "wire/dates.hpp"

#include "wire/header_rules.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

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

  /// Which of the names stands here, whole or at least its first three letters alone.
  template <std::size_t N>
  int name(const std::array<std::string_view, N>& names) noexcept {
    const std::string_view given = word();
    for (std::size_t i = 0; i < N; ++i)
      if (equal_ignoring_case(given, names[i]) || equal_ignoring_case(given, names[i].substr(0, 3)))
        return static_cast<int>(i);
    return fail();
  }

  /// One or two digits.
  int day() noexcept {
    const bool two = rest_.size() > 1 && is_digit(rest_[1]);
    return digits(two ? 2 : 1);
  }

  /// Letters, as many as there are.
  std::string_view word() noexcept {
    std::size_t n = 0;
    while (n < rest_.size() && is_letter(rest_[n])) ++n;
    const auto letters = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return letters;
  }

  /// At least one.
  void blanks() noexcept {
    literal(" ");
    skip_blanks();
  }
  void skip_blanks() noexcept { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
  std::size_t digits_ahead() const noexcept { return std::min(rest_.find_first_not_of("0123456789"), rest_.size()); }
  bool at_letter() const noexcept { return is_letter(peek()); }
  std::string_view rest() const noexcept { return rest_; }
  void refuse() noexcept { fail(); }

  void drop() noexcept { rest_ = {}; }
  char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  void skip() noexcept { rest_.remove_prefix(1); }
  bool finished() const noexcept { return ok_ && rest_.empty(); }

 private:
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

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

constexpr std::array<std::string_view, 7> weekdays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                   "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> months{"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};

/// ".123456" into whole milliseconds; digits beyond the third are dropped.
int fraction(field_reader& in) noexcept {
  int value = 0;
  int scale = 100;
  in.skip();
  int count = 0;
  for (; std::isdigit(static_cast<unsigned char>(in.peek())) != 0; ++count, scale /= 10) value += in.digits(1) * scale;
  if (count == 0) in.refuse();
  return value;
}

/// "+02:00", "-0800", "+02".
std::chrono::minutes offset(field_reader& in) noexcept {
  const bool east = in.peek() == '+';
  in.one_of("+-");
  const int hours = in.digits(2);
  const bool colon = in.peek() == ':';
  if (colon) in.skip();
  const int minutes = in.digits_ahead() == 0 && !colon ? 0 : in.digits(2);
  if (hours > 23 || minutes > 59) in.refuse(); // an offset is less than a day
  const std::chrono::minutes total = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  return east ? total : -total;
}

/// The names that all mean no offset; those of other zones mean one thing here and another there.
void universal_time(field_reader& in) noexcept {
  constexpr std::array<std::string_view, 4> names{"GMT", "UTC", "UT", "Z"};
  const auto given = in.word();
  if (std::ranges::none_of(names, [&](auto name) { return equal_ignoring_case(given, name); })) in.refuse();
}

/// What stands behind a time of day: nothing, a name, an offset, or an offset and a name for it.
std::chrono::minutes zone(field_reader& in) noexcept {
  const auto before_blanks = in;
  in.skip_blanks();
  if (in.finished()) {
    in = before_blanks; // blanks with nothing behind them are no zone
    return {};
  }
  if (in.at_letter()) {
    universal_time(in);
    return {};
  }
  return offset(in);
}

/// Go adds the zone's name and Java its place, which say nothing that the offset before them does not.
void zone_again(field_reader& in) noexcept {
  if (in.peek() == '[' && in.rest().ends_with(']')) return in.drop();
  if (in.peek() != ' ') return;
  in.skip();
  const std::size_t letters = in.word().size();
  if (letters < 3 || letters > 4) in.refuse();
}

/// Whether there were seconds.
bool time_of_day(field_reader& in, calendar& c) noexcept {
  c.hour = in.digits(2);
  in.literal(":");
  c.minute = in.digits(2);
  if (in.peek() != ':') return false;
  in.skip();
  c.second = in.digits(2);
  return true;
}

int year(field_reader& in) noexcept {
  if (in.digits_ahead() != 2) return in.digits(4);
  const int short_year = in.digits(2);
  return short_year + (short_year < 70 ? 2000 : 1900);
}

/// "Nov  6 08:49:37 1994", the rest of what C's asctime writes; some programs put the zone before the year.
std::chrono::minutes asctime(field_reader& in, calendar& c) noexcept {
  c.month = in.name(months) + 1;
  in.blanks();
  c.day = in.day();
  in.blanks();
  if (!time_of_day(in, c)) in.refuse();
  in.blanks();
  if (in.at_letter()) {
    universal_time(in);
    in.blanks();
  }
  c.year = in.digits(4);
  return {};
}

/// "06 Nov 1994 08:49:37 GMT", or with dashes.
std::chrono::minutes day_first(field_reader& in, calendar& c) noexcept {
  c.day = in.day();
  const std::string_view separator = in.peek() == '-' ? "-" : " ";
  in.literal(separator);
  c.month = in.name(months) + 1;
  in.literal(separator);
  c.year = year(in);
  in.blanks();
  if (!time_of_day(in, c)) in.refuse();
  return zone(in);
}

} // namespace

std::optional<wall_time> parse_http_date(std::string_view text) noexcept {
  field_reader in(without_blanks(text));
  calendar c{};
  in.name(weekdays);
  if (in.peek() == ',') in.skip();
  in.blanks();
  const auto from_utc = in.at_letter() ? asctime(in, c) : day_first(in, c);
  if (!in.finished()) return std::nullopt;
  const auto local = to_time(c);
  if (!local) return std::nullopt;
  return *local - from_utc;
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
  const bool to_the_second = time_of_day(in, c);
  const int milliseconds = to_the_second && (in.peek() == '.' || in.peek() == ',') ? fraction(in) : 0;
  const auto from_utc = zone(in);
  zone_again(in);
  if (!in.finished()) return std::nullopt;
  const auto local = to_time(c);
  if (!local) return std::nullopt;
  return *local + millis{milliseconds} - from_utc;
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

std::optional<wall_time> parse_epoch(double number) noexcept {
  constexpr double seconds_min = 946'684'800, seconds_max = 7'258'118'400; // 2000-01-01, 2200-01-01
  if (number >= seconds_min && number < seconds_max) return wall_time{millis{std::llround(number * 1000)}};
  if (number >= seconds_min * 1000 && number < seconds_max * 1000) return wall_time{millis{std::llround(number)}};
  return std::nullopt;
}

std::optional<wall_time> parse_expires_at(std::string_view text) noexcept {
  text = without_blanks(text);
  if (const auto time = parse_iso8601(text)) return time;
  if (const auto time = parse_http_date(text)) return time;
  if (const auto time = parse_amz_date(text)) return time;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return parse_epoch(static_cast<double>(number));
}

std::optional<millis> parse_retry_after(std::string_view text, wall_time date) noexcept {
  constexpr std::int64_t seconds_max = 1'000'000'000; // more means "for ever" and would overflow milliseconds
  constexpr std::string_view digits = "0123456789";
  text = without_blanks(text);
  const bool negative = text.starts_with('-');
  const auto number = text.substr(negative ? 1 : 0);
  const auto whole = number.substr(0, number.find_first_not_of(digits));
  const auto behind = number.substr(whole.size());
  const bool fraction =
      behind.size() > 1 && behind.starts_with('.') && behind.find_first_not_of(digits, 1) == std::string_view::npos;
  if (!whole.empty() && (behind.empty() || fraction)) {
    if (negative) return millis{0};
    std::int64_t seconds = 0;
    const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
    if (error == std::errc::result_out_of_range) seconds = seconds_max;
    return millis{(std::min(seconds, seconds_max - 1) + (fraction ? 1 : 0)) * 1000};
  }
  const auto until = parse_http_date(text);
  if (!until) return std::nullopt;
  return std::max(*until - date, millis{0});
}

} // namespace hoist::wire
