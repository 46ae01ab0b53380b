/*
 * Epochs: readers look at shared structures without locks, and what was taken out of them is freed when
 * nobody can have it any more. Readers never wait, whoever frees never waits: what cannot be freed yet is
 * left for the next time.
 *
 * How: a clock counts what was retired. A reader that enters writes the clock's time into its slot, and 0
 * when it leaves. Retiring tags an item with the time and moves the clock on: one that enters later reads a
 * time > tag. Collecting frees an item when every slot is 0 or > tag.
 *
 * Why that is right. Every pointer through which readers reach an item is loaded and replaced with
 * memory_order_seq_cst, and the last of them was replaced before the item was retired. Take a reader and an
 * item that a collector frees; the collector read the reader's slot
 *  - as 0 or > tag although the reader wrote a time <= tag: then it read before that write (as it did when
 *    it missed a new slot), or after the reader had left. If before: in the one order of all seq_cst
 *    operations the replacing came before the tagging, that before the collector's look, that before the
 *    write, that before the reader's loads: they give what replaced the item. If after: the reader's leaving
 *    happened before the freeing.
 *  - as a time > tag that the reader wrote: it read that time from the clock as it was moved on by the
 *    tagging or later, so the replacing happened before all of its loads.
 * A reader may also come by an item from one that was taken out before (whose links stay as they were): it
 * then had entered before that one was taken out, so its time is <= the tags of both.
 *
 * Failure modes: a reader that stays inside keeps everything that is retired meanwhile in memory; items of a
 * list that nobody collects stay there.
 */
#ifndef BASE_EPOCH_H
#define BASE_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

/* Embedded in what may be retired. */
struct epoch_item {
    struct epoch_item *next; /* the list's while retired */
    uint64_t tag;
    void (*free)(struct epoch_item *item);
};

/* Retired items of one owner; all zero is an empty list. */
struct epoch_list {
    _Atomic(struct epoch_item *) head; /* newest first */
    struct epoch_item *waiting;        /* the collector's: seen before, but not free yet */
};

/*
 * Begin and end of looking. Not nested. Never block; no system calls but at a thread's first time. Thread:
 * any.
 */
void epoch_enter(void);
void epoch_leave(void);

/*
 * Have @free called when no reader can have @item any more. No reader that enters from now on can reach it.
 * Never blocks. Thread: any. Ownership: @item is the list's until @free gets it.
 */
void epoch_retire(struct epoch_list *list, struct epoch_item *item, void (*free)(struct epoch_item *item));
/* Free what no reader can have any more. Never waits. Thread: any, but one at a time for each list. */
void epoch_collect(struct epoch_list *list);
/* Free everything: no reader is left who could have an item. Thread: nobody else has the list. */
void epoch_drain(struct epoch_list *list);

#endif
