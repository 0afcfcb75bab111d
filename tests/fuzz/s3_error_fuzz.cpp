// wire::parse_s3_error: bounded on any input, and what hoist-server writes is read as it was meant. And
// wire::read_web_page, which looks at the same bodies.

#include "fuzz.hpp"
#include "server/http/s3_error.hpp"
#include "wire/s3_error.hpp"
#include "wire/web_page.hpp"

#include <algorithm>
#include <string>

namespace {

using namespace hoist;
using fuzz::require;

void check_bounds(const wire::s3_error& e) {
  require(e.code.size() <= 128 && e.message.size() <= 256 && e.request_id.size() <= 128,
          "what a storage says is bounded");
}

/// XML has no spelling for controls, and drops text that is nothing but space.
bool survives(std::string_view text) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) >= 0x20; };
  return std::ranges::all_of(text, plain) && (text.empty() || text.find_first_not_of(' ') != std::string_view::npos);
}

void check_written(std::string_view text) {
  const auto code = fuzz::take_line(text).substr(0, 128), message = text.substr(0, 256);
  const auto read = wire::parse_s3_error(
      server::to_xml({403, std::string(code), std::string(message), {{"Further", std::string(text)}}}, {"ID", "HOST"}));
  check_bounds(read);
  require(read.request_id == "ID", "the text of one element changes no other");
  const bool trimmed =
      code.empty() || (code.front() != ' ' && code.back() != ' '); // a code is read without the blanks around it
  if (trimmed && survives(code)) require(read.code == code, "a code is read as it was written");
  if (survives(message)) require(read.message == message, "a message is read as it was written");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  check_bounds(wire::parse_s3_error(input.text()));
  check_written(input.text());
  for (const std::string& body : {std::string(input.text()), "<html>" + std::string(input.text())}) {
    const auto page = wire::read_web_page(body);
    require(!page || (page->words.size() <= 80 && page->words.find('\n') == std::string::npos),
            "a page's words are one short line");
  }
  return 0;
}
