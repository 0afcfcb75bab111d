#include "wire/media_types.hpp"

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

struct text_case {
  std::string_view input, expected;
};

// The table knows what people upload, in any case of letters, and nothing for the rest.
TEST(media_types, table) {
  const text_case cases[] = {
      {"png", "image/png"},
      {"PNG", "image/png"},
      {"Jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"webp", "image/webp"},
      {"gif", "image/gif"},
      {"mp4", "video/mp4"},
      {"mov", "video/quicktime"},
      {"mp3", "audio/mpeg"},
      {"wav", "audio/wav"},
      {"flac", "audio/flac"},
      {"webm", "video/webm"},
      {"pdf", "application/pdf"},
      {"json", "application/json"},
      {"txt", "text/plain"},
      {"3g2", "video/3gpp2"},
      {"zst", "application/zstd"},
      {"", ""},
      {"pn", ""},
      {"pngx", ""},
      {".png", ""},
      {" png", ""},
      {"nosuch", ""},
      {"abcdefghijklmnopqrstuvwxyz", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(media_type_of_extension(c.input), c.expected) << c.input;
  EXPECT_EQ(media_type_of_extension(std::string(100'000, 'a')), "");
}

// The extension is what follows the name's last dot; a leading dot makes a hidden file, not an extension.
TEST(media_types, extension) {
  const text_case cases[] = {
      {"a.png", "png"},
      {"/d/a.png", "png"},
      {"a.tar.gz", "gz"},
      {"name", ""},
      {".hidden", ""},
      {"/d/.hidden", ""},
      {".hidden.png", "png"},
      {"dir.d/name", ""},
      {"dir.d/.name", ""},
      {"a.", ""},
      {"", ""},
      {"/", ""},
      {"..", ""},
      {"a..b", "b"},
  };
  for (const auto& c : cases) EXPECT_EQ(extension_of(c.input), c.expected) << c.input;
}

// A `mime.types` file: comments, any blanks, several extensions a line, CR LF, no newline at the end, types of odd
// bytes.
TEST(media_types, mime_types_file) {
  const std::string_view file = "# a comment png\n"
                                "\n"
                                "image/x-first\tpng PNG2\r\n"
                                "image/x-second   png\n"
                                "application/none\n"
                                "   text/x-indented ind\n"
                                "bad\x01type bad\n"
                                "text/x-last last";
  const text_case cases[] = {
      {"png", "image/x-first"},
      {"Png", "image/x-first"},
      {"png2", "image/x-first"},
      {"ind", "text/x-indented"},
      {"last", "text/x-last"},
      {"none", ""},
      {"comment", ""},
      {"bad", ""},
      {"las", ""},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(find_in_mime_types(file, c.input), c.expected) << c.input;
  EXPECT_EQ(find_in_mime_types("", "png"), "");
}

} // namespace
} // namespace hoist::wire
