// What no TLS client on this machine can beat: plain send() of a warm buffer to a sink on loopback, plus AES-GCM alone.
//
//   roofline SUITE GIGABYTES SINK_CPU
//
// Each over GIGABYTES (10^9 bytes), in CPU time (user + system) of this process. The sink is a process of its own on
// SINK_CPU (-1: anywhere). Sending is tried with buffers of 64, 128 and 256 KiB and the cheapest counts; sealing is
// done in records of 16 KiB, as TLS does. Prints one JSON line:
// {"send_s_per_gb","send_buffer","seal_s_per_gb","cpu_s_per_gb"}.
#include <openssl/evp.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t record_bytes = 16 * 1024;

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

[[noreturn]] void be_the_sink(int listener, int cpu) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (cpu >= 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<unsigned>(cpu), &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  std::vector<char> into(256 * 1024);
  for (;;) {
    const int from = accept(listener, nullptr, nullptr);
    if (from < 0) _exit(0);
    while (recv(from, into.data(), into.size(), 0) > 0) {
    }
    close(from);
  }
}

class sink {
 public:
  explicit sink(int cpu) : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    where_.sin_family = AF_INET;
    where_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    require(bind(listener_, reinterpret_cast<sockaddr*>(&where_), sizeof where_) == 0, "bind");
    socklen_t length = sizeof where_;
    require(getsockname(listener_, reinterpret_cast<sockaddr*>(&where_), &length) == 0, "getsockname");
    require(listen(listener_, 4) == 0, "listen");
    child_ = fork();
    require(child_ >= 0, "fork");
    if (child_ == 0) be_the_sink(listener_, cpu);
  }
  ~sink() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    close(listener_);
  }
  sink(const sink&) = delete;
  sink& operator=(const sink&) = delete;

  int connected() const {
    const int s = socket(AF_INET, SOCK_STREAM, 0);
    require(connect(s, reinterpret_cast<const sockaddr*>(&where_), sizeof where_) == 0, "connect");
    const int on = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return s;
  }

 private:
  int listener_;
  sockaddr_in where_{};
  pid_t child_ = -1;
};

double sending_seconds(const sink& to, std::size_t buffer_bytes, std::uint64_t total) {
  const std::vector<char> buffer(buffer_bytes, 'x');
  const int s = to.connected();
  const double begin = cpu_seconds();
  for (std::uint64_t sent = 0; sent < total;) {
    const ssize_t n = send(s, buffer.data(), buffer.size(), MSG_NOSIGNAL);
    require(n > 0, "send");
    sent += static_cast<std::uint64_t>(n);
  }
  const double used = cpu_seconds() - begin;
  close(s);
  return used;
}

const EVP_CIPHER* cipher_of(std::string_view suite) {
  if (suite == "TLS_AES_128_GCM_SHA256") return EVP_aes_128_gcm();
  if (suite == "TLS_AES_256_GCM_SHA384") return EVP_aes_256_gcm();
  throw std::runtime_error("SUITE is TLS_AES_128_GCM_SHA256 or TLS_AES_256_GCM_SHA384");
}

// Each record as TLS 1.3 seals it: a fresh nonce, five bytes of header authenticated, sixteen bytes of tag. Four
// records of plaintext stay in the cache, as hoist's batch does.
double sealing_seconds(const EVP_CIPHER* cipher, std::uint64_t total) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(EVP_CIPHER_CTX_new(),
                                                                                EVP_CIPHER_CTX_free);
  const std::array<unsigned char, 32> key{};
  std::array<unsigned char, 12> nonce{};
  const std::array<unsigned char, 5> header{23, 3, 3, 64, 17};
  std::array<unsigned char, 16> tag{};
  const std::vector<unsigned char> plain(4 * record_bytes, 'x');
  std::vector<unsigned char> sealed(4 * record_bytes);
  require(EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.data(), nonce.data()) == 1, "EVP_EncryptInit_ex");
  const double begin = cpu_seconds();
  std::uint64_t record = 0;
  for (std::uint64_t done = 0; done < total; done += record_bytes, ++record) {
    for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<unsigned char>(record >> (8 * i));
    const std::size_t at = record % 4 * record_bytes;
    int n = 0;
    EVP_EncryptInit_ex(context.get(), nullptr, nullptr, nullptr, nonce.data());
    EVP_EncryptUpdate(context.get(), nullptr, &n, header.data(), static_cast<int>(header.size()));
    EVP_EncryptUpdate(context.get(), sealed.data() + at, &n, plain.data() + at, static_cast<int>(record_bytes));
    EVP_EncryptFinal_ex(context.get(), sealed.data() + at, &n);
    require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1,
            "tag");
  }
  return cpu_seconds() - begin;
}

void measure(std::string_view suite, double gigabytes, int sink_cpu) {
  const auto total = static_cast<std::uint64_t>(gigabytes * 1e9);
  require(total > 0, "GIGABYTES is more than 0");
  const sink to(sink_cpu);
  double cheapest = 0;
  std::size_t best = 0;
  for (const std::size_t buffer : {64U * 1024, 128U * 1024, 256U * 1024}) {
    const double used = sending_seconds(to, buffer, total) / gigabytes;
    if (best == 0 || used < cheapest) cheapest = used, best = buffer;
  }
  const double sealing = sealing_seconds(cipher_of(suite), total) / gigabytes;
  std::printf("{\"send_s_per_gb\":%.4f,\"send_buffer\":%zu,\"seal_s_per_gb\":%.4f,\"cpu_s_per_gb\":%.4f}\n", cheapest,
              best, sealing, cheapest + sealing);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: roofline SUITE GIGABYTES SINK_CPU\n", stderr);
    return 2;
  }
  try {
    measure(argv[1], std::atof(argv[2]), std::atoi(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "roofline: %s\n", error.what());
    return 1;
  }
}
