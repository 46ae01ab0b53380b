#include "view/timeline.h"
#include "base/hash.h"
#include "base/must.h"
#include <stddef.h>

static int compare(const struct timeline_key *a, const struct timeline_key *b)
{
    if (a->created_ms != b->created_ms)
        return a->created_ms < b->created_ms ? -1 : 1;
    return uuid_compare(&a->id, &b->id);
}

void timeline_init(struct timeline *t)
{
    t->head.levels = TIMELINE_LEVELS;
    for (unsigned level = 0; level < TIMELINE_LEVELS; level++)
        atomic_init(&t->head.next[level], NULL);
}

/* Two bits of the hash for each level: both 0, in one of four cases, and it stands in the next one, too. */
static unsigned levels_of(const struct uuid *id)
{
    uint64_t hash = hash64(id, sizeof(*id));
    unsigned levels = 1;
    for (; levels < TIMELINE_LEVELS && (hash & 3) == 0; hash >>= 2)
        levels++;
    return levels;
}

void timeline_node_init(struct timeline_node *n, int64_t created_ms, const struct uuid *id)
{
    n->key = (struct timeline_key){.created_ms = created_ms, .id = *id};
    n->levels = levels_of(id);
    for (unsigned level = 0; level < TIMELINE_LEVELS; level++)
        atomic_init(&n->next[level], NULL);
}

/* ---- reading ---- */

struct timeline_node *timeline_next(const struct timeline_node *n)
{
    return atomic_load(&n->next[0]);
}

struct timeline_node *timeline_after(const struct timeline *t, const struct timeline_key *key)
{
    const struct timeline_node *at = &t->head;
    struct timeline_node *next = NULL;
    if (!key)
        return timeline_next(at);
    for (unsigned level = TIMELINE_LEVELS; level-- > 0;) {
        while ((next = atomic_load(&at->next[level])) && compare(&next->key, key) <= 0)
            at = next;
    }
    return next; /* as it was when compared: another may have come in between */
}

/* ---- publishing ---- */

/* In each list the last node before @key. */
static void find_before(struct timeline *t, const struct timeline_key *key,
                        struct timeline_node *ret_before[TIMELINE_LEVELS])
{
    struct timeline_node *at = &t->head, *next;
    for (unsigned level = TIMELINE_LEVELS; level-- > 0;) {
        while ((next = atomic_load(&at->next[level])) && compare(&next->key, key) < 0)
            at = next;
        ret_before[level] = at;
    }
}

/* From the lowest list up, each link of its own before the link to it: it is whole as soon as it is seen. */
void timeline_insert(struct timeline *t, struct timeline_node *n)
{
    struct timeline_node *before[TIMELINE_LEVELS];
    find_before(t, &n->key, before);
    const struct timeline_node *after = timeline_next(before[0]);
    must(!after || compare(&after->key, &n->key) != 0);
    for (unsigned level = 0; level < n->levels; level++)
        atomic_store(&n->next[level], atomic_load(&before[level]->next[level]));
    for (unsigned level = 0; level < n->levels; level++)
        atomic_store(&before[level]->next[level], n);
}

/* From the highest list down: what is still found above is still found below. */
void timeline_remove(struct timeline *t, struct timeline_node *n)
{
    struct timeline_node *before[TIMELINE_LEVELS];
    find_before(t, &n->key, before);
    must(timeline_next(before[0]) == n);
    for (unsigned level = n->levels; level-- > 0;)
        atomic_store(&before[level]->next[level], atomic_load(&n->next[level]));
}
