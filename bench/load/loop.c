/* Time, epoll, the end of the program. */
#include "load.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static int epoll_fd = -1;

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("boxoffice-load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p)
        die("out of memory");
    return p;
}

static int64_t read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double busy_share(int64_t since_ns, int64_t cpu_before_ns)
{
    return (double)(cpu_ns() - cpu_before_ns) / (double)(now_ns() - since_ns);
}

void raise_open_files(uint32_t count)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_max < count + 100)
        die("the open-file limit (%ju) is too low", (uintmax_t)files.rlim_max);
}

void loop_open(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        die("epoll: %s", strerror(errno));
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* otherwise every wait is 50 us longer */
}

static void control(int what, struct source *s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    if (epoll_ctl(epoll_fd, what, s->fd, &event) != 0)
        die("epoll: %s", strerror(errno));
}

void loop_add(struct source *s, uint32_t events)
{
    control(EPOLL_CTL_ADD, s, events);
}

void loop_change(struct source *s, uint32_t events)
{
    control(EPOLL_CTL_MOD, s, events);
}

void loop_turn(int64_t until_ns)
{
    struct epoll_event events[256];
    struct timespec wait = {0};
    int64_t left = until_ns == NEVER ? NS_PER_S : until_ns - now_ns();
    if (left > 0)
        wait = (struct timespec){.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};
    int count = epoll_pwait2(epoll_fd, events, 256, &wait, NULL);
    if (count < 0 && errno != EINTR)
        die("epoll: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct source *s = events[i].data.ptr;
        s->ready(s, events[i].events);
    }
}
