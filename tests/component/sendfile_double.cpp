#include "sendfile_double.hpp"

#include <dlfcn.h>
#include <sys/sendfile.h>

#include <utility>

namespace hoist::test {

namespace {

using function = ssize_t (*)(int, int, off_t*, std::size_t);

thread_local sendfile_double::script playing;
thread_local int called = 0;

} // namespace

sendfile_double::sendfile_double(script play) {
  called = 0;
  playing = std::move(play);
}

sendfile_double::~sendfile_double() {
  playing = nullptr;
}

int sendfile_double::calls() const noexcept {
  return called;
}

} // namespace hoist::test

extern "C" ssize_t sendfile(int to, int from, off_t* offset, std::size_t count) noexcept {
  using namespace hoist::test;
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "sendfile"));
  if (!playing) return real(to, from, offset, count);
  const auto send = [&](std::size_t most) { return real(to, from, offset, most); };
  return playing(++called, count, send);
}
