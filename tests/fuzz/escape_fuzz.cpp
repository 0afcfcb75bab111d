// What people and logs see of names and servers' words: one line, valid UTF-8, nothing that steers a terminal; and
// where a text can be read back, it is the one that was written.

#include "cli/base/escape.hpp"
#include "cli/rows/json.hpp"
#include "fuzz.hpp"
#include "server/base/encoding.hpp"
#include "terminal.hpp"
#include "wire/escape.hpp"

#include <simdjson.h>

#include <algorithm>

namespace {

using namespace hoist;
using fuzz::harmless;
using fuzz::require;

/// What wire::printable shows, with its doubled backslashes made single, is what came in, unless something was escaped.
void check_wire(std::string_view text) {
  for (const std::size_t most : {std::size_t{0}, std::size_t{7}, std::size_t{512}}) {
    const auto shown = wire::printable(text, most);
    require(harmless(shown), "a log line is harmless");
    require(shown.size() <= 4 * most + 3, "a log line is bounded");
  }
  if (harmless(text) && text.find('\\') == std::string_view::npos && text.size() <= 512)
    require(wire::printable(text) == text, "harmless text is shown as it is");
}

void check_cli(std::string_view text) {
  const auto shown = cli::escaped(text);
  require(harmless(shown), "a message is harmless");
  if (harmless(text) && text.find('\\') == std::string_view::npos)
    require(shown == text, "harmless text is shown as it is");
}

/// The word as sh reads it back: quotes taken off, octal digits of $'...' made bytes.
std::string read_by_a_shell(std::string_view word) {
  std::string out;
  const bool ansi = word.starts_with("$'");
  bool quoted = false;
  for (std::size_t i = ansi ? 1 : 0; i < word.size(); ++i) {
    if (word[i] == '\'') {
      quoted = !quoted;
    } else if (word[i] == '\\' && (ansi || !quoted)) {
      const auto digit = [&](std::size_t n) { return i + n < word.size() && word[i + n] >= '0' && word[i + n] <= '7'; };
      if (ansi && digit(1)) {
        require(digit(2) && digit(3), "an octal escape has three digits");
        out += static_cast<char>((word[i + 1] - '0') * 64 + (word[i + 2] - '0') * 8 + (word[i + 3] - '0'));
        i += 3;
      } else {
        out += word[++i];
      }
    } else {
      require(quoted || std::string_view(" \t\n$`\"*?[]{}();&|<>!#~^").find(word[i]) == std::string_view::npos ||
                  (ansi && i == 0),
              "outside of quotes a shell finds nothing to do");
      out += word[i];
    }
  }
  require(!quoted, "quotes are closed");
  return out;
}

void check_shell(std::string_view text) {
  const auto word = cli::shell_quoted(text);
  require(harmless(word) && !word.empty(), "a word for the shell is harmless");
  require(read_by_a_shell(word) == text, "a shell reads the word that was meant");
}

void check_json(std::string_view text) {
  const auto json = cli::json_string(text);
  require(harmless(json), "a row is harmless");
  static simdjson::dom::parser parser;
  std::string_view read;
  simdjson::dom::element document; // an array: a bare string is no document to some parsers
  const std::string array = "[" + json + "]";
  require(parser.parse(array).get(document) == simdjson::SUCCESS && document.at(0).get(read) == simdjson::SUCCESS,
          "a JSON string is one");
  if (cli::is_utf8(text)) require(read == text, "and is read back");
  require(harmless(cli::json_string(text)), "whatever was in it");

  const auto base64 = cli::base64(text);
  const auto bytes = server::from_base64(base64);
  require(bytes && std::ranges::equal(*bytes, text, {}, {}, [](char c) { return static_cast<std::uint8_t>(c); }),
          "bytes in base64 are read back");

  std::string other = "[\"";
  server::append_json_escaped(other, text);
  other += "\"]";
  const bool parsed =
      parser.parse(other).get(document) == simdjson::SUCCESS && document.at(0).get(read) == simdjson::SUCCESS;
  require(parsed == cli::is_utf8(text) && (!parsed || read == text), "the server's JSON is read back, where it can be");
}

void check_uri(std::string_view text) {
  const auto encoded = server::uri_encoded(text);
  require(encoded.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%") ==
              std::string::npos,
          "an encoded text is plain");
  require(server::uri_decoded(encoded, server::plus_sign::space) == text, "and is read back");
  if (const auto decoded = server::uri_decoded(text, server::plus_sign::literal))
    require(decoded->size() <= text.size(), "decoding makes nothing longer");
  if (const auto bytes = server::from_base64(text))
    require(server::to_base64(*bytes).size() == text.size(), "base64 has one length");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  check_wire(input.text());
  check_cli(input.text());
  check_shell(input.text());
  check_json(input.text());
  check_uri(input.text());
  return 0;
}
