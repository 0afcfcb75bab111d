#pragma once

// S3's XML error body. Anything else (a proxy's HTML, nothing at all) yields empty fields, and the status decides.

#include <string>
#include <string_view>

namespace hoist::wire {

struct s3_error {
  std::string code;
  std::string message;          ///< at most 256 bytes
  std::string request_id;       ///< at most 128 bytes
  std::string endpoint;         ///< where a redirect leads, as it stands; at most 256 bytes
  bool is_whole_answer = false; ///< the error is the document, not a part of one
};

/// Never throws on any input. `<Error>` may have a namespace, stand within up to two other elements, and spell its
/// members in any case of letters, as the imitators of S3 do.
s3_error parse_s3_error(std::string_view body);

} // namespace hoist::wire
