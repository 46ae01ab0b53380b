/* The events by tag, their deadlines in one heap, and the slugs in use. */
#include "base/metrics.h"
#include "writer/writer_internal.h"
#include <stdlib.h>
#include <string.h>

struct entry *entry_find_tag(const struct writer *w, uint64_t tag)
{
    struct entry *e;
    HASH_FIND(hh, w->entries, &tag, sizeof(tag), e);
    return e;
}

struct entry *entry_find(const struct writer *w, const struct event_id *id)
{
    struct entry *e = entry_find_tag(w, id_tag(&id->u));
    return e && uuid_equal(&e->id.u, &id->u) ? e : NULL;
}

struct entry *entry_add(struct writer *w, const struct event_id *id, struct inventory *inv)
{
    uint64_t tag = id_tag(&id->u);
    must(!entry_find_tag(w, tag));
    struct entry *e = calloc(1, sizeof(*e));
    must(e); /* out of memory ends the program */
    e->tag = tag;
    e->id = *id;
    HASH_ADD(hh, w->entries, tag, sizeof(e->tag), e);
    entry_replace(w, e, inv);
    return e;
}

static void count_live_holds(struct entry *e, uint32_t now)
{
    if (now != e->live_holds)
        metrics_add(METRIC_LIVE_HOLDS, (int64_t)now - (int64_t)e->live_holds);
    e->live_holds = now;
}

/* The live holds of an event are no longer @before's but @after's (either may be NULL: none). */
static void follow_holds(struct writer *w, const struct inventory *before, const struct inventory *after)
{
    const struct hold *h;
    for (h = before ? inventory_next_hold(before, NULL) : NULL; h; h = inventory_next_hold(before, h)) {
        if (!after || !inventory_find_hold(after, &h->hold_id))
            budget_end(w->budget, &h->hold_id);
    }
    for (h = after ? inventory_next_hold(after, NULL) : NULL; h; h = inventory_next_hold(after, h))
        budget_loaded(w->budget, h);
}

void entry_replace(struct writer *w, struct entry *e, struct inventory *inv)
{
    follow_holds(w, e->inv, inv);
    if (e->inv) {
        heap_remove(&w->deadlines, inventory_heap_item(e->inv));
        inventory_free(e->inv);
    }
    e->inv = inv;
    e->inventories++;
}

void entry_show(struct writer *w, struct entry *e)
{
    e->shown = true;
    e->shown_seq = inventory_seq(e->inv);
    slug_own(w, inventory_event(e->inv)->slug);
    if (w->observer.loaded)
        w->observer.loaded(w->observer.ctx, e->inv);
    entry_idle(w, e);
}

void entry_forget(struct writer *w, struct entry *e)
{
    if (e->shown) {
        slug_drop(w, inventory_event(e->inv)->slug);
        if (w->observer.gone)
            w->observer.gone(w->observer.ctx, &e->id);
    }
    entry_drop(w, e);
}

void entry_drop(struct writer *w, struct entry *e)
{
    must(!e->busy && !e->part);
    queue_forget(w, e);
    count_live_holds(e, 0);
    entry_replace(w, e, NULL);
    HASH_DEL(w->entries, e);
    free(e);
}

void entry_set_deadline(struct writer *w, struct entry *e)
{
    struct heap_item *item = inventory_heap_item(e->inv);
    int64_t expires_ms;
    struct hold_id hold;
    bool here = e->role == ROLE_HOME;
    if (here && inventory_next_deadline(e->inv, &expires_ms, &hold))
        heap_set(&w->deadlines, item, expires_ms);
    else
        heap_remove(&w->deadlines, item);
    count_live_holds(e, here ? inventory_live_holds(e->inv) : 0);
}

void entry_idle(struct writer *w, struct entry *e)
{
    must(!e->busy && !e->part);
    e->full = false;
    entry_set_deadline(w, e);
    queue_again(w, &e->waiting);
}

/* ---- slugs ---- */

struct slug *slug_find(const struct writer *w, const char *text)
{
    struct slug *s;
    HASH_FIND(hh, w->slugs, text, strlen(text), s);
    return s;
}

static struct slug *slug_add(struct writer *w, const char *text)
{
    size_t size = strlen(text);
    struct slug *s = calloc(1, sizeof(*s) + size + 1);
    must(s); /* out of memory ends the program */
    memcpy(s->text, text, size);
    HASH_ADD_KEYPTR(hh, w->slugs, s->text, size, s);
    return s;
}

void slug_own(struct writer *w, const char *text)
{
    struct slug *s = slug_find(w, text);
    if (!s)
        s = slug_add(w, text);
    s->claimed = false;
}

bool slug_claim(struct writer *w, const char *text)
{
    if (slug_find(w, text))
        return false;
    slug_add(w, text)->claimed = true;
    return true;
}

void slug_unclaim(struct writer *w, const char *text)
{
    struct slug *s = slug_find(w, text);
    if (s && s->claimed)
        slug_drop(w, text);
}

void slug_drop(struct writer *w, const char *text)
{
    struct slug *s = slug_find(w, text);
    if (!s)
        return;
    HASH_DEL(w->slugs, s);
    free(s);
}
