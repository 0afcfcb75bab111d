#pragma once

// The delete call: DELETE {endpoint}/v1/files/{id}, with the key. Its answer has nothing to parse but a status.

#include "wire/url.hpp"

#include <string>
#include <string_view>

namespace hoist::wire {

/// Why a text cannot be the id of a stored file; empty when it can. Ids come from lists that people edit, and this one
/// becomes part of a path: what it holds may not lead elsewhere.
std::string_view refuse_id(std::string_view id) noexcept;

/// Builds the delete requests of one remover.
class delete_writer {
 public:
  delete_writer(const origin& api, std::string_view api_key);

  /// Appends one whole request to `out`. Precondition: refuse_id(id) has nothing against it.
  void append(std::string& out, std::string_view id) const;

 private:
  std::string rest_; ///< all behind the id
};

} // namespace hoist::wire
