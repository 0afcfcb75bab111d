#include "cli/bench/machine_load.hpp"

#include "cli/base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace hoist::cli {

void read_machine_ticks(std::string_view stat, resource_use& into) {
  if (!stat.starts_with("cpu ")) return;
  auto line = stat.substr(4, stat.find('\n') - 4);
  // user nice system idle iowait irq softirq steal; what follows is part of the first two
  constexpr std::size_t fields = 8, idle = 3, iowait = 4;
  std::array<std::uint64_t, fields> ticks{};
  for (auto& field : ticks) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), field);
    if (error != std::errc{}) return;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  }
  std::uint64_t total = 0;
  for (const auto t : ticks) total += t;
  into.machine_total = total;
  into.machine_busy = total - ticks[idle] - ticks[iowait];
}

resource_use resources_used() {
  resource_use used;
  rusage self{};
  if (::getrusage(RUSAGE_SELF, &self) == 0) {
    const auto micros = [](const timeval& t) {
      return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    };
    used.process_cpu = micros(self.ru_utime) + micros(self.ru_stime);
  }
  const unique_fd stat(::open("/proc/stat", O_RDONLY | O_CLOEXEC));
  std::array<char, 512> text;
  const auto count = stat ? ::read(stat.get(), text.data(), text.size()) : -1;
  if (count > 0) read_machine_ticks({text.data(), static_cast<std::size_t>(count)}, used);
  return used;
}

} // namespace hoist::cli
