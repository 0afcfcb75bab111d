#include "server/service/metrics.hpp"

namespace hoist::server {
namespace {

void append_header(std::string& out, std::string_view name, std::string_view kind, std::string_view help) {
  out.append("# HELP hoist_server_").append(name).append(" ").append(help).append("\n");
  out.append("# TYPE hoist_server_").append(name).append(" ").append(kind).append("\n");
}

void append_value(std::string& out, std::string_view name, std::string_view label, std::uint64_t value) {
  out.append("hoist_server_").append(name).append(label).append(" ").append(std::to_string(value)).append("\n");
}

} // namespace

thread_counters& metrics::add_thread() {
  threads_.push_back(std::make_unique<thread_counters>());
  return *threads_.back();
}

void metrics::count(labelled& where, const std::string& label) {
  const std::lock_guard lock(mutex_);
  if (where.size() < labels_max || where.contains(label)) ++where[label];
}

void metrics::refused_put(const std::string& code) {
  count(puts_refused_, code);
}
void metrics::refused_presign(unsigned status) {
  count(presigns_refused_, std::to_string(status));
}
void metrics::injected_fault(const std::string& name) {
  count(faults_, name);
}

std::uint64_t metrics::sum(counter thread_counters::*member) const {
  std::uint64_t total = 0;
  for (const auto& thread : threads_) total += ((*thread).*member).value();
  return total;
}

std::string metrics::text() const {
  std::string out;
  const auto single = [&](std::string_view name, std::string_view help, counter thread_counters::*member) {
    append_header(out, name, "counter", help);
    append_value(out, name, "", sum(member));
  };
  single("presigns_total", "Presigns answered with 200.", &thread_counters::presigns);
  single("puts_total", "Accepted PUTs.", &thread_counters::puts);
  single("put_bytes_total", "Bytes of accepted PUTs.", &thread_counters::put_bytes);
  single("body_bytes_total", "Body bytes received on PUTs, accepted or not.", &thread_counters::body_bytes);
  single("connections_total", "Connections accepted.", &thread_counters::connections);
  single("tls_handshakes_total", "TLS handshakes completed.", &thread_counters::handshakes);
  single("tls_handshakes_resumed_total", "Of these, resumed.", &thread_counters::handshakes_resumed);
  single("tls_handshakes_failed_total", "TLS handshakes that failed.", &thread_counters::handshakes_failed);
  single("timeouts_total", "Waits for a peer that ran out.", &thread_counters::timeouts);
  append_header(out, "connections_open", "gauge", "Connections open now.");
  append_value(out, "connections_open", "", connections_open());
  append_header(out, "requests_total", "counter", "Requests read, by endpoint.");
  for (std::size_t i = 0; i < endpoint_count; ++i) {
    std::uint64_t total = 0;
    for (const auto& thread : threads_) total += thread->requests[i].value();
    append_value(out, "requests_total",
                 std::string("{endpoint=\"").append(name_of(static_cast<endpoint>(i))).append("\"}"), total);
  }
  const std::lock_guard lock(mutex_);
  const auto family = [&](std::string_view name, std::string_view help, std::string_view label,
                          const labelled& values) {
    append_header(out, name, "counter", help);
    for (const auto& [key, value] : values) {
      append_value(out, name, std::string("{").append(label).append("=\"").append(key).append("\"}"), value);
    }
  };
  family("put_refused_total", "Refused PUTs, by S3 code.", "code", puts_refused_);
  family("presign_refused_total", "Refused presigns, by status.", "status", presigns_refused_);
  family("faults_total", "Faults that were injected.", "fault", faults_);
  return out;
}

} // namespace hoist::server
