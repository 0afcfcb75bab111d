// Preloaded into a program under test: fails the n-th call of one function of the C library, and lets all others pass.
//
// Told by the environment, so that one library does for every case (tests/e2e/test_nth_failure.py drives it):
//
//   NTH_CALL    the function, as `pread`; its 64-bit twin is the same function
//   NTH_OF      a pattern (fnmatch) for what the call is about: an absolute path, "socket:[..]" or "pipe:[..]"; a call
//               about nothing, such as epoll_create1, is about ""
//   NTH_AT      n, from 1: calls about other things are not counted; 0 fails none, and reports how many there were
//   NTH_WITH    errno of the failure; 0 for a call that moves half of what it was asked to, as a full disk does it
//   NTH_TAKES   seconds: the call does not fail, but takes so long, and no signal wakes it, as a disk that hangs
//   NTH_ON      "once", or "from": every later call fails as well
//   NTH_REPORT  a file that gets a line for the first failure; whoever finds none has reached the end of the calls
//
// Calls that the C library makes to itself (fopen, what getaddrinfo does, what OpenSSL reads of certificates by it) do
// not pass here.

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

struct order {
  const char *call = nullptr, *of = "*", *report = nullptr;
  long at = 0;
  int with = 0;
  long takes = 0;
  bool from = false;
} wanted; // filled before main, and by then of no thread but the first
std::atomic<long> calls{0};

__attribute__((constructor)) void read_order() {
  const auto text = [](const char* name, const char* otherwise) {
    const char* value = std::getenv(name);
    return value ? value : otherwise;
  };
  wanted.of = text("NTH_OF", "*");
  wanted.report = text("NTH_REPORT", nullptr);
  wanted.at = std::atol(text("NTH_AT", "0"));
  wanted.with = std::atoi(text("NTH_WITH", "5"));
  wanted.takes = std::atol(text("NTH_TAKES", "0"));
  wanted.from = std::strcmp(text("NTH_ON", "once"), "from") == 0;
  wanted.call = text("NTH_CALL", nullptr);
}

void report(long count, const char* about);

__attribute__((destructor)) void tell_count() {
  if (wanted.call && wanted.at == 0) report(calls, "in all");
}

bool is_wanted(const char* call) {
  return wanted.call && std::strcmp(wanted.call, call) == 0;
}

// By system calls: what is reported must not be counted.
void report(long count, const char* about) {
  char line[PATH_MAX + 64];
  const int n = std::snprintf(line, sizeof line, "%s %ld %s\n", wanted.call, count, about);
  const long file =
      wanted.report ? syscall(SYS_openat, AT_FDCWD, wanted.report, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
  if (file < 0) return;
  if (syscall(SYS_write, file, line, static_cast<size_t>(n)) < 0) std::abort();
  syscall(SYS_close, file);
}

/// Whether this call, about `about`, is one that fails.
bool is_due(const char* about) {
  if (fnmatch(wanted.of, about, 0) != 0) return false;
  const long n = calls.fetch_add(1) + 1;
  if (n == wanted.at) report(n, about);
  return n == wanted.at || (wanted.from && n > wanted.at);
}

bool is_due_at(int folder, const char* path) {
  char whole[2 * PATH_MAX] = "";
  if (path[0] != '/') {
    char link[64];
    std::snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
    const long n = syscall(SYS_readlinkat, AT_FDCWD, link, whole, sizeof whole - PATH_MAX);
    std::snprintf(whole + (n > 0 ? n : 0), PATH_MAX, "/%s", path);
    path = whole;
  }
  return is_due(path);
}

bool is_due_on(int descriptor) {
  char link[64], about[PATH_MAX] = "";
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  return syscall(SYS_readlinkat, AT_FDCWD, link, about, sizeof about - 1) > 0 && is_due(about);
}

template <class Function>
Function real(Function, const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
#define REAL(name) real(&name, #name)

/// One that is due and does not fail has taken its time when this returns.
bool is_slow() {
  if (wanted.takes == 0) return false;
  timespec left{wanted.takes, 0};
  while (nanosleep(&left, &left) != 0) {
  }
  return true;
}

/// For a call that moves `count` bytes: true when it fails now; a short one is told by a smaller count.
bool fails(const char* call, int descriptor, size_t& count) {
  if (!is_wanted(call) || !is_due_on(descriptor) || is_slow()) return false;
  if (wanted.with == 0) {
    count = count > 1 ? count / 2 : count;
    return false;
  }
  errno = wanted.with;
  return true;
}

bool fails(const char* call, int descriptor) {
  if (!is_wanted(call) || !is_due_on(descriptor) || is_slow()) return false;
  errno = wanted.with;
  return true;
}

bool fails_at(const char* call, int folder, const char* path) {
  if (!is_wanted(call) || !is_due_at(folder, path) || is_slow()) return false;
  errno = wanted.with;
  return true;
}

bool fails(const char* call) {
  if (!is_wanted(call) || !is_due("") || is_slow()) return false;
  errno = wanted.with;
  return true;
}

} // namespace

// The C library declares some of these as never throwing, which a definition has to repeat; the twins are declared
// under _GNU_SOURCE, which g++ sets.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails_at("open", AT_FDCWD, path) ? -1 : REAL(open)(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails_at("open", AT_FDCWD, path) ? -1 : REAL(open64)(path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
  va_end(more);
  return fails_at("openat", folder, path) ? -1 : REAL(openat)(folder, path, flags, mode);
}

