#pragma once

// What an uploader and a remover alike read from their options.

#include "core/scheduler.hpp"
#include "wire/url.hpp"

#include <hoist/options.hpp>

#include <cstdint>

namespace hoist::engine {

/// Precondition: validate(o) took them.
wire::origin api_origin(const options& o);

core::retry_policy retry_policy_of(const options& o);

/// For the jitter of backoffs; from OpenSSL.
std::uint64_t random_seed();

/// This process's, as it is now.
std::uint64_t descriptors_max();

} // namespace hoist::engine
