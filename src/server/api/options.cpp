#include "server/api/options.hpp"

#include <cctype>
#include <charconv>
#include <initializer_list>
#include <optional>

#include <CLI/CLI.hpp>
#include <boost/asio/ip/address.hpp>
#include <spdlog/spdlog.h>

#include "server/base/quantity.hpp"

namespace hoist::server {
namespace {

// As given, before any of it has a meaning: so that every complaint is ours, with the flag, the reason and the remedy.
struct raw_options {
  std::string bind = "127.0.0.1", advertise_host, port = "0", storage_port, suite;
  std::string state, certificate, key, api_key_file;
  std::string expires_at = "url", url_lifetime = "15m", retention = "180d", size_max = "104857600";
  std::string digest = "md5", put_delay = "0", presign_delay = "0", bandwidth, idle_timeout = "60s";
  std::string requests_max = "0", threads = "0", fault_seed = "1", log_level = "info";
  bool plain_http = false, allow_public_bind = false, discard = false, fsync = false;
  std::vector<std::string> faults;
};

std::string variable_of(std::string_view flag) {
  std::string name = "HOIST_SERVER_";
  for (const char c : flag.substr(2)) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

void add_text(CLI::App& app, const char* flag, std::string& into, const char* help) {
  app.add_option(flag, into, help)->envname(variable_of(flag))->capture_default_str();
}

void add_switch(CLI::App& app, const char* flag, bool& into, const char* help) {
  app.add_flag(flag, into, help)->envname(variable_of(flag));
}

void declare_place(CLI::App& app, raw_options& raw) {
  add_text(app, "--bind", raw.bind, "Address to listen on; anything but loopback needs --allow-public-bind");
  add_switch(app, "--allow-public-bind", raw.allow_public_bind, "Allow an address that other machines can reach");
  add_text(app, "--advertise-host", raw.advertise_host,
           "Host name in URLs and in the certificate (default: what is bound)");
  add_text(app, "--port", raw.port, "Port of the API; 0 takes a free one");
  add_text(app, "--storage-port", raw.storage_port, "Port of the storage (default: the API's; 0 takes a free one)");
  add_switch(app, "--plain-http", raw.plain_http, "No TLS");
  add_text(app, "--suite", raw.suite, "TLS 1.3 cipher suite to insist on");
  add_text(app, "--cert", raw.certificate, "Certificate chain to use instead of one of our own making (PEM)");
  add_text(app, "--key", raw.key, "Its private key (PEM)");
  add_text(app, "--api-key-file", raw.api_key_file, "File whose first line is the API key (default: a random one)");
  add_text(app, "--state", raw.state,
           "Folder for certificates, keys, objects and the index; used again at the next start;\n"
           "one that is not empty has to be of an earlier start\n"
           "(default: a fresh temporary folder, removed at exit)");
}

void declare_behaviour(CLI::App& app, raw_options& raw) {
  add_text(app, "--expires-at", raw.expires_at, "What expires_at means: 'url' or 'retention'");
  add_text(app, "--url-lifetime", raw.url_lifetime, "How long a presigned URL lives; whole seconds, rounded up");
  add_text(app, "--retention", raw.retention, "How long a file is kept when the request does not say");
  add_text(app, "--max-size", raw.size_max, "Largest file");
  add_switch(app, "--discard", raw.discard, "Drop bodies; keep size and digest only");
  add_text(app, "--digest", raw.digest, "none (with --discard), md5, or sha256 (beside MD5)");
  add_switch(app, "--fsync", raw.fsync, "Survive a power cut, not only a killed process");
  add_text(app, "--put-delay", raw.put_delay, "Wait before a PUT is answered");
  add_text(app, "--presign-delay", raw.presign_delay, "Wait before a presign is answered");
  add_text(app, "--bandwidth", raw.bandwidth, "Limit for received bodies, whole server, e.g. 50MB/s");
  add_text(app, "--idle-timeout", raw.idle_timeout, "Close connections that ask for nothing this long");
  add_text(app, "--max-requests", raw.requests_max, "Requests per connection; 0 is unlimited");
  add_text(app, "--threads", raw.threads, "Threads that serve; 0 is one per core");
  app.add_option("--fault", raw.faults, "SCOPE:NAME=AMOUNT, repeatable: see the table in the README; put:return-503=2%")
      ->envname("HOIST_SERVER_FAULT")
      ->delimiter(',');
  add_text(app, "--fault-seed", raw.fault_seed, "Which requests the faults hit");
  add_text(app, "--log-level", raw.log_level, "trace, debug, info, warn, error or off; the log goes to stderr");
}

[[noreturn]] void refuse(const std::string& flag, const std::string& value, const std::string& reason,
                         const std::string& remedy) {
  throw usage_error(flag + " '" + value + "': " + reason + "; " + remedy);
}

template <typename Number>
Number number(const char* flag, const std::string& text, Number largest) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value <= largest) return static_cast<Number>(value);
  refuse(flag, text, "not a whole number in range", "give one from 0 to " + std::to_string(largest));
}

std::chrono::milliseconds duration(const char* flag, const std::string& text) {
  if (const auto value = parse_duration(text)) return *value;
  refuse(flag, text, "not a duration", "write a number and ms, s, m, h or d, like 15m (a bare number is seconds)");
}

std::chrono::seconds seconds_at_least(const char* flag, const std::string& text, std::chrono::seconds least,
                                      std::chrono::seconds most) {
  const auto value = std::chrono::ceil<std::chrono::seconds>(duration(flag, text));
  if (value >= least && value <= most) return value;
  refuse(flag, text, "out of range",
         "give " + std::to_string(least.count()) + " to " + std::to_string(most.count()) + " seconds");
}

std::uint64_t rate(const char* flag, const std::string& text) {
  if (text.empty()) return 0;
  const auto value = parse_rate(text);
  if (value && *value > 0) return *value;
  refuse(flag, text, "not a rate", "write a size per second, like 50MB/s");
}

std::uint64_t size(const char* flag, const std::string& text) {
  if (const auto value = parse_size(text)) return *value;
  refuse(flag, text, "not a size", "write bytes or a number with KB, MB, GB, KiB, MiB, GiB, like 100MB");
}

template <typename Choice>
Choice choice(const char* flag, const std::string& text, std::initializer_list<std::pair<const char*, Choice>> known) {
  std::string names;
  for (const auto& [name, value] : known) {
    if (text == name) return value;
    names.append(names.empty() ? "" : ", ").append(name);
  }
  refuse(flag, text, "unknown", "choose one of " + names);
}

void check_bind(const raw_options& raw) {
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(raw.bind, ec);
  if (ec) refuse("--bind", raw.bind, "not an IP address", "give one such as 127.0.0.1 or ::1");
  if (address.is_loopback() || raw.allow_public_bind) return;
  refuse("--bind", raw.bind, "other machines could reach it",
         "use a loopback address, or add --allow-public-bind if that is what you want");
}

void check_combinations(const raw_options& raw) {
  if (raw.certificate.empty() != raw.key.empty()) {
    refuse(raw.certificate.empty() ? "--cert" : "--key", raw.certificate + raw.key, "half of a pair",
           "give --cert and --key together");
  }
  if (raw.plain_http && !(raw.certificate + raw.suite).empty()) {
    refuse("--plain-http", "on", "--cert and --suite need TLS", "drop one or the other");
  }
  if (raw.digest == "none" && !raw.discard) {
    refuse("--digest", raw.digest, "stored objects need the MD5 that is their ETag", "add --discard or drop it");
  }
  if (spdlog::level::from_str(raw.log_level) == spdlog::level::off && raw.log_level != "off") {
    refuse("--log-level", raw.log_level, "unknown", "choose one of trace, debug, info, warn, error, off");
  }
}

fault understood_fault(const std::string& spec) {
  auto parsed = parse_fault(spec);
  if (auto* good = std::get_if<fault>(&parsed)) return std::move(*good);
  const auto& complaint = std::get<std::string>(parsed);
  const auto middle = complaint.find("; ");
  refuse("--fault", spec, complaint.substr(0, middle), complaint.substr(middle + 2));
}

server_options understood(const raw_options& raw) {
  using std::chrono::seconds;
  check_bind(raw);
  check_combinations(raw);
  server_options options;
  options.bind = raw.bind;
  options.advertise_host = raw.advertise_host;
  options.port = number<std::uint16_t>("--port", raw.port, 65535);
  options.own_storage_port = !raw.storage_port.empty();
  if (options.own_storage_port) options.storage_port = number<std::uint16_t>("--storage-port", raw.storage_port, 65535);
  options.plain_http = raw.plain_http;
  options.suite = raw.suite;
  options.state = raw.state;
  options.certificate = raw.certificate;
  options.key = raw.key;
  options.api_key_file = raw.api_key_file;
  options.expires_at = choice<expires_at_means>(
      "--expires-at", raw.expires_at, {{"url", expires_at_means::url}, {"retention", expires_at_means::retention}});
  options.url_lifetime = seconds_at_least("--url-lifetime", raw.url_lifetime, seconds{1}, seconds{604'800});
  options.retention = seconds_at_least("--retention", raw.retention, seconds{1}, seconds{31'536'000});
  options.size_max = size("--max-size", raw.size_max);
  options.discard = raw.discard;
  options.digest =
      choice<digest_kind>("--digest", raw.digest,
                          {{"none", digest_kind::none}, {"md5", digest_kind::md5}, {"sha256", digest_kind::sha256}});
  options.fsync = raw.fsync;
  options.put_delay = duration("--put-delay", raw.put_delay);
  options.presign_delay = duration("--presign-delay", raw.presign_delay);
  options.bandwidth = rate("--bandwidth", raw.bandwidth);
  options.idle_timeout = duration("--idle-timeout", raw.idle_timeout);
  options.requests_max = number<std::uint64_t>("--max-requests", raw.requests_max, 1'000'000'000);
  options.threads = number<unsigned>("--threads", raw.threads, 1024);
  for (const auto& spec : raw.faults) options.faults.push_back(understood_fault(spec));
  options.fault_seed = number<std::uint64_t>("--fault-seed", raw.fault_seed, ~std::uint64_t{0});
  options.log_level = raw.log_level;
  return options;
}

} // namespace

std::variant<server_options, int> parse_options(int argc, const char* const* argv) {
  raw_options raw;
  CLI::App app{"The presign API and the storage behind it, on one machine.\n"
               "Prints one JSON line on stdout when it is ready. Each flag also reads HOIST_SERVER_<FLAG>.\n"
               "Exit codes: 0 stopped by a signal, 2 usage, 4 cannot start.",
               "hoist-server"};
  declare_place(app, raw);
  declare_behaviour(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw usage_error(std::string(error.what()) + "; see hoist-server --help");
  }
  return understood(raw);
}

} // namespace hoist::server
