#pragma once

// What came of a file, and of a batch.

#include <hoist/diagnostics.hpp>
#include <hoist/error.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace hoist {

using wall_time = std::chrono::sys_time<std::chrono::milliseconds>;

/// How far the stored bytes were checked; the name in a row's `verified`.
enum class verification : std::uint8_t {
  none, ///< not at all: a storage that never overwrites has the object of an earlier PUT of this file, whose answer was
        ///< lost
  size, ///< the storage took as many bytes as the file has
  md5,  ///< and its ETag is their MD5
};

std::string_view name_of(verification v) noexcept;

struct file_report {
  std::filesystem::path path; ///< as given in the source
  std::uint64_t tag = 0;      ///< as given in the source
  error_code error;           ///< clear: the file is live at `public_url`
  diagnostics details;        ///< of the last failure; meaningful when `error` is set

  std::uint64_t size = 0; ///< bytes
  std::string content_type;
  std::string id; ///< of the presign whose PUT was answered 200, or that had stored it before (`verification::none`)
  std::string public_url; ///< likewise
  std::string etag;       ///< as the storage gave it, without quotes
  verification verified = verification::none;
  std::optional<wall_time> retained_until; ///< when the API said it deletes the file
  int attempts = 0;                        ///< PUTs begun
  int presigns = 0;                        ///< presign requests begun
  std::chrono::milliseconds elapsed{0};    ///< from its first presign to its settlement
  std::chrono::steady_clock::time_point
      settled_at{};                          ///< its report comes later: after its row, and with those of others
  std::chrono::microseconds presign_time{0}; ///< of the presign that counted: from its sending to its answer
  std::chrono::microseconds put_time{0};     ///< of the PUT that counted, a connection it had to wait for included
  bool from_ledger = false;                  ///< done by an earlier run; nothing was uploaded now
};

/// What held a run back most; the name in a summary's `limited_by`.
enum class limit : std::uint8_t {
  none,        ///< too short to tell, or nothing was uploaded
  source,      ///< `batch::next`: files did not come faster
  presign_api, ///< the API's answers, its rate or its absence
  storage,     ///< the storage's
  concurrency, ///< `options::concurrency`, which was given: the storage might take more
  sink,        ///< `batch::sink` or the ledger: reports were not taken faster
  waiting,     ///< a host that was away, or descriptors, ports or memory of this process: see `counters::waits_for`
};

inline constexpr std::size_t limits_known = 7; ///< enumerators of `limit`

std::string_view name_of(limit l) noexcept;

struct batch_report {
  std::uint64_t done = 0;        ///< those from the ledger included
  std::uint64_t from_ledger = 0; ///< of them, done by an earlier run
  std::uint64_t failed = 0;
  std::uint64_t unsettled = 0; ///< taken from the source and not settled, because the batch was stopped
  bool complete = false;       ///< the source was drained and every file of it is settled
  std::uint64_t bytes = 0;     ///< of files that were uploaded now
  std::uint64_t presigns = 0;
  std::uint64_t puts = 0;
  std::chrono::milliseconds elapsed{0};
  limit limited_by = limit::none;
  std::string limited_detail; ///< with which figures, e.g. "p99 180 ms, throttled x12"; for people
  diagnostics
      details; ///< why the run ended early: its error_code is set; or `batch::next` threw, and only `complete` is false
};

/// What an uploader waits for, when there is something worth telling: a host that does not answer, or nothing in
/// flight.
struct waiting {
  std::string for_what; ///< e.g. "storage cdn.example"; for people, without secrets, escaped for a terminal
  std::string reason;   ///< e.g. "connection refused"; may be empty
  std::chrono::milliseconds since{0};                ///< for how long
  std::optional<std::chrono::milliseconds> next_try; ///< in how long; nothing: something under way decides
};

/// Counters since the uploader was made; any thread may ask, each figure is true by itself.
struct counters {
  std::uint64_t files_taken = 0, files_done = 0, files_failed = 0;
  std::uint64_t bytes_sent = 0; ///< body bytes handed to the kernel, retries included
  std::uint64_t bytes_done = 0; ///< of done files
  std::uint64_t presigns = 0, puts = 0, retries = 0, refreshes = 0;
  std::uint64_t connections = 0; ///< opened
  std::uint64_t puts_in_flight = 0, presigns_in_flight = 0;
  std::uint64_t puts_window = 0, presigns_window = 0;       ///< how many may be, at this moment
  std::uint64_t puts_throttled = 0, presigns_throttled = 0; ///< answers that asked for less: 429, 503 SlowDown
  std::uint64_t put_rate_limit = 0, presign_rate_limit = 0; ///< requests a second, once a host has throttled; else 0
  std::uint64_t put_us_p99 = 0, presign_us_p99 = 0;         ///< latency, of the slowest thread
  std::uint64_t batches_sealed = 0;                         ///< ciphertext batches
  std::uint64_t sends = 0;                                  ///< send system calls
  std::optional<waiting> waits_for; ///< at this moment; of several the one that has lasted longest
};

} // namespace hoist
