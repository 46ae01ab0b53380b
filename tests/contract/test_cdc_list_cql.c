/*
 * CDC rows of many events on a real cluster, in pages: whatever the page's size, wherever the reader begins,
 * and whatever the store remembers of readers before, they are the rows that the changes have, in the order
 * of their time, up to the watermark.
 */
#include "contract/cql_keyspace.h"
#include <sodium.h>

enum { EVENTS = 24, GROUPS = 12, GROUP_MAX = 6, WANT_MAX = 8000 };

/* ---- events on which something goes on ---- */

struct hall {
    struct world w;
    struct show shows[EVENTS];
    struct hold_id holds[EVENTS][SEATS]; /* live, each of one seat or two */
    uint32_t hold_counts[EVENTS], next_seats[EVENTS];
    struct cdc_row want[WANT_MAX];
    uint32_t count;
};

static void want_row(void *ctx, const struct cdc_row *row)
{
    struct hall *h = ctx;
    assert_true(h->count < WANT_MAX);
    h->want[h->count++] = *row;
}

struct chain {
    struct change *first, *last;
};

/* Some changes have the time of one of another event. */
static void add(struct hall *h, struct show *e, struct chain *chain, const struct command *command)
{
    if (rng_below(&h->w.rng, 2))
        h->w.now_us -= 1000;
    struct change *c = decide(e, command);
    if (chain->last)
        chain->last->next = c;
    else
        chain->first = c;
    chain->last = c;
}

static void add_holds(struct hall *h, uint32_t event, struct chain *chain)
{
    uint32_t count = 1 + rng_below(&h->w.rng, GROUP_MAX), *next = &h->next_seats[event];
    for (uint32_t i = 0; i < count && *next + 2 <= SEATS; i++) {
        uint32_t seats[2] = {*next, *next + 1}, size = 1 + rng_below(&h->w.rng, 2);
        struct command c = hold_command(test_session(&h->w), seats, size);
        add(h, &h->shows[event], chain, &c);
        h->holds[event][h->hold_counts[event]++] = chain->last->hold->hold_id;
        *next += size;
    }
}

static void add_releases(struct hall *h, uint32_t event, struct chain *chain)
{
    for (uint32_t i = 0; i < GROUP_MAX && h->hold_counts[event]; i++) {
        struct command c = {.kind = COMMAND_HOLD_RELEASE,
                            .actor = actor_key("default"),
                            .hold_id = h->holds[event][--h->hold_counts[event]]};
        add(h, &h->shows[event], chain, &c);
    }
    h->next_seats[event] = h->hold_counts[event] ? h->next_seats[event] : 0;
}

/* More than are read at once, without rows. */
static void add_pauses(struct hall *h, uint32_t event, struct chain *chain)
{
    for (uint32_t i = 0; i < 70; i++) {
        struct command c = {.kind = i % 2 ? COMMAND_EVENT_RESUME : COMMAND_EVENT_PAUSE,
                            .actor = actor_key("default")};
        add(h, &h->shows[event], chain, &c);
    }
}

static void commit_group(struct hall *h, uint32_t event)
{
    const struct row_sink sink = {.ctx = h, .cdc = want_row};
    struct show *e = &h->shows[event];
    struct chain chain = {.first = NULL};
    uint32_t kind = rng_below(&h->w.rng, 8);
    if (kind == 0)
        add_pauses(h, event, &chain);
    else if (kind < 4 && h->hold_counts[event])
        add_releases(h, event, &chain);
    else
        add_holds(h, event, &chain);
    if (!chain.first)
        return;
    for (struct change *c = chain.first; c; c = c->next)
        rows_of_change(c, &h->w.arena, &sink);
    assert_int_equal(commit_changes(h->w.store, e->id, chain.first), 0);
    inventory_group_done(e->inv);
}

static int64_t time_of(const struct cdc_row *row)
{
    return uuid_v1_time_us(&row->time);
}

static int compare_wanted(const void *a, const void *b)
{
    const struct cdc_row *x = a, *y = b;
    int64_t s = time_of(x), t = time_of(y);
    int order = (s > t) - (s < t);
    if (!order)
        order = uuid_compare(&x->event_id.u, &y->event_id.u);
    return order ? order : (x->batch_seq > y->batch_seq) - (x->batch_seq < y->batch_seq);
}

static int open_hall(void **state)
{
    struct hall *h = calloc(1, sizeof(*h));
    assert_non_null(h);
    assert_true(sodium_init() >= 0);
    world_init(&h->w, cql_open_store(), 11);
    for (uint32_t i = 0; i < EVENTS; i++) {
        char slug[16];
        snprintf(slug, sizeof(slug), "e%u", i);
        h->shows[i] = begin_show(&h->w, slug);
    }
    for (uint32_t i = 0; i < EVENTS * GROUPS; i++)
        commit_group(h, rng_below(&h->w.rng, rng_below(&h->w.rng, 2) ? 3 : EVENTS)); /* three are busy */
    qsort(h->want, h->count, sizeof(h->want[0]), compare_wanted);
    assert_in_range(h->count, 500, WANT_MAX);
    bool tie = false;
    for (uint32_t i = 1; i < h->count; i++)
        tie |= time_of(&h->want[i]) == time_of(&h->want[i - 1]) &&
               !uuid_equal(&h->want[i].event_id.u, &h->want[i - 1].event_id.u);
    assert_true(tie);
    *state = h;
    return 0;
}

