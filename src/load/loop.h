/*
 * The load generator's loop: one thread, one epoll, descriptors that are ready and timers that are due.
 */
#ifndef LOAD_LOOP_H
#define LOAD_LOOP_H

#include "base/heap.h"
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_S  1000000000LL
#define NS_PER_MS 1000000LL
#define NEVER     INT64_MAX

/* A descriptor in the loop: embedded as the first member in what it belongs to. */
struct source {
    void (*ready)(struct source *s, uint32_t events);
    int fd;
};

/* Something that is due at a time: embedded as the first member in what it belongs to. */
struct timer {
    struct heap_item item;
    void (*due)(struct timer *t);
};

struct loop {
    int epoll_fd;
    struct heap timers; /* by ns */
    char *received;     /* LOOP_RECEIVED bytes: what the last recv() of anybody gave */
};

enum { LOOP_RECEIVED = 256 * 1024 };

/* The monotonic clock. Thread: any. */
int64_t now_ns(void);
/* The processor time that this process has used. */
int64_t cpu_ns(void);
/* The share of one core that this process has used since @since_ns, when its own time was @cpu_ns. */
double busy_share(int64_t since_ns, int64_t cpu_ns);
/*
 * Raise the limit of open files to what the system allows. Returns how many descriptors may be opened.
 */
uint64_t raise_open_files(void);

/* Open; aborts where the system has no epoll. */
void loop_open(struct loop *l);
/* Close the loop; its sources and timers stay their owners'. */
void loop_close(struct loop *l);
/* Watch @s, change what it waits for, and forget it (before its descriptor is closed). */
void loop_add(struct loop *l, struct source *s, uint32_t events);
void loop_change(struct loop *l, struct source *s, uint32_t events);
void loop_remove(struct loop *l, struct source *s);
/* Call t->due() at @at_ns or soon after; moves it when it is set already. */
void loop_set(struct loop *l, struct timer *t, int64_t at_ns);
/* Forget it; one that is not set is left alone. */
void loop_unset(struct loop *l, struct timer *t);
/* Forget all timers. */
void loop_unset_all(struct loop *l);
/*
 * Call what is due and what is ready; wait for it until @until_ns at most (a signal ends the wait early).
 */
void loop_turn(struct loop *l, int64_t until_ns);

#endif
