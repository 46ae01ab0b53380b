#include "base/epoch.h"
#include "base/must.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { CACHE_LINE = 64 };

/*
 * A reader thread's place; in a cache line of its own, for readers write to it all the time. Slots are only
 * ever added to the list, so that whoever walks it needs no care; a thread that ends gives its slot back.
 */
struct slot {
    _Alignas(CACHE_LINE) _Atomic uint64_t time; /* since when the thread has been looking, or 0 */
    atomic_bool taken;
    struct slot *next; /* immutable once listed */
};

static _Atomic uint64_t now = 1;
static _Atomic(struct slot *) slots;
static _Thread_local struct slot *mine;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit;

/* ---- slots ---- */

static void give_back(void *arg)
{
    struct slot *slot = arg;
    must(atomic_load_explicit(&slot->time, memory_order_relaxed) == 0);
    mine = NULL;
    atomic_store_explicit(&slot->taken, false, memory_order_release);
}

static void make_key(void)
{
    must(pthread_key_create(&at_exit, give_back) == 0);
}

static struct slot *claim_free(void)
{
    struct slot *slot = atomic_load_explicit(&slots, memory_order_acquire);
    for (; slot; slot = slot->next) {
        bool taken = false;
        if (atomic_compare_exchange_strong_explicit(&slot->taken, &taken, true, memory_order_acq_rel,
                                                    memory_order_relaxed))
            return slot;
    }
    return NULL;
}

static struct slot *add_slot(void)
{
    struct slot *slot = aligned_alloc(CACHE_LINE, sizeof(*slot));
    must(slot); /* out of memory ends the program */
    atomic_init(&slot->time, 0);
    atomic_init(&slot->taken, true);
    slot->next = atomic_load_explicit(&slots, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&slots, &slot->next, slot))
        ;
    return slot;
}

static struct slot *claim(void)
{
    must(pthread_once(&once, make_key) == 0);
    struct slot *slot = claim_free();
    if (!slot)
        slot = add_slot();
    must(pthread_setspecific(at_exit, slot) == 0);
    return slot;
}

/* ---- readers ---- */

void epoch_enter(void)
{
    if (!mine)
        mine = claim();
    must(atomic_load_explicit(&mine->time, memory_order_relaxed) == 0); /* not nested */
    atomic_store(&mine->time, atomic_load(&now));
}

void epoch_leave(void)
{
    must(mine && atomic_load_explicit(&mine->time, memory_order_relaxed) != 0);
    atomic_store_explicit(&mine->time, 0, memory_order_release);
}

/* ---- retired items ---- */

void epoch_retire(struct epoch_list *list, struct epoch_item *item, void (*free)(struct epoch_item *item))
{
    item->free = free;
    item->tag = atomic_fetch_add(&now, 1);
    item->next = atomic_load_explicit(&list->head, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&list->head, &item->next, item, memory_order_release,
                                                  memory_order_relaxed))
        ;
}

/* Since when the one who has been looking longest has; UINT64_MAX when nobody looks. */
static uint64_t oldest_reader(void)
{
    uint64_t oldest = UINT64_MAX;
    for (struct slot *slot = atomic_load(&slots); slot; slot = slot->next) {
        uint64_t time = atomic_load(&slot->time);
        if (time != 0 && time < oldest)
            oldest = time;
    }
    return oldest;
}

/* Take all; those with a tag < @until are freed, the others wait for the next time. */
static void free_until(struct epoch_list *list, struct epoch_item *item, uint64_t until)
{
    while (item) {
        struct epoch_item *next = item->next;
        if (item->tag < until) {
            item->free(item);
        } else {
            item->next = list->waiting;
            list->waiting = item;
        }
        item = next;
    }
}

void epoch_collect(struct epoch_list *list)
{
    struct epoch_item *seen = list->waiting;
    struct epoch_item *fresh = atomic_exchange_explicit(&list->head, NULL, memory_order_acquire);
    if (!seen && !fresh)
        return;
    uint64_t until = oldest_reader(); /* after the items were taken: their tags are older than this look */
    list->waiting = NULL;
    free_until(list, seen, until);
    free_until(list, fresh, until);
}

void epoch_drain(struct epoch_list *list)
{
    struct epoch_item *item = list->waiting;
    list->waiting = NULL;
    free_until(list, item, UINT64_MAX);
    while ((item = atomic_exchange_explicit(&list->head, NULL, memory_order_acquire)))
        free_until(list, item, UINT64_MAX); /* which may have retired others */
}
