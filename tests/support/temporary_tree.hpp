#pragma once

// A directory of its own for each test, gone afterwards.

#include <gtest/gtest.h>

#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace hoist::cli {

class temporary_tree {
 public:
  temporary_tree() {
    std::string name = (std::filesystem::temp_directory_path() / "hoist-cli-XXXXXX").native();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~temporary_tree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  temporary_tree(const temporary_tree&) = delete;
  temporary_tree& operator=(const temporary_tree&) = delete;

  const std::filesystem::path& root() const { return root_; }
  std::string path(const std::string& below) const { return (root_ / below).native(); }

  void file(const std::string& below, const std::string& content = "x") const {
    std::filesystem::create_directories((root_ / below).parent_path());
    std::ofstream(root_ / below, std::ios::binary) << content;
  }
  void directory(const std::string& below) const { std::filesystem::create_directories(root_ / below); }
  void link(const std::string& below, const std::string& target) const {
    std::filesystem::create_symlink(target, root_ / below);
  }
  void fifo(const std::string& below) const { EXPECT_EQ(::mkfifo((root_ / below).c_str(), 0600), 0); }

 private:
  std::filesystem::path root_;
};

} // namespace hoist::cli