// Of the calls that the C library has no name for, openat2 alone can fail.
long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  long arguments[6]; // as many as any call has; what was not given is not looked at
  for (long& each : arguments) each = va_arg(more, long);
  va_end(more);
  const auto& [a, b, c, d, e, f] = arguments;
  if (number == SYS_openat2 && fails_at("openat2", static_cast<int>(a), reinterpret_cast<const char*>(b))) return -1;
  return REAL(syscall)(number, a, b, c, d, e, f);
}

int stat(const char* path, struct stat* into) noexcept {
  return fails_at("stat", AT_FDCWD, path) ? -1 : REAL(stat)(path, into);
}
int stat64(const char* path, struct stat64* into) noexcept {
  return fails_at("stat", AT_FDCWD, path) ? -1 : REAL(stat64)(path, into);
}
int fstat(int descriptor, struct stat* into) noexcept {
  return fails("fstat", descriptor) ? -1 : REAL(fstat)(descriptor, into);
}
int fstat64(int descriptor, struct stat64* into) noexcept {
  return fails("fstat", descriptor) ? -1 : REAL(fstat64)(descriptor, into);
}
int fstatat(int folder, const char* path, struct stat* into, int flags) noexcept {
  return fails_at("fstatat", folder, path) ? -1 : REAL(fstatat)(folder, path, into, flags);
}

DIR* fdopendir(int descriptor) {
  return fails("fdopendir", descriptor) ? nullptr : REAL(fdopendir)(descriptor);
}
dirent* readdir(DIR* folder) {
  return fails("readdir", dirfd(folder)) ? nullptr : REAL(readdir)(folder);
}

ssize_t read(int descriptor, void* into, size_t count) {
  return fails("read", descriptor, count) ? -1 : REAL(read)(descriptor, into, count);
}
ssize_t pread(int descriptor, void* into, size_t count, off_t at) {
  return fails("pread", descriptor, count) ? -1 : REAL(pread)(descriptor, into, count, at);
}
ssize_t pread64(int descriptor, void* into, size_t count, off64_t at) {
  return fails("pread", descriptor, count) ? -1 : REAL(pread64)(descriptor, into, count, at);
}
ssize_t preadv2(int descriptor, const iovec* into, int blocks, off_t at, int flags) {
  iovec first = blocks == 1 ? *into : iovec{};
  if (fails("preadv2", descriptor, first.iov_len)) return -1;
  return REAL(preadv2)(descriptor, blocks == 1 ? &first : into, blocks, at, flags);
}
ssize_t write(int descriptor, const void* from, size_t count) {
  return fails("write", descriptor, count) ? -1 : REAL(write)(descriptor, from, count);
}
ssize_t pwrite(int descriptor, const void* from, size_t count, off_t at) {
  return fails("pwrite", descriptor, count) ? -1 : REAL(pwrite)(descriptor, from, count, at);
}
ssize_t pwrite64(int descriptor, const void* from, size_t count, off64_t at) {
  return fails("pwrite", descriptor, count) ? -1 : REAL(pwrite64)(descriptor, from, count, at);
}

