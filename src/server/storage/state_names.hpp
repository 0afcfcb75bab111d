// The names that hoist-server gives in its state folder. Pure. Whatever has another name is somebody else's and is left
// alone, so these are exact: a name is read as ours only if it would be written so.
//
//   index, lock, keys and certificates      is_state_file()
//   aside/<number>                          an upload that is being received
//   objects/<first byte of id>/<id>.<generation>
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "server/storage/file_id.hpp"

namespace hoist::server {

inline constexpr const char* index_name = "index";
inline constexpr const char* lock_name = "lock";
inline constexpr const char* objects_name = "objects";
inline constexpr const char* aside_folder_name = "aside";

// The index's first line: what has it is a state folder.
inline constexpr std::string_view index_title = "hoist-server-index 1";

// Directly in the state folder, those that are on their way to their name included.
[[nodiscard]] bool is_state_file(std::string_view name) noexcept;

[[nodiscard]] std::string aside_name(std::uint64_t number);
[[nodiscard]] bool is_aside_name(std::string_view name);

[[nodiscard]] std::string body_folder(const file_id& id);
[[nodiscard]] bool is_body_folder(std::string_view name);
[[nodiscard]] std::string body_name(const file_id& id, std::uint32_t generation);
// Nothing also for a body that lies in another folder than its own.
[[nodiscard]] std::optional<std::pair<file_id, std::uint32_t>> parse_body_name(std::string_view folder_name,
                                                                               std::string_view name);

} // namespace hoist::server
