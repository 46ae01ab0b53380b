#include "load/loop.h"
#include "base/clock.h"
#include "base/must.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_A_TURN = 256, TIMERS_A_TURN = 64 };

int64_t now_ns(void)
{
    struct clock clock;
    clock_init_system(&clock);
    return clock_monotonic_us(&clock) * 1000;
}

int64_t cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * NS_PER_S +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000;
}

double busy_share(int64_t since_ns, int64_t cpu_before_ns)
{
    int64_t lasted = now_ns() - since_ns;
    return lasted > 0 ? (double)(cpu_ns() - cpu_before_ns) / (double)lasted : 0;
}

uint64_t raise_open_files(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur;
}

void loop_open(struct loop *l)
{
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    must(l->epoll_fd >= 0);
    heap_init(&l->timers);
    l->received = malloc(LOOP_RECEIVED);
    must(l->received);
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* otherwise every wait is 50 us longer */
}

void loop_close(struct loop *l)
{
    close(l->epoll_fd);
    heap_done(&l->timers);
    free(l->received);
}

static void control(struct loop *l, int what, struct source *s, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = s};
    must(epoll_ctl(l->epoll_fd, what, s->fd, &event) == 0);
}

void loop_add(struct loop *l, struct source *s, uint32_t events)
{
    control(l, EPOLL_CTL_ADD, s, events);
}

void loop_change(struct loop *l, struct source *s, uint32_t events)
{
    control(l, EPOLL_CTL_MOD, s, events);
}

void loop_remove(struct loop *l, struct source *s)
{
    control(l, EPOLL_CTL_DEL, s, 0);
}

void loop_set(struct loop *l, struct timer *t, int64_t at_ns)
{
    heap_set(&l->timers, &t->item, at_ns);
}

void loop_unset(struct loop *l, struct timer *t)
{
    heap_remove(&l->timers, &t->item);
}

void loop_unset_all(struct loop *l)
{
    for (struct heap_item *first; (first = heap_first(&l->timers)) != NULL;)
        heap_remove(&l->timers, first);
}

/* Call what is due now; not everything when that is much, so that sockets have their turn too. Returns when
 * the next is due, at most @until_ns. */
static int64_t call_due(struct loop *l, int64_t until_ns)
{
    struct heap_item *first;
    int64_t now = now_ns();
    for (unsigned i = 0; (first = heap_first(&l->timers)) != NULL && first->key <= now && i < TIMERS_A_TURN;
         i++) {
        struct timer *t = (struct timer *)first;
        heap_remove(&l->timers, first);
        t->due(t);
    }
    return first && first->key < until_ns ? first->key : until_ns;
}

/* Wait for @wait_ns at most. An old kernel, or a sandbox that does not know the newer call, waits in whole
 * ms. */
static int wait_ready(struct loop *l, struct epoll_event *events, int64_t wait_ns)
{
    const struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
    int count = epoll_pwait2(l->epoll_fd, events, EVENTS_A_TURN, &wait, NULL);
    if (count < 0 && (errno == ENOSYS || errno == EPERM))
        count = epoll_wait(l->epoll_fd, events, EVENTS_A_TURN, (int)(wait_ns / NS_PER_MS));
    must(count >= 0 || errno == EINTR);
    return count;
}

void loop_turn(struct loop *l, int64_t until_ns)
{
    struct epoll_event events[EVENTS_A_TURN];
    int64_t next = call_due(l, until_ns), left = next == NEVER ? NS_PER_S : next - now_ns();
    int count = wait_ready(l, events, left > 0 ? left : 0);
    for (int i = 0; i < count; i++) {
        struct source *s = events[i].data.ptr;
        s->ready(s, events[i].events);
    }
}
