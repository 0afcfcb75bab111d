// cli::list_reader: the entries of a list, in either form and however they arrive, are the input's pieces in order; and
// what the filters say of them.
//
// The input is one line, a pattern, and then the list.

#include "cli/inputs/filter.hpp"
#include "cli/inputs/list_reader.hpp"
#include "fuzz.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

namespace {

using namespace hoist;
using fuzz::require;

struct reading {
  std::vector<std::string> entries;
  bool whole = true;
};

/// Through a socket that keeps packets apart: each read returns one piece.
reading read_in_pieces(std::string_view text, char separator, std::size_t most) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  cli::unique_fd writer(ends[0]);
  static const cli::stop_sign never;
  cli::list_reader reader(cli::unique_fd(ends[1]), separator, never);
  fuzz::piece_sizes sizes(text);
  for (int pieces = 0; !text.empty() && pieces < 100; ++pieces) { // a socket holds a few hundred packets
    const auto piece = text.substr(0, pieces == 99 ? text.size() : sizes.next(most));
    if (::send(writer.get(), piece.data(), piece.size(), MSG_DONTWAIT) != static_cast<ssize_t>(piece.size()))
      std::abort();
    text.remove_prefix(piece.size());
  }
  writer.reset();
  reading r;
  while (auto entry = reader.next()) r.entries.push_back(*std::move(entry));
  r.whole = reader.error().empty();
  require(!reader.next(), "behind the end is nothing");
  return r;
}

void check_list(std::string_view text, char separator) {
  std::vector<std::string> expected;
  for (auto rest = text; !rest.empty();) {
    const auto piece = rest.substr(0, rest.find(separator));
    rest.remove_prefix(std::min(piece.size() + 1, rest.size()));
    if (!piece.empty()) expected.emplace_back(piece);
  }
  const bool too_long =
      std::ranges::any_of(expected, [](const auto& e) { return e.size() > cli::list_reader::entry_bytes_max; });
  for (const std::size_t most : {text.size() + 1, std::size_t{16}}) {
    const auto read = read_in_pieces(text, separator, most);
    require(read.whole == !too_long, "a list ends early for an endless entry, and for nothing else");
    if (read.whole) require(read.entries == expected, "entries are what is between separators, in order");
  }
}

void check_filters(std::string_view pattern, std::string_view list) {
  const auto one = cli::glob::compile(pattern);
  if (!one) return;
  cli::filter_rules excluding{{}, {*one}, {}, {}}, including{{*one}, {}, {}, {}}, both{{*one}, {*one}, {}, {}};
  while (!list.empty()) {
    const auto path = fuzz::take_line(list);
    const bool matches = one->matches_file(path);
    require((cli::judge_name(excluding, path) == cli::skip_reason::excluded) == matches,
            "what an exclude matches is excluded");
    require((cli::judge_name(including, path) == cli::skip_reason::none) == matches,
            "what the only include matches is taken");
    require(cli::judge_name(both, path) != cli::skip_reason::none, "an exclude outranks an include");
    require(cli::enters(excluding, path) == !one->matches_directory(path), "excluded directories are not entered");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto text = fuzz::text_of(data, size);
  const auto pattern = fuzz::take_line(text);
  check_list(text, '\n');
  check_list(text, '\0');
  check_filters(pattern, text);
  return 0;
}
