/* The writing half of an import: venue, slug, tickets, and the changes in groups. */
#include "base/error.h"
#include "base/must.h"
#include "transfer/grouping.h"
#include "transfer/import_internal.h"
#include <pthread.h>
#include <string.h>

/* ---- one commit, waited for ---- */

struct waiting {
    pthread_mutex_t mtx;
    pthread_cond_t cond;
    bool done; /* under mtx */
};

static void on_done(struct commit *c)
{
    struct waiting *w = c->ctx;
    pthread_mutex_lock(&w->mtx);
    w->done = true;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mtx);
}

static int commit_and_wait(struct store *s, struct event_group *group)
{
    struct waiting w = {.mtx = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    struct commit c = {.groups = group, .group_count = 1, .done = on_done, .ctx = &w};
    store_commit(s, &c);
    pthread_mutex_lock(&w.mtx);
    while (!w.done)
        pthread_cond_wait(&w.cond, &w.mtx);
    pthread_mutex_unlock(&w.mtx);
    pthread_mutex_destroy(&w.mtx);
    pthread_cond_destroy(&w.cond);
    return group->result;
}

/* ---- groups ---- */

/* The group that is being filled: changes [first, next) of a part. */
struct filling {
    struct event_part *part;
    uint32_t first, next;
    size_t personal; /* the first record of the part that is of no earlier group */
};

/* Records are in the order of the changes that begin their orders. */
static size_t personals_of(const struct filling *f, const struct personal_record **ret_records)
{
    size_t found = 0;
    for (uint32_t i = f->first; i < f->next && f->personal + found < f->part->personal_count; i++) {
        const struct change *c = f->part->changes[i];
        const struct personal_record *r = &f->part->personals[f->personal + found];
        if (c->kind == CHANGE_ORDER_CREATED && uuid_equal(&c->order->order_id.u, &r->order_id.u))
            ret_records[found++] = r;
    }
    return found;
}

static int commit_group(struct import *m, struct filling *f)
{
    if (f->first == f->next)
        return 0;
    const struct personal_record *records[BLOCK_CHANGES];
    struct change **changes = f->part->changes;
    struct event_group group = {
        .event_id = m->result->event_id,
        .follows_seq = changes[f->first]->seq - 1,
        .changes = changes[f->first],
        .change_count = f->next - f->first,
        .personals = records,
        .personal_count = personals_of(f, records),
    };
    for (uint32_t i = f->first; i < f->next; i++)
        changes[i]->next = i + 1 < f->next ? changes[i + 1] : NULL;
    int ret = commit_and_wait(m->options->store, &group);
    if (ret == BOX_EFENCED)
        return import_fail(m, ret,
                           "change %llu: somebody else writes to this event; is a server running on this "
                           "store?",
                           (unsigned long long)changes[f->first]->seq);
    if (ret)
        return import_fail_store(m, ret, "committing changes");
    m->result->groups++;
    f->personal += group.personal_count;
    f->first = f->next;
    return 0;
}

/* What an earlier import committed, and its personal data. */
static void skip_committed(struct filling *f, uint64_t had)
{
    while (f->next < f->part->count && f->part->changes[f->next]->seq <= had)
        f->next++;
    const struct personal_record *records[BLOCK_CHANGES];
    f->personal = personals_of(f, records);
    f->first = f->next;
}

static int write_part(struct import *m, struct grouping *g, struct event_part *part)
{
    struct filling f = {.part = part};
    int ret = 0;
    skip_committed(&f, m->result->had);
    while (!ret && f.next < part->count) {
        if (grouping_take(g, part->changes[f.next])) {
            f.next++;
            continue;
        }
        ret = commit_group(m, &f);
        grouping_next(g);
    }
    if (!ret)
        ret = commit_group(m, &f);
    grouping_next(g);
    return ret;
}

static int write_changes(struct import *m)
{
    struct grouping g;
    struct event_part part;
    int ret = event_file_open(&m->file, m->options->file);
    if (ret)
        return import_fail_file(m, ret);
    grouping_init(&g, m->result->seats, store_group_seats(m->options->store), BLOCK_CHANGES);
    for (bool more = true; !ret && more;) {
        import_progress(m, IMPORT_CHANGES, m->file.seq, m->result->changes);
        ret = event_file_next(&m->file, &m->page, &part);
        if (ret)
            ret = import_fail_file(m, ret);
        else
            ret = write_part(m, &g, &part);
        more = part.count > 0;
        event_part_done(&part);
        arena_reset(&m->page);
    }
    grouping_done(&g);
    return ret;
}

/* ---- before the first change ---- */

static void on_tickets(void *ctx, uint32_t done)
{
    struct import *m = ctx;
    import_progress(m, IMPORT_TICKETS, done, m->result->seats);
}

static int create(struct import *m)
{
    struct store *s = m->options->store;
    int ret = store_claim_slug(s, m->created->slug, &m->result->event_id);
    if (ret)
        return ret == BOX_ESLUGTAKEN
                   ? import_fail(m, ret, "the store has another event with the slug '%s'", m->created->slug)
                   : import_fail_store(m, ret, "claiming the slug");
    ret = store_create_tickets(s, m->created, m->file.layout, on_tickets, m);
    return ret ? import_fail_store(m, ret, "creating tickets") : 0;
}

static struct layout *layout_of(void *ctx, const struct venue_id *venue)
{
    (void)venue;
    return ((struct import *)ctx)->file.layout;
}

/* Whoever had the event before must not write to it; and nothing may have happened since the check. */
static int take(struct import *m)
{
    struct image image;
    int ret = store_take_event(m->options->store, &m->result->event_id, layout_of, m, &image);
    if (ret)
        return import_fail_store(m, ret, "taking the event that is there in part");
    bool same = image.seq == m->result->had && memcmp(image.hash.b, m->had_hash.b, DIGEST_BYTES) == 0;
    image_done(&image);
    return same ? 0 : import_fail(m, BOX_EFENCED, "the event has changed meanwhile; import the file again");
}

int import_write(struct import *m)
{
    int ret = 0;
    if (!m->result->venue_there) {
        ret = store_put_venue(m->options->store, m->file.layout, NULL);
        if (ret)
            return import_fail_store(m, ret, "putting the venue");
    }
    ret = m->result->had ? take(m) : create(m);
    if (ret)
        return ret;
    event_file_close(&m->file); /* read from its start again */
    return write_changes(m);
}
