/*
 * Timeline: objects in the order of their creation (time, then id). Readers take no lock: they look inside an
 * epoch (base/epoch.h); one publisher at a time changes it.
 *
 * How: a skip list. Each node stands in the lowest list and, with one chance in four for each, in the next
 * higher one; which, its id says. A search goes along the highest list as far as it may, then the next lower
 * one: about 4 log4(n) steps. A node is embedded in its object.
 *
 * What readers may count on: they come only from lower keys to higher ones, and meet every node that was in
 * the list all the time. A node that is removed keeps its links, so that a reader who is on it goes on; it
 * may be put in again at once: its key is the same, so whoever is on it meanwhile only goes on to other
 * higher keys. Its object may be freed after it was removed and retired. Never begin at a node that one has
 * kept: what it points to may have been freed since. Search for its key.
 */
#ifndef VIEW_TIMELINE_H
#define VIEW_TIMELINE_H

#include "base/uuid.h"
#include <stdatomic.h>
#include <stdint.h>

enum { TIMELINE_LEVELS = 10 }; /* 4^10: good for a million */

struct timeline_key {
    int64_t created_ms;
    struct uuid id;
};

struct timeline_node {
    struct timeline_key key; /* immutable */
    unsigned levels;         /* in how many lists it stands; immutable */
    _Atomic(struct timeline_node *) next[TIMELINE_LEVELS];
};

struct timeline {
    struct timeline_node head; /* before all; without a key */
};

/* Empty. */
void timeline_init(struct timeline *t);
void timeline_node_init(struct timeline_node *n, int64_t created_ms, const struct uuid *id);

/* The first node after @key, which need not be there (NULL: of all). NULL: none. Thread: any, in an epoch. */
struct timeline_node *timeline_after(const struct timeline *t, const struct timeline_key *key);
/* The next one, or NULL. Thread: any, in the same epoch in which @n was found. */
struct timeline_node *timeline_next(const struct timeline_node *n);

/* Put in (no node with its key may be there), take out (it must be there). Thread: the publisher. */
void timeline_insert(struct timeline *t, struct timeline_node *n);
void timeline_remove(struct timeline *t, struct timeline_node *n);

#endif
