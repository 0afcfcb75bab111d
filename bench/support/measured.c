/* Runs one command and writes what it cost, with all the processes it waited for, as one JSON line.
 *
 *   measured REPORT COMMAND [ARGUMENT...]
 *
 * A program of its own because a process begins with its parent's peak memory: started from the runner, no command would
 * seem smaller than Python. The command is killed when this program ends, and this program when the runner does. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec / 1e6; }

int main(int argc, char **argv) {
  if (argc < 3) {
    fputs("usage: measured REPORT COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  FILE *report = fopen(argv[1], "we");
  if (!report) {
    perror(argv[1]);
    return 2;
  }
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  const pid_t child = fork();
  if (child < 0) {
    perror("fork");
    return 2;
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  int status = 0;
  struct rusage used;
  if (wait4(child, &status, 0, &used) != child) {
    perror("wait4");
    return 2;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double wall = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
  fprintf(report, "{\"user\":%.6f,\"sys\":%.6f,\"wall\":%.6f,\"rss_kib\":%ld,\"code\":%d}\n", seconds(used.ru_utime),
          seconds(used.ru_stime), wall, used.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return fclose(report) == 0 ? 0 : 2;
}
