/*
 * A store around another: passes on what the writer uses, and lets a test answer for it. Only these
 * operations are there.
 */
#ifndef UNIT_WRITER_WRAPPED_H
#define UNIT_WRITER_WRAPPED_H

#include "base/must.h"
#include "store/store.h"

struct wrapped {
    struct store store; /* first */
    struct store *inner;
    void (*commit)(struct wrapped *w, struct commit *c); /* instead of passing it on, if set */
    int idem_code, list_code, load_code;                 /* answered instead, if not 0 */
};

static inline struct wrapped *wrapped_of(const struct store *s)
{
    return (struct wrapped *)(uintptr_t)s;
}

static inline void wrapped_commit(struct store *s, struct commit *c)
{
    struct wrapped *w = wrapped_of(s);
    if (w->commit)
        w->commit(w, c);
    else
        store_commit(w->inner, c);
}

static inline int wrapped_reopen(struct store *s)
{
    return store_reopen(wrapped_of(s)->inner);
}

static inline bool wrapped_writable(const struct store *s)
{
    return store_writable(wrapped_of(s)->inner);
}

static inline void wrapped_reason(struct store *s, char *ret_text, size_t size)
{
    store_reason(wrapped_of(s)->inner, ret_text, size);
}

static inline int wrapped_idem_find(struct store *s, const struct digest *key, int64_t now_ms,
                                    struct arena *arena, struct idem_record *ret_record)
{
    struct wrapped *w = wrapped_of(s);
    return w->idem_code ? w->idem_code : store_idem_find(w->inner, key, now_ms, arena, ret_record);
}

static inline int wrapped_list_events(struct store *s, int (*each)(void *, struct event_id), void *ctx)
{
    struct wrapped *w = wrapped_of(s);
    return w->list_code ? w->list_code : store_list_events(w->inner, each, ctx);
}

static inline int wrapped_load_event(struct store *s, const struct event_id *id,
                                     struct layout *(*layout_of)(void *, const struct venue_id *), void *ctx,
                                     struct image *ret_image)
{
    struct wrapped *w = wrapped_of(s);
    return w->load_code ? w->load_code : store_load_event(w->inner, id, layout_of, ctx, ret_image);
}

static inline struct wrapped wrap(struct store *inner)
{
    static const struct store_ops ops = {
        .commit = wrapped_commit,
        .reopen = wrapped_reopen,
        .writable = wrapped_writable,
        .reason = wrapped_reason,
        .idem_find = wrapped_idem_find,
        .list_events = wrapped_list_events,
        .load_event = wrapped_load_event,
    };
    return (struct wrapped){.store = {&ops}, .inner = inner};
}

#endif
