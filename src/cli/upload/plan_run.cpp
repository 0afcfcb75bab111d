#include "cli/upload/plan_run.hpp"

#include "cli/base/end_watch.hpp"
#include "cli/base/escape.hpp"
#include "cli/base/exit_code.hpp"
#include "cli/base/library_words.hpp"
#include "cli/base/process.hpp"
#include "cli/base/units.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/options/ledger_place.hpp"
#include "cli/options/type_map.hpp"
#include "cli/rows/output.hpp"
#include "cli/rows/rows.hpp"
#include "cli/upload/run_inputs.hpp"

#include <hoist/source.hpp>

#include <spdlog/fmt/fmt.h>

#include <boost/system/system_error.hpp>

#include <atomic>
#include <chrono>
#include <utility>

namespace hoist::cli {

namespace {

/// A rehearsal has nothing in flight.
constexpr std::chrono::seconds time_to_end{5};

/// What would be refused at once in the real run is refused here as well.
void check_options(hoist::options o) {
  o.api_key = "none-needed";
  try {
    validate(o);
  } catch (const boost::system::system_error& refused) {
    throw usage_error(escaped(sentence_of(refused)));
  }
}

void count(plan_facts& facts, const input& decided, std::string_view action) {
  if (action == "skip") {
    ++facts.skip;
  } else if (action == "fail") {
    ++facts.fail;
  } else {
    ++facts.upload;
    facts.bytes += decided.size.value_or(0);
  }
}

std::string words_of(const plan_facts& facts, std::uint64_t hidden) {
  auto text = fmt::format("hoist: would upload {} files ({}), skip {}, fail {}", facts.upload,
                          size_text(static_cast<double>(facts.bytes)), facts.skip, facts.fail);
  if (hidden > 0) text += fmt::format("; {} of them hidden (--exclude '.*' leaves them out)", hidden);
  return text;
}

int exit_status_of(const settings& s, const plan_facts& facts) {
  if (facts.fail > 0) return exit_status::some_failed;
  return facts.upload == 0 && s.error_on_empty ? exit_status::nothing_matched : exit_status::success;
}

} // namespace

int run_plan(settings s, terminal& screen) {
  check_options(s.library);
  s.library.ledger = ledger_by_name(s);
  const auto manifest = std::exchange(s.manifest, {});
  const auto types = types_of(s);
  stop_sign stop;
  std::atomic<stop_cause> asked{stop_cause::none};
  const end_listener ends(
      [&](const end_ask& ask) {
        auto none = stop_cause::none;
        asked.compare_exchange_strong(none, ask.cause);
        stop.raise();
      },
      time_to_end);
  auto failure = row_writer::failure::none;
  int error = 0;
  output out(s, stop, [&](row_writer::failure kind, int why) {
    failure = kind;
    error = why;
    stop.raise();
  });
  auto own = own_files_of(s, out);
  if (!manifest.empty()) own.add(manifest);
  intake inputs(request_from(s, size_wanted::always), std::move(own), stop);

  plan_facts facts;
  while (const auto decided = inputs.next()) {
    const auto plan = plan_for(*decided, s.library.file_bytes_max);
    const bool takes = decided->what == input::fate::take;
    out.row(plan_row(*decided, plan, takes ? sent_type_of(s, types, decided->path) : std::string{}));
    count(facts, *decided, plan.action);
  }
  facts.complete = inputs.is_exhausted();
  out.row(plan_summary_row(facts));
  if (failure == row_writer::failure::closed) return exit_status::output_closed;
  if (failure == row_writer::failure::system) {
    screen.print("hoist: error: " + rows_unwritable(error));
    return exit_status::fatal;
  }
  if (const auto cause = asked.load(); cause != stop_cause::none) {
    const int number = signal_of(cause);
    screen.print("hoist: error: " +
                 (number != 0 ? "stopped by " + std::string(name_of(cause)) : ended_by_text(trouble_so_far())));
    return number != 0 ? exit_status::of_signals + number : exit_status::fatal;
  }
  if (s.summary) screen.print(words_of(facts, inputs.hidden_taken()));
  return exit_status_of(s, facts);
}

} // namespace hoist::cli
