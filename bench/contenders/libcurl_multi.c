/* The job with libcurl's multi interface: one thread, epoll drives curl_multi_socket_action.
 *
 *   libcurl_multi ENDPOINT LISTFILE CONCURRENCY
 *
 * HOIST_API_KEY and SSL_CERT_FILE as for every contender; BENCH_CURL_BUFFER is CURLOPT_UPLOAD_BUFFERSIZE in bytes (the
 * runner's cell `curl_buffer` sweeps it). Each slot owns one easy handle and does presign, PUT, presign, PUT, ... with it;
 * connections come from the multi handle's pool. */
#include <curl/curl.h>
#include <json-c/json.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Swept: from 16 to 256 KiB nothing but noise in either cell, beyond that small files get dearer. */
enum { upload_buffer_default = 64 * 1024 };

enum { events_max = 64, body_max = 64 * 1024 };

struct slot {
  CURL *easy;
  int putting; /* else presigning */
  int file;    /* open while putting, else -1 */
  int64_t size;
  struct curl_slist *headers; /* of the PUT */
  size_t body_used;
  char body[body_max];
  char path[4096];
};

static CURLM *multi;
static int epoll_descriptor;
static int64_t due_ms = -1; /* when libcurl wants to be called without an event; -1: never */
static FILE *list;
static char presign_url[1024];
static struct curl_slist *presign_headers;
static long upload_buffer;
static long long done, failed, bytes;

static const char presign_body[] = "{\"content_type\":\"application/octet-stream\",\"file_type\":\"other\"}";

static void die(const char *what) {
  fprintf(stderr, "libcurl_multi: %s\n", what);
  exit(2);
}

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- libcurl's view of epoll ---- */

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *unused, void *known) {
  (void)easy, (void)unused;
  if (what == CURL_POLL_REMOVE) {
    epoll_ctl(epoll_descriptor, EPOLL_CTL_DEL, socket, NULL);
    return 0;
  }
  struct epoll_event event = {.data.fd = socket};
  if (what & CURL_POLL_IN) event.events |= EPOLLIN;
  if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
  epoll_ctl(epoll_descriptor, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
  if (!known) curl_multi_assign(multi, socket, &epoll_descriptor); /* any pointer: "known from now on" */
  return 0;
}

static int set_timer(CURLM *m, long timeout_ms, void *unused) {
  (void)m, (void)unused;
  due_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
  return 0;
}

/* ---- one slot's transfers ---- */

static size_t take_body(char *data, size_t size, size_t count, void *user) {
  struct slot *s = user;
  const size_t n = size * count;
  if (n > body_max - 1 - s->body_used) return 0; /* ends the transfer with an error */
  memcpy(s->body + s->body_used, data, n);
  s->body_used += n;
  return n;
}

static size_t give_file(char *into, size_t size, size_t count, void *user) {
  struct slot *s = user;
  const ssize_t n = read(s->file, into, size * count);
  return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

/* The next path of the list into the slot; false at the end. */
static int next_path(struct slot *s) {
  if (!fgets(s->path, sizeof s->path, list)) return 0;
  s->path[strcspn(s->path, "\n")] = 0;
  return 1;
}

static void common_options(struct slot *s) {
  /* reset keeps the handle's live connections and its caches. */
  curl_easy_reset(s->easy);
  curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
  curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(s->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(s->easy, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
  curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
  s->body_used = 0;
}

static void start_presign(struct slot *s) {
  s->putting = 0;
  common_options(s);
  curl_easy_setopt(s->easy, CURLOPT_URL, presign_url);
  curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, presign_headers);
  curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, presign_body);
  curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)(sizeof presign_body - 1));
  curl_multi_add_handle(multi, s->easy);
}

static const char *text_member(json_object *object, const char *name) {
  json_object *value = NULL;
  return json_object_object_get_ex(object, name, &value) ? json_object_get_string(value) : NULL;
}

