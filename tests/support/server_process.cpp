#include "server_process.hpp"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hoist::test {

namespace {

/// The string value of `"name":"..."` in a line of our own server's; no escapes occur there.
std::string text_of(const std::string& json, const std::string& name) {
  const std::string mark = "\"" + name + "\":\"";
  const auto at = json.find(mark);
  if (at == std::string::npos) return {};
  const auto begin = at + mark.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

std::uint64_t number_of(const std::string& json, const std::string& name) {
  const std::string mark = "\"" + name + "\":";
  const auto at = json.find(mark);
  return at == std::string::npos ? 0 : std::strtoull(json.c_str() + at + mark.size(), nullptr, 10);
}

std::string first_line(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

} // namespace

server_process::server_process(const std::vector<std::string>& options) {
  std::vector<std::string> words{HOIST_SERVER_PATH,      "--port",      "0",    "--state",
                                 state_.path().string(), "--log-level", "error"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (auto& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe for hoist-server");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that crashes leaves no server behind
    ::dup2(ends[1], STDOUT_FILENO);
    ::execv(HOIST_SERVER_PATH, arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  const std::string line = read_line(ends[0]);
  ::close(ends[0]);
  endpoint_ = text_of(line, "endpoint");
  if (endpoint_.empty()) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error("hoist-server did not get ready; it said: " + line);
  }
  cacert_ = text_of(line, "cacert");
  key_ = first_line(text_of(line, "api_key_file"));
  port_ = endpoint_.substr(endpoint_.rfind(':') + 1);
}

server_process::~server_process() {
  ::kill(pid_, SIGKILL); // its state is thrown away: there is nothing to end in order
  ::waitpid(pid_, nullptr, 0);
}

std::string server_process::read_line(int descriptor) const {
  std::string line;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (line.find('\n') == std::string::npos && std::chrono::steady_clock::now() < end) {
    pollfd ready{descriptor, POLLIN, 0};
    if (::poll(&ready, 1, 1000) <= 0) continue;
    char buffer[4096];
    const auto n = ::read(descriptor, buffer, sizeof buffer);
    if (n <= 0) break;
    line.append(buffer, static_cast<std::size_t>(n));
  }
  return line;
}

std::string server_process::get(const std::string& path, const std::string& headers) const {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_load_verify_file(context, cacert_.c_str());
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  BIO* connection = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(connection, ("127.0.0.1:" + port_).c_str());
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n" + headers + "\r\n";
  std::string answer;
  if (BIO_write(connection, request.data(), static_cast<int>(request.size())) == static_cast<int>(request.size())) {
    char buffer[16 * 1024];
    for (int n = 0; (n = BIO_read(connection, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(n));
  }
  BIO_free_all(connection);
  SSL_CTX_free(context);
  const auto body = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 200") || body == std::string::npos)
    throw std::runtime_error("hoist-server answered " + path + " with: " + answer.substr(0, 200));
  return answer.substr(body + 4);
}

std::uint64_t server_process::metric(const std::string& name) const {
  const std::string text = "\n" + get("/metrics");
  const auto at = text.find("\nhoist_server_" + name + " ");
  if (at == std::string::npos) throw std::runtime_error("hoist-server has no metric " + name);
  return std::strtoull(text.c_str() + at + name.size() + 15, nullptr, 10);
}

std::map<std::string, server_process::stored> server_process::account() const {
  std::map<std::string, stored> result;
  std::istringstream lines(get("/account", "X-API-Key: " + key_ + "\r\n"));
  for (std::string line; std::getline(lines, line);)
    if (const std::string id = text_of(line, "id"); !id.empty())
      result[id] = {number_of(line, "size"), static_cast<int>(number_of(line, "puts")), text_of(line, "md5")};
  return result;
}

} // namespace hoist::test
