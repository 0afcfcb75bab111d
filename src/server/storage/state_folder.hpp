// The folder that --state names: made, or looked at before anything is done in it, and locked while the server runs.
//
// A folder is taken when it is empty, when it has an index of hoist-server's, or when a first start that was killed
// left it; any other one is somebody's, and is refused untouched.
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "server/base/folder.hpp"

namespace hoist::server {

class state_folder {
 public:
  // Without a path: a fresh folder in the system's temporary one, which ends with this object. Throws usage_error for a
  // folder that cannot be taken, std::runtime_error for one that cannot be had.
  explicit state_folder(const std::filesystem::path& wanted);
  state_folder(const state_folder&) = delete;
  state_folder& operator=(const state_folder&) = delete;
  ~state_folder();

  [[nodiscard]] const folder& root() const noexcept { return root_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return root_.path(); }

 private:
  // The other one calls it, so that a temporary folder ends also when the rest of a start fails.
  enum class lifetime { kept, temporary };
  state_folder(folder root, lifetime wanted) noexcept : lifetime_(wanted), root_(std::move(root)) {}
  void lock();

  lifetime lifetime_;
  folder root_;
  unique_fd lock_;
};

// Throws usage_error unless the folder can be taken. Writes nothing.
void refuse_foreign(const folder& state);

// A folder within the state folder. Throws usage_error when something else has its name.
[[nodiscard]] folder own_folder(const folder& parent, const std::string& name);

} // namespace hoist::server
