#pragma once

// What an uploader and a remover alike read from their options.

#include "core/schedule/scheduler.hpp"
#include "wire/url.hpp"

#include <hoist/options.hpp>

#include <cstdint>

namespace hoist::engine {

/// Precondition: validate(o) took them.
wire::origin api_origin(const options& o);

core::retry_policy retry_policy_of(const options& o);

/// For the jitter of backoffs; from OpenSSL.
std::uint64_t random_seed();

/// How many descriptors this process may still open, as it is now. Many, where that cannot be found out.
std::int64_t descriptors_free();

/// As that, for an uploader that is about to begin: throws errc::invalid_options, with the numbers and the remedy, when
/// there are too few to do anything.
std::int64_t descriptors_to_begin_with();

} // namespace hoist::engine
