/*
 * The streams' peer: one process gives the same bytes to --count sockets with one send() each, another on
 * another core drains them. Nothing else: no HTTP, no clients that differ, nothing to decide. Prints the
 * median round, from the first send() until the last has returned, and until the reader has every byte.
 */
#include "load.h"
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 2

static uint64_t wanted, got;
static int report;

static void pin(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        die("CPU %u: %s", cpu, strerror(errno));
}

static void drain(struct source *s, uint32_t events)
{
    char buffer[4096];
    (void)events;
    ssize_t n = recv(s->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n <= 0)
        _exit(0); /* the sender has ended */
    got += (uint64_t)n;
    if (got == wanted) {
        int64_t now = now_ns();
        got = 0;
        if (write(report, &now, sizeof now) != sizeof now)
            _exit(1);
    }
}

static _Noreturn void reader(const struct options *o, const struct sockaddr_in *address)
{
    pin(o->client_cpu);
    loop_open(&loop);
    struct source *sources = allocate(o->count, sizeof *sources);
    wanted = (uint64_t)o->count * o->bytes;
    for (uint32_t i = 0; i < o->count; i++) {
        sources[i] = (struct source){.ready = drain, .fd = socket(AF_INET, SOCK_STREAM, 0)};
        if (connect(sources[i].fd, (const struct sockaddr *)address, sizeof *address) != 0)
            die("connect: %s", strerror(errno));
        loop_add(&loop, &sources[i], EPOLLIN);
    }
    for (;;)
        loop_turn(&loop, NEVER);
}

static int listen_anywhere(struct sockaddr_in *ret_address)
{
    socklen_t size = sizeof *ret_address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)ret_address, size) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)ret_address, &size) != 0)
        die("listen: %s", strerror(errno));
    return fd;
}

static void send_round(const int *fds, const struct options *o, const char *bytes, int pipe_fd,
                       double *ret_sent, double *ret_arrived)
{
    int64_t arrived, began = now_ns();
    for (uint32_t i = 0; i < o->count; i++) {
        if (send(fds[i], bytes, o->bytes, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)o->bytes)
            die("send: %s", strerror(errno));
    }
    *ret_sent = (double)(now_ns() - began) / NS_PER_MS;
    if (read(pipe_fd, &arrived, sizeof arrived) != sizeof arrived)
        die("the reader has ended");
    *ret_arrived = (double)(arrived - began) / NS_PER_MS;
}

int cmd_raw(const struct options *o)
{
    struct sockaddr_in address;
    int ends[2];
    if (o->count == 0 || o->bytes == 0 || o->rounds == 0)
        die("--count and --bytes are needed");
    need_open_files(o->count);
    int listener = listen_anywhere(&address);
    if (pipe(ends) != 0)
        die("pipe: %s", strerror(errno));
    report = ends[1];
    pid_t child = fork();
    if (child == 0)
        reader(o, &address);
    close(ends[1]);
    pin(o->server_cpu);
    int *fds = allocate(o->count, sizeof *fds);
    for (uint32_t i = 0; i < o->count; i++) {
        fds[i] = accept(listener, NULL, NULL);
        if (fds[i] < 0)
            die("accept: %s", strerror(errno));
    }
    char *bytes = allocate(o->bytes, 1);
    double *sent = allocate(o->rounds, sizeof *sent), *arrived = allocate(o->rounds, sizeof *arrived),
           unused[2];
    for (uint32_t i = 0; i < o->rounds + WARM_UP; i++) {
        if (i < WARM_UP)
            send_round(fds, o, bytes, ends[0], &unused[0], &unused[1]);
        else
            send_round(fds, o, bytes, ends[0], &sent[i - WARM_UP], &arrived[i - WARM_UP]);
        nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
    }
    for (uint32_t i = 0; i < o->count; i++)
        close(fds[i]);
    waitpid(child, NULL, 0);
    printf("RAW count=%" PRIu32 " bytes=%" PRIu32 " rounds=%" PRIu32 " send_ms=%.3f arrive_ms=%.3f\n",
           o->count, o->bytes, o->rounds, median(sent, o->rounds), median(arrived, o->rounds));
    return 0;
}