/* Reads the ticket in the slot's body and begins the PUT; false when either fails. */
static int start_put(struct slot *s) {
  s->body[s->body_used] = 0;
  json_object *ticket = json_tokener_parse(s->body);
  if (!ticket) return 0;
  const char *url = text_member(ticket, "presigned_url");
  struct stat about;
  s->file = url ? open(s->path, O_RDONLY | O_CLOEXEC) : -1;
  if (s->file < 0 || fstat(s->file, &about) != 0) {
    json_object_put(ticket);
    return 0;
  }
  s->putting = 1;
  s->size = about.st_size;
  common_options(s);
  s->headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
  s->headers = curl_slist_append(s->headers, "Expect:"); /* none: a round trip that nobody asked for */
  json_object *required = NULL;
  if (json_object_object_get_ex(ticket, "required_headers", &required)) {
    json_object_object_foreach(required, name, value) {
      char line[8192];
      snprintf(line, sizeof line, "%s: %s", name, json_object_get_string(value));
      s->headers = curl_slist_append(s->headers, line);
    }
  }
  curl_easy_setopt(s->easy, CURLOPT_URL, url);
  curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
  curl_easy_setopt(s->easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(s->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)s->size);
  curl_easy_setopt(s->easy, CURLOPT_READFUNCTION, give_file);
  curl_easy_setopt(s->easy, CURLOPT_READDATA, s);
  curl_easy_setopt(s->easy, CURLOPT_UPLOAD_BUFFERSIZE, upload_buffer);
  json_object_put(ticket);
  curl_multi_add_handle(multi, s->easy);
  return 1;
}

/* What follows a transfer: the file's PUT, or the next file. */
static void go_on(struct slot *s, CURLcode result) {
  long status = 0;
  curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_multi_remove_handle(multi, s->easy);
  const int good = result == CURLE_OK && status == 200;
  if (s->putting) {
    close(s->file);
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    if (good) ++done, bytes += s->size;
  } else if (good && start_put(s)) {
    return;
  }
  if (!good || !s->putting) {
    ++failed;
    fprintf(stderr, "libcurl_multi: %s: status %ld, %s\n", s->path, status, curl_easy_strerror(result));
  }
  if (next_path(s)) start_presign(s);
}

static void settle_finished(void) {
  int left = 0;
  for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));) {
    if (message->msg != CURLMSG_DONE) continue;
    struct slot *s = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &s);
    go_on(s, message->data.result);
  }
}

static void run_until_idle(int running) {
  struct epoll_event events[events_max];
  while (running > 0) {
    int64_t wait = due_ms < 0 ? -1 : due_ms - now_ms();
    if (due_ms >= 0 && wait < 0) wait = 0;
    const int n = wait == 0 ? 0 : epoll_wait(epoll_descriptor, events, events_max, (int)wait);
    if (n == 0) {
      due_ms = -1;
      curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (int i = 0; i < n; ++i) {
      int what = 0;
      if (events[i].events & EPOLLIN) what |= CURL_CSELECT_IN;
      if (events[i].events & EPOLLOUT) what |= CURL_CSELECT_OUT;
      if (events[i].events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
      curl_multi_socket_action(multi, events[i].data.fd, what, &running);
    }
    settle_finished();
    if (due_ms >= 0) running = 1; /* a transfer that was just added counts once its timer has fired */
  }
}

int main(int argc, char **argv) {
  const char *key = getenv("HOIST_API_KEY");
  if (argc != 4 || !key || !getenv("SSL_CERT_FILE")) die("usage: libcurl_multi ENDPOINT LISTFILE CONCURRENCY");
  const char *buffer = getenv("BENCH_CURL_BUFFER");
  upload_buffer = buffer ? atol(buffer) : upload_buffer_default;
  list = fopen(argv[2], "r");
  if (!list) die("cannot read the list");
  const int concurrency = atoi(argv[3]);

  curl_global_init(CURL_GLOBAL_DEFAULT);
  multi = curl_multi_init();
  epoll_descriptor = epoll_create1(EPOLL_CLOEXEC);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)concurrency * 2);

  snprintf(presign_url, sizeof presign_url, "%s/v1/upload/presign", argv[1]);
  char key_line[512];
  snprintf(key_line, sizeof key_line, "X-API-Key: %s", key);
  presign_headers = curl_slist_append(NULL, key_line);
  presign_headers = curl_slist_append(presign_headers, "Content-Type: application/json");

  struct slot *slots = calloc((size_t)concurrency, sizeof *slots);
  int started = 0;
  for (int i = 0; i < concurrency && next_path(&slots[i]); ++i, ++started) {
    slots[i].easy = curl_easy_init();
    start_presign(&slots[i]);
  }
  run_until_idle(started);

  printf("{\"done\":%lld,\"failed\":%lld,\"bytes\":%lld}\n", done, failed, bytes);
  for (int i = 0; i < concurrency; ++i) curl_easy_cleanup(slots[i].easy);
  curl_multi_cleanup(multi);
  curl_slist_free_all(presign_headers);
  free(slots);
  fclose(list);
  return failed == 0 ? 0 : 1;
}
