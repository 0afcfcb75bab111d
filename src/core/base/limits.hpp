#pragma once

// Every bound of the scheduler and of what paces it, with its reason. What a caller may choose is in scheduler_limits
// and retry_policy; these are not for choosing. The assertions at the end are what the rest of the core relies on.

#include "core/base/time.hpp"

#include <cstddef>

namespace hoist::core::limits {

using namespace std::chrono_literals;

// ---- what one file may ask for without being charged: no fault may loop for ever

constexpr int refusals_max = 2; ///< new tickets after a 403 on a fresh one (contract §1)
constexpr int lapses_max =
    10; ///< tickets in a row that lapsed before they could be used, or before the storage judged them
constexpr int dead_tickets_max = 3; ///< tickets in a row that were dead on arrival, each after a pause
constexpr int mismatches_max = 2;   ///< digests that differed
constexpr int changes_max = 3;      ///< times the file changed while it was sent
constexpr int dropped_max = 20;     ///< new connections that a host which answers others dropped
constexpr int garbled_max = 3;      ///< answers in a row that are no HTTP: the third is no accident

// ---- a host that does not answer

/// An outage shorter than this has not built up a backlog: the window need not start small again.
constexpr millis outage_min = 1s;
/// Many shards together probe oftener than they should, rather than notice too late that a host is back.
constexpr millis probe_interval_max = 20s;
/// Before a host has ever answered, finding out quickly matters more than sparing a host that may not exist.
constexpr millis first_probe_interval = 250ms;
/// An API that cannot be reached ends the run after this long, if no presign has ever succeeded (contract §5).
constexpr millis unreachable_grace = 3s;
/// Lost handshakes in a row, with no answer in between: one is an accident, three are a balancer with nobody behind it.
constexpr int handshakes_lost_max = 3;
/// 502, 503 and 504 in a row that mean "nobody is there": so many over so long, or fewer over longer. A host where
/// every second answer is a 503 by chance gets there once in 256 answers, and then only if nothing came through for 250
/// ms.
constexpr int absent_answers_many = 16; ///< at once: by chance that is one in 65 000
constexpr int absent_answers = 8;
constexpr millis absent_answers_within = 250ms;
constexpr int absent_answers_few = 3;
constexpr millis absent_answers_few_within = 1s;
/// A probe is put off by what the host asked for, at most so long: it should be noticed soon when the host is back.
constexpr millis probe_retry_after_max = 20s;

/// A host that answers, and has served nobody for so long, is failing for all who wait for it.
constexpr millis unserved_after = 10s;

// ---- a host that answers nobody while another one does

/// Without an answer for so long, with requests under way, a host counts as unresponsive.
constexpr millis unresponsive_after = 5s;
/// A file that waits at a host which is away, or so much slower than another one, asks for a new ticket, which may lead
/// elsewhere: first after this long, then after twice as long each time.
constexpr millis renewal_first = 250ms;
constexpr millis renewal_max = 60s;
/// And at most after this long for each that waits there: few need not wait as long as many.
constexpr millis renewal_each = 15ms;
constexpr millis renewal_few = 2s;
/// An API that has led a file back to the same origin so often in a row does so for good; and one that has led back so
/// many files in a row does so with all.
constexpr int led_back_max = 4;
constexpr int led_back_in_a_row_max = 32;
/// While every origin that is known is away, a ticket that may lead to another one is made so often. For a file that
/// has had one already:
constexpr millis explore_again = 1s;
/// For a file that has had none, as a folder may begin with thousands that belong to one origin:
constexpr millis explore_new = 10ms;
/// Likewise, where this scheduler has stored nothing and others have, so that there is another origin:
constexpr millis explore_where_others_are_served = 1ms;
/// A file's turn comes so soon, or a host that others are served by quicker is one that keeps it waiting.
constexpr millis turn_max = 1s;
/// A host that has answered, and served nobody for so long while others did, had better be left to a few.
constexpr millis unserved_for_long = 1s;
/// An origin that nobody has asked for so long does not count when slots and tickets are divided.
constexpr millis in_use_for = 2s;
/// An origin this many times slower than the quickest one in use, and slower than this at all, is slow.
constexpr int slow_times = 4;
constexpr millis slow_from = 100ms;
/// Tickets ready, but for those of files that are held up: beyond this none is made.
constexpr std::size_t tickets_ready_max = 2048;
/// Files of one batch inside, each at a cost of one to two KiB: enough for the journal's groups at 40 000 files a
/// second.
constexpr std::size_t files_inside = 4096;
/// And with those that are held up: where an origin is away for long, others go on until so many wait for it.
constexpr std::size_t files_inside_max = 32'768;
/// How often the files that wait at such a host are looked at.
constexpr millis review_interval = 1s;
/// And how often it is asked whether there are any: each of 40 000 files a second would pay for it.
constexpr millis review_interval_min = 50ms;

// ---- connections

/// Attempts under way to one origin that has not been reached yet, by all shards together.
constexpr int connects_first = 8;
/// A file that met the limit of connections waits at least this long, whatever is free meanwhile.
constexpr millis reconnect_pause = 20ms;
/// A host with connections that stand, and that has answered so lately, is there, whatever a new connection meets.
constexpr millis alive_for = 1s;
/// More connections than this are never made at once, however well it goes.
constexpr int connects_max = 32;
/// After a failed attempt at a host that answers on other connections: at most ten a second are refused.
constexpr millis connect_pause_first = 100ms;
constexpr millis connect_pause_max = 5s;

// ---- our own shortage (descriptors, ports, memory of the kernel)

constexpr millis shortage_pause_first = 100ms;
constexpr millis shortage_pause_max = 5s;

// ---- tickets

/// At the present pace of PUTs a ticket may wait at most a quarter of its life.
constexpr int ticket_life_part = 4;
/// Where the host's rate is the limit, a ticket waits at most this long.
constexpr millis ticket_wait_max = 1s;
/// A refusal within this age of the ticket is about the account, not about the clock (contract §1).
constexpr millis young_ticket = 60s;

// ---- the whole

/// Storage origins told apart by one scheduler. A storage has a few; an API may make up one for each file, and the last
/// place then holds all that found none of their own.
constexpr std::size_t origins_max = 32;
/// A server that asks for more (Retry-After) is believed for an hour.
constexpr millis retry_after_max = 1h;
/// Nobody waits longer than this without being looked at again. A longer wake-up is a fault.
constexpr millis wakeup_max = retry_after_max + 10min;

static_assert(review_interval_min <= renewal_first, "a renewal is noticed by the review");
static_assert(renewal_first <= turn_max, "who need not wait is not renewed");
static_assert(probe_interval_max < 30s, "work goes on within 30 s of a host's return (reliability.md)");
static_assert(first_probe_interval < unreachable_grace, "an API is asked several times before the run ends");
static_assert(absent_answers_few < absent_answers && absent_answers_within < absent_answers_few_within);
static_assert(connect_pause_first * 20 >= 1s, "at most 20 refused connections a second (reliability.md)");
static_assert(probe_retry_after_max <= 30s, "work goes on within 30 s of a host's return");
static_assert(retry_after_max < wakeup_max);
static_assert(dead_tickets_max <= lapses_max);

} // namespace hoist::core::limits