static int close_hall(void **state)
{
    struct hall *h = *state;
    for (uint32_t i = 0; i < EVENTS; i++)
        end_show(&h->shows[i]);
    store_close(h->w.store);
    world_done(&h->w);
    free(h);
    return 0;
}

/* ---- reading ---- */

/* One page; it must be @count rows from want[first] on, of which @limit are given. Moves the cursor. */
static bool read_page(struct hall *h, struct store *s, struct cursor *at, uint32_t limit, uint32_t first,
                      uint32_t end)
{
    struct arena arena;
    struct cdc_row *rows;
    uint32_t count, wanted = end - first < limit ? end - first : limit;
    bool more;
    arena_init(&arena, 0);
    assert_int_equal(store_list_cdc(s, at, limit, &arena, &rows, &count, at, &more), 0);
    assert_int_equal(count, wanted);
    assert_int_equal(more, end - first > limit);
    for (uint32_t i = 0; i < count; i++) {
        const struct cdc_row *row = &rows[i], *want = &h->want[first + i];
        assert_int_equal(compare_wanted(row, want), 0);
        assert_int_equal(row->seq, want->seq);
        assert_int_equal(row->operation, want->operation);
        assert_int_equal(row->seat, want->seat);
        assert_int_equal(row->end_of_batch, want->end_of_batch);
        assert_int_equal(row->outcome, want->outcome);
        assert_true(uuid_equal(&row->hold_id.u, &want->hold_id.u));
    }
    arena_done(&arena);
    assert_true(store_cdc_cursor_valid(s, at));
    return more;
}

static void read_from(struct hall *h, struct store *s, struct cursor *at, uint32_t limit, uint32_t first,
                      uint32_t end)
{
    while (read_page(h, s, at, limit, first, end))
        first += limit;
}

static void pages_of_every_size(void **state)
{
    static const uint32_t limits[] = {5, 64, 1000, WANT_MAX};
    struct hall *h = *state;
    store_cdc_until(h->w.store, h->w.now_us + 1000000);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        struct cursor at = {.size = 0};
        read_from(h, h->w.store, &at, limits[i], 0, h->count);
        read_page(h, h->w.store, &at, limits[i], h->count, h->count);
    }
}

/* Readers at different places, who disturb what is remembered for each other; and a store that remembers
   nothing. */
static void from_anywhere(void **state)
{
    struct hall *h = *state;
    for (uint32_t round = 0; round < 30; round++) {
        struct store *fresh = round % 5 ? NULL : cql_open_store();
        struct store *s = fresh ? fresh : h->w.store;
        uint32_t first = rng_below(&h->w.rng, h->count);
        struct cursor at = store_cdc_cursor(s, &h->want[first]);
        store_cdc_until(s, h->w.now_us + 1000000);
        if (read_page(h, s, &at, 30, first + 1, h->count))
            read_page(h, s, &at, 30, first + 31, h->count);
        if (fresh)
            store_close(fresh);
    }
}

/* Rows behind the watermark are not there yet; when it has moved they come, none twice and none missing. */
static void not_past_the_watermark(void **state)
{
    struct hall *h = *state;
    struct store *s = cql_open_store();
    struct cursor at = {.size = 0};
    read_page(h, s, &at, 100, 0, 0);
    for (uint32_t first = 0, step = 0; first < h->count; step++) {
        uint32_t end = first + rng_below(&h->w.rng, 200);
        end = end < h->count ? end : h->count - 1;
        int64_t until_us = time_of(&h->want[end]);
        while (end < h->count && time_of(&h->want[end]) == until_us)
            end++;
        store_cdc_until(s, until_us);
        store_cdc_until(s, until_us - 5); /* it never goes back */
        read_from(h, s, &at, 70, first, end);
        read_page(h, s, &at, 70, end, end);
        first = end;
    }
    store_close(s);
}

static void foreign_cursors(void **state)
{
    struct hall *h = *state;
    struct cursor at = store_cdc_cursor(h->w.store, &h->want[0]), out;
    struct cdc_row *rows;
    uint32_t count;
    bool more;
    for (int i = 0; i < 3; i++) {
        struct cursor bad = at;
        if (i == 2)
            bad.bytes[0] |= 0x80; /* a time before 1970 */
        else
            bad.size = (uint8_t)(bad.size + (i ? 1 : -1));
        assert_false(store_cdc_cursor_valid(h->w.store, &bad));
        assert_int_equal(store_list_cdc(h->w.store, &bad, 5, &h->w.arena, &rows, &count, &out, &more),
                         BOX_EINVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_every_size),
        cmocka_unit_test(from_anywhere),
        cmocka_unit_test(not_past_the_watermark),
        cmocka_unit_test(foreign_cursors),
    };
    int code;
    if (!cql_test_begin("cdclist", &code))
        return code;
    code = cmocka_run_group_tests(tests, open_hall, close_hall);
    cql_test_end();
    return code;
}