int fsync(int descriptor) {
  return fails("fsync", descriptor) ? -1 : REAL(fsync)(descriptor);
}
int fdatasync(int descriptor) {
  return fails("fdatasync", descriptor) ? -1 : REAL(fdatasync)(descriptor);
}
int ftruncate(int descriptor, off_t size) noexcept {
  return fails("ftruncate", descriptor) ? -1 : REAL(ftruncate)(descriptor, size);
}
int ftruncate64(int descriptor, off64_t size) noexcept {
  return fails("ftruncate", descriptor) ? -1 : REAL(ftruncate64)(descriptor, size);
}
off_t lseek(int descriptor, off_t by, int whence) noexcept {
  return fails("lseek", descriptor) ? -1 : REAL(lseek)(descriptor, by, whence);
}
int fcntl(int descriptor, int command, ...) {
  va_list more;
  va_start(more, command);
  void* argument = va_arg(more, void*);
  va_end(more);
  return fails("fcntl", descriptor) ? -1 : REAL(fcntl)(descriptor, command, argument);
}
int fcntl64(int descriptor, int command, ...) {
  va_list more;
  va_start(more, command);
  void* argument = va_arg(more, void*);
  va_end(more);
  return fails("fcntl", descriptor) ? -1 : REAL(fcntl64)(descriptor, command, argument);
}
int unlink(const char* path) noexcept {
  return fails_at("unlink", AT_FDCWD, path) ? -1 : REAL(unlink)(path);
}
int rename(const char* from, const char* to) noexcept {
  return fails_at("rename", AT_FDCWD, from) ? -1 : REAL(rename)(from, to);
}

int socket(int domain, int type, int protocol) noexcept {
  return fails("socket") ? -1 : REAL(socket)(domain, type, protocol);
}
int connect(int descriptor, const sockaddr* to, socklen_t size) {
  return fails("connect", descriptor) ? -1 : REAL(connect)(descriptor, to, size);
}
int accept(int descriptor, sockaddr* from, socklen_t* size) {
  return fails("accept", descriptor) ? -1 : REAL(accept)(descriptor, from, size);
}
ssize_t send(int descriptor, const void* from, size_t count, int flags) {
  return fails("send", descriptor, count) ? -1 : REAL(send)(descriptor, from, count, flags);
}
ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  return fails("sendmsg", descriptor) ? -1 : REAL(sendmsg)(descriptor, message, flags);
}
ssize_t recv(int descriptor, void* into, size_t count, int flags) {
  return fails("recv", descriptor, count) ? -1 : REAL(recv)(descriptor, into, count, flags);
}
ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
  return fails("recvmsg", descriptor) ? -1 : REAL(recvmsg)(descriptor, message, flags);
}
ssize_t sendfile(int to, int from, off_t* at, size_t count) noexcept {
  return fails("sendfile", from, count) ? -1 : REAL(sendfile)(to, from, at, count);
}

int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  if (fails("getaddrinfo")) return EAI_SYSTEM;
  return REAL(getaddrinfo)(name, service, hints, found);
}

int epoll_create1(int flags) noexcept {
  return fails("epoll_create1") ? -1 : REAL(epoll_create1)(flags);
}
// Additions alone: the kernel has nothing to run out of when it changes what is there, and Asio counts on that.
int epoll_ctl(int set, int operation, int descriptor, epoll_event* event) noexcept {
  return operation == EPOLL_CTL_ADD && fails("epoll_ctl", descriptor)
             ? -1
             : REAL(epoll_ctl)(set, operation, descriptor, event);
}
int timerfd_create(int clock, int flags) noexcept {
  return fails("timerfd_create") ? -1 : REAL(timerfd_create)(clock, flags);
}
int signalfd(int fd, const sigset_t* mask, int flags) noexcept {
  return fails("signalfd") ? -1 : REAL(signalfd)(fd, mask, flags);
}
int eventfd(unsigned int value, int flags) noexcept {
  return fails("eventfd") ? -1 : REAL(eventfd)(value, flags);
}
int pipe(int* ends) noexcept {
  return fails("pipe") ? -1 : REAL(pipe)(ends);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*begin)(void*),
                   void* argument) noexcept {
  return fails("pthread_create") ? wanted.with : REAL(pthread_create)(thread, attributes, begin, argument);
}

} // extern "C"
