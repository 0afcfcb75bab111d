#pragma once

// Whether this machine's kernel encrypts TLS records: found out by trying, since neither a version nor a file tells.
// Whether a connection's own suite and OpenSSL fit is a second question, answered after its handshake.

#include <cstdint>

namespace hoist::net {

/// A connection that is made for a file of this size is given to the kernel; any file may follow on it. Below, the
/// three system calls that set it up, and the kernel's costlier start of each record, are not outweighed with
/// certainty.
constexpr std::uint64_t kernel_tls_bytes_min = 1024 * 1024;

/// Tried once per process, the first time it is asked, on a loopback connection to ourselves; under a millisecond, or
/// as long as it takes to load the module. Any thread.
bool kernel_tls_works() noexcept;

} // namespace hoist::net
