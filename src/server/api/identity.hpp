// Who the server is: its CA and leaf certificate, the API key, the signing secret. Made at the first start, kept in the
// state folder (private files in mode 0600), and used again at the next.
#pragma once

#include <filesystem>
#include <string>

#include "server/base/folder.hpp"

namespace hoist::server {

struct identity {
  std::filesystem::path ca_certificate;
  std::filesystem::path certificate; // leaf, then CA
  std::filesystem::path key;
  std::filesystem::path api_key_file;
  std::string api_key;
  std::string access_key_id;
  std::string signing_secret;
};

struct identity_wishes {
  const folder& state;                // where what is made is kept
  std::filesystem::path certificate;  // empty: make one
  std::filesystem::path key;          // of that certificate
  std::filesystem::path api_key_file; // empty: make one
  std::string host;                   // a name or address for the leaf, beside localhost, 127.0.0.1 and ::1
  bool tls = true;
};

// Throws std::runtime_error naming the file; usage_error when a file that is not of our making would have to be
// replaced.
[[nodiscard]] identity load_or_make_identity(const identity_wishes& wishes);

} // namespace hoist::server
