#include "cli/upload/run_inputs.hpp"

#include <hoist/source.hpp>

#include <filesystem>

namespace hoist::cli {

intake_request request_from(const settings& s, size_wanted sizes) {
  return {s.paths, s.lists, s.separator, s.rules, sizes, std::filesystem::current_path().native()};
}

own_files own_files_of(const settings& s, const output& out) {
  own_files own;
  out.add_to(own);
  if (!s.log_file.empty()) own.add(s.log_file);
  own.add_ledger(s.library.ledger);
  return own;
}

type_map types_of(const settings& s) {
  return s.type_map.empty() ? type_map{} : type_map::read(s.type_map);
}

std::string asked_type_of(const settings& s, const type_map& types, const std::string& path) {
  return s.content_type.empty() ? types.type_of(path) : s.content_type;
}

std::string sent_type_of(const settings& s, const type_map& types, const std::string& path) {
  auto asked = asked_type_of(s, types, path);
  return asked.empty() ? content_type_of(path) : asked;
}

} // namespace hoist::cli
