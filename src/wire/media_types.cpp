#include "wire/media_types.hpp"

#include "wire/header_rules.hpp"

#include <algorithm>
#include <array>

namespace hoist::wire {

namespace {

struct row {
  std::string_view extension;
  std::string_view type;
};

// What people feed to models, and what lies beside it. Sorted by extension: found by binary search.
constexpr std::array table{
    row{"3g2", "video/3gpp2"},
    row{"3gp", "video/3gpp"},
    row{"7z", "application/x-7z-compressed"},
    row{"aac", "audio/aac"},
    row{"aif", "audio/aiff"},
    row{"aifc", "audio/aiff"},
    row{"aiff", "audio/aiff"},
    row{"amr", "audio/amr"},
    row{"apng", "image/apng"},
    row{"avi", "video/x-msvideo"},
    row{"avif", "image/avif"},
    row{"bin", "application/octet-stream"},
    row{"bmp", "image/bmp"},
    row{"bz2", "application/x-bzip2"},
    row{"caf", "audio/x-caf"},
    row{"css", "text/css"},
    row{"csv", "text/csv"},
    row{"cur", "image/x-icon"},
    row{"dng", "image/x-adobe-dng"},
    row{"doc", "application/msword"},
    row{"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    row{"eot", "application/vnd.ms-fontobject"},
    row{"epub", "application/epub+zip"},
    row{"exr", "image/x-exr"},
    row{"f4v", "video/mp4"},
    row{"flac", "audio/flac"},
    row{"flv", "video/x-flv"},
    row{"gif", "image/gif"},
    row{"glb", "model/gltf-binary"},
    row{"gltf", "model/gltf+json"},
    row{"gz", "application/gzip"},
    row{"hdr", "image/vnd.radiance"},
    row{"heic", "image/heic"},
    row{"heif", "image/heif"},
    row{"htm", "text/html"},
    row{"html", "text/html"},
    row{"ico", "image/x-icon"},
    row{"ics", "text/calendar"},
    row{"j2k", "image/jp2"},
    row{"jfif", "image/jpeg"},
    row{"jp2", "image/jp2"},
    row{"jpe", "image/jpeg"},
    row{"jpeg", "image/jpeg"},
    row{"jpg", "image/jpeg"},
    row{"js", "text/javascript"},
    row{"json", "application/json"},
    row{"jsonl", "application/jsonl"},
    row{"jxl", "image/jxl"},
    row{"log", "text/plain"},
    row{"m2ts", "video/mp2t"},
    row{"m4a", "audio/mp4"},
    row{"m4b", "audio/mp4"},
    row{"m4v", "video/x-m4v"},
    row{"md", "text/markdown"},
    row{"mid", "audio/midi"},
    row{"midi", "audio/midi"},
    row{"mjs", "text/javascript"},
    row{"mka", "audio/x-matroska"},
    row{"mkv", "video/x-matroska"},
    row{"mov", "video/quicktime"},
    row{"mp2", "audio/mpeg"},
    row{"mp3", "audio/mpeg"},
    row{"mp4", "video/mp4"},
    row{"mpeg", "video/mpeg"},
    row{"mpg", "video/mpeg"},
    row{"mts", "video/mp2t"},
    row{"npy", "application/octet-stream"},
    row{"obj", "model/obj"},
    row{"oga", "audio/ogg"},
    row{"ogg", "audio/ogg"},
    row{"ogv", "video/ogg"},
    row{"opus", "audio/opus"},
    row{"otf", "font/otf"},
    row{"parquet", "application/vnd.apache.parquet"},
    row{"pdf", "application/pdf"},
    row{"png", "image/png"},
    row{"ppt", "application/vnd.ms-powerpoint"},
    row{"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    row{"psd", "image/vnd.adobe.photoshop"},
    row{"qt", "video/quicktime"},
    row{"rtf", "application/rtf"},
    row{"safetensors", "application/octet-stream"},
    row{"srt", "application/x-subrip"},
    row{"stl", "model/stl"},
    row{"svg", "image/svg+xml"},
    row{"tar", "application/x-tar"},
    row{"tga", "image/x-tga"},
    row{"tgz", "application/gzip"},
    row{"tif", "image/tiff"},
    row{"tiff", "image/tiff"},
    row{"ts", "video/mp2t"},
    row{"tsv", "text/tab-separated-values"},
    row{"ttf", "font/ttf"},
    row{"txt", "text/plain"},
    row{"usdz", "model/vnd.usdz+zip"},
    row{"vtt", "text/vtt"},
    row{"wasm", "application/wasm"},
    row{"wav", "audio/wav"},
    row{"weba", "audio/webm"},
    row{"webm", "video/webm"},
    row{"webp", "image/webp"},
    row{"wma", "audio/x-ms-wma"},
    row{"wmv", "video/x-ms-wmv"},
    row{"woff", "font/woff"},
    row{"woff2", "font/woff2"},
    row{"xls", "application/vnd.ms-excel"},
    row{"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    row{"xml", "application/xml"},
    row{"xz", "application/x-xz"},
    row{"yaml", "application/yaml"},
    row{"yml", "application/yaml"},
    row{"zip", "application/zip"},
    row{"zst", "application/zstd"},
};

static_assert(std::ranges::is_sorted(table, {}, &row::extension));

constexpr std::size_t extension_bytes_max = 16;

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view next_word(std::string_view& line) noexcept {
  const auto blank = " \t\r";
  const auto begin = std::min(line.find_first_not_of(blank), line.size());
  line.remove_prefix(begin);
  const auto end = std::min(line.find_first_of(blank), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

} // namespace

std::string_view media_type_of_extension(std::string_view extension) noexcept {
  if (extension.empty() || extension.size() > extension_bytes_max) return {};
  std::array<char, extension_bytes_max> folded;
  std::ranges::transform(extension, folded.begin(), lower);
  const std::string_view wanted(folded.data(), extension.size());
  const auto found = std::ranges::lower_bound(table, wanted, {}, &row::extension);
  return found != table.end() && found->extension == wanted ? found->type : std::string_view{};
}

std::string_view extension_of(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  return name.substr(dot + 1);
}

std::string find_in_mime_types(std::string_view file, std::string_view extension) {
  while (!file.empty()) {
    const auto end = std::min(file.find('\n'), file.size());
    std::string_view line = file.substr(0, end);
    file.remove_prefix(std::min(end + 1, file.size()));
    const std::string_view type = next_word(line);
    if (type.empty() || type.starts_with('#')) continue;
    for (auto word = next_word(line); !word.empty(); word = next_word(line))
      if (equal_ignoring_case(word, extension) && is_field_value(type)) return std::string(type);
  }
  return {};
}

} // namespace hoist::wire
