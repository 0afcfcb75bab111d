#pragma once

// Everything an uploader can be told, with unit, default, range and what zero means; a duration that does not say what
// zero means must be more than zero. `validate` is called by the uploader's constructor; a value out of range throws
// `boost::system::system_error` (errc::invalid_options) whose text names the field.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hoist {

/// Who encrypts what is sent to the storage.
enum class tls_offload : std::uint8_t {
  automatic, ///< the kernel, on connections made for large files and where it can; else this process (default)
  off,       ///< this process, always
};

struct tls_options {
  /// PEM files of further trust anchors, added to the system's (SSL_CERT_FILE and SSL_CERT_DIR are honoured).
  std::vector<std::filesystem::path> ca_files;
  /// Kernel TLS: large files go from the page cache to the socket without passing through this process. It needs
  /// Linux's `tls` module (loaded: `modprobe tls`) and an OpenSSL built with it; both are found out while it runs, and
  /// where either is missing nothing changes. Bytes, checks and errors are the same either way.
  tls_offload offload = tls_offload::automatic;
};

struct retry_options {
  /// How long a file's transient failures may go on, from the first to the last. Default 15 min. Time during which the
  /// host did not answer at all (an outage) is not counted.
  std::chrono::milliseconds give_up_after{std::chrono::minutes{15}};
  /// PUT and presign tries a file may be charged; 0 (default): no count, only time. 1: never retry. Range 0 to 1 000
  /// 000.
  int attempts_max = 0;
  /// Full jitter: a wait is drawn from [0, min(backoff_cap, backoff_base * 2^n)]. Defaults 100 ms and 20 s.
  std::chrono::milliseconds backoff_base{100};
  std::chrono::milliseconds backoff_cap{20'000};
  /// The base after a 429 or 503 SlowDown. Default 1 s.
  std::chrono::milliseconds throttle_base{1'000};
};

struct timeout_options {
  std::chrono::milliseconds connect{5'000};   ///< one TCP connection, name look-up included
  std::chrono::milliseconds handshake{5'000}; ///< TLS
  std::chrono::milliseconds progress{
      30'000}; ///< longest time without a byte moving while a body is sent; at most 30 s without an acknowledgement
  std::chrono::milliseconds response{30'000}; ///< from the last byte sent to the answer's head
  std::chrono::milliseconds idle{4'000};      ///< an unused connection is closed after this (S3 closes at about 5 s)
};

/// How a stored file is checked against what was read.
enum class verify_mode : std::uint8_t {
  size, ///< the storage took exactly as many bytes as the file has (default)
  md5,  ///< as `size`, and the digest made while sending equals the ETag where that is an MD5. Costs about 1.0
        ///< CPU-seconds per GB with 16 uploads at once on a thread (AVX2 or later), 1.3 with a single one, and no file
        ///< is sent by sendfile
};

/// What an earlier run's ledger means for this one. A file is taken for the same one while its absolute path, size,
/// modification time and change time are; otherwise it is uploaded as a new one.
enum class resume_mode : std::uint8_t {
  all,    ///< done files are reported from the ledger without a request; the others are uploaded (default)
  failed, ///< as `all`, but of the others only those that failed, or were under way in a run that was killed
  none,   ///< everything is uploaded again, and recorded again
};

struct options {
  /// Origin of the presign API, without a path: "https://host[:port]".
  std::string endpoint = "https://api.eachlabs.ai";
  /// Sent as X-API-Key on API requests and nowhere else. Required.
  std::string api_key;
  /// Threads that move bytes; 0 (default): the machine's cores, at most 4. Range 0 to 64.
  int threads = 0;
  /// PUTs in flight over all threads; 0 (default): found out while it runs, from the throughput, the latency and what
  /// the storage says, up to 1024. Either is capped by the process's file descriptors. Range 0 to 4096.
  int concurrency = 0;
  /// Presign requests in flight over all threads; 0 (default): found out while it runs. Range 0 to 1024.
  int presign_concurrency = 0;
  /// Requests a presign connection may have unanswered (HTTP/1.1 pipelining); 1: none waits behind another. 0
  /// (default): found out while it runs, up to 16. Either way an API that turns out not to take it is asked one at a
  /// time from then on, and what it left unanswered is asked again. Range 0 to 64.
  int presign_depth = 0;
  /// Larger files fail before any request. Default 104 857 600 bytes; 0: no limit.
  std::uint64_t file_bytes_max = 104'857'600;
  /// A signed URL is believed to die this long after it was asked for, whatever else it says. Default 15 min.
  std::chrono::milliseconds presign_lifetime_max{std::chrono::minutes{15}};
  /// How long the API should keep the stored files; 0 (default): the API's own default. Range 60 s to 365 days.
  std::chrono::seconds expires_in{0};
  verify_mode verify = verify_mode::size;
  /// Follow a storage URL to a private address although the API is public.
  bool allow_private_storage = false;
  /// Speak plain http to an API that is not on this machine, and to a storage although the API is https.
  bool allow_plain_http = false;
  /// File of the durable record, which lets the same batch resume; made when it does not exist, with mode 0600. It
  /// belongs to one API origin and one key, and to one uploader at a time. A file's report follows its commit to disk,
  /// in groups of at most 100 ms; no upload waits for that. Empty (default): nothing is remembered.
  std::filesystem::path ledger;
  resume_mode resume = resume_mode::all;
  /// Take over a ledger that was made with another key of the same account.
  bool rekey = false;

  retry_options retry;
  timeout_options timeout;
  tls_options tls;
};

/// Throws as said above when a value is out of range or a required one is missing.
void validate(const options& o);

/// Where a ledger without a place of its own belongs: one file for each API and key, below `$XDG_STATE_HOME/hoist`, or
/// `~/.local/state/hoist`. Empty when neither variable is set. Nothing is created. Reads the environment.
std::filesystem::path default_ledger(const options& o);

} // namespace hoist
