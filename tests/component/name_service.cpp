#include "name_service.hpp"

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace hoist::test {

namespace {

using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);

std::atomic<int> begun{0};
std::mutex mutex; // names are looked up on threads of Asio's
std::map<std::string, std::vector<std::string>> table;
std::map<std::string, std::promise<void>*> held;

std::optional<std::vector<std::string>> entry(const std::string& name) {
  const std::lock_guard lock(mutex);
  const auto found = table.find(name);
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

void wait_while_held(const std::string& name) {
  std::promise<void>* release = nullptr;
  {
    const std::lock_guard lock(mutex);
    if (const auto found = held.find(name); found != held.end()) release = std::exchange(found->second, nullptr);
  }
  if (release != nullptr) release->get_future().wait();
}

/// One list of the system's for each address, chained as freeaddrinfo takes it.
int chained(function real, const std::vector<std::string>& addresses, const char* service, const addrinfo* hints,
            addrinfo** result) {
  *result = nullptr;
  for (auto at = addresses.rbegin(); at != addresses.rend(); ++at) {
    addrinfo* one = nullptr;
    if (const int error = real(at->c_str(), service, hints, &one); error != 0) return error;
    addrinfo* last = one;
    while (last->ai_next != nullptr) last = last->ai_next;
    last->ai_next = std::exchange(*result, one);
  }
  return addresses.empty() ? EAI_NONAME : 0;
}

} // namespace

void name_service::set(const std::string& name, std::vector<std::string> addresses) {
  const std::lock_guard lock(mutex);
  table[name] = std::move(addresses);
}

void name_service::hold(const std::string& name, std::promise<void>& release) {
  const std::lock_guard lock(mutex);
  held[name] = &release;
}

int name_service::lookups() noexcept {
  return begun;
}

} // namespace hoist::test

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** result) {
  using namespace hoist::test;
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  ++begun;
  if (name == nullptr) return real(name, service, hints, result);
  wait_while_held(name);
  const auto told = entry(name);
  return told ? chained(real, *told, service, hints, result) : real(name, service, hints, result);
}
