/*
 * The change log of every store, where commits are large: a store may keep the changes of a group together,
 * and cut a large group into parts. Nobody must be able to tell where.
 */

/* A group in the making: of holds, and of changes of the event itself, which have no CDC rows. */
struct large_group {
    struct show *e;
    struct change *first, *last;
    bool paused;
};

static void add_to_group(struct large_group *g, const struct command *command)
{
    struct change *c = decide(g->e, command);
    if (g->last)
        g->last->next = c;
    else
        g->first = c;
    g->last = c;
}

static void add_event_changes(struct large_group *g, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++, g->paused = !g->paused) {
        struct command c = {.kind = g->paused ? COMMAND_EVENT_RESUME : COMMAND_EVENT_PAUSE,
                            .actor = actor_key("default")};
        add_to_group(g, &c);
    }
}

static void add_hold(struct large_group *g, uint32_t first_seat, uint32_t count)
{
    uint32_t seats[SEATS];
    for (uint32_t i = 0; i < count; i++)
        seats[i] = first_seat + i;
    struct command c = hold_command(test_session(g->e->w), seats, count);
    add_to_group(g, &c);
}

static void commit_group(struct large_group *g)
{
    assert_int_equal(commit_changes(g->e->w->store, g->e->id, g->first), 0);
    inventory_group_done(g->e->inv);
    reload(g->e);
}

/* ---- changes of an event ---- */

/* Read all changes after @after in pages; each follows the one before, and the last is the event's newest. */
static void read_chain(struct show *e, uint64_t after, uint32_t limit, const struct digest *previous)
{
    uint64_t newest = inventory_seq(e->inv), seq = after, commit_no = 0;
    struct digest hash = {.b = {0}};
    uint32_t count = 0;
    do {
        struct change **changes;
        struct arena arena;
        arena_init(&arena, 0);
        assert_int_equal(store_list_changes(e->w->store, &e->id, seq, limit, &arena, &changes, &count), 0);
        assert_int_equal(count, newest - seq < limit ? newest - seq : limit);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(changes[i]->seq, ++seq);
            assert_true(!suite_backend.alone || changes[i]->commit_no > commit_no);
            assert_true(!previous || change_check(changes[i], previous));
            commit_no = changes[i]->commit_no;
            hash = changes[i]->hash;
            previous = &hash;
            if (changes[i]->event)
                event_unref(changes[i]->event);
        }
        arena_done(&arena);
    } while (count > 0);
    assert_int_equal(seq, newest);
    assert_true(newest == after || memcmp(&hash, inventory_hash(e->inv), DIGEST_BYTES) == 0);
}

static void large_group_reads_from_anywhere(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a"), other = begin_show(w, "b");
    const struct digest created = *inventory_hash(e.inv);
    take_seats(&other, test_session(w), 0, 1);
    struct large_group g = {.e = &e};
    for (uint32_t i = 0; i < 15; i++) {
        add_hold(&g, 2 * i, 2);
        add_event_changes(&g, 26);
    }
    commit_group(&g);
    on_event(&e, COMMAND_EVENT_PAUSE); /* and a group of one behind it */
    restart(w);
    reload(&e);
    assert_int_equal(inventory_seq(e.inv), 1 + 15 * 27 + 1);
    assert_commit_no(w, inventory_seq(e.inv) + 2);
    for (uint64_t after = 0; after <= inventory_seq(e.inv); after += after % 30 == 0 ? 1 : 29) {
        read_chain(&e, after, 1000, after == 1 ? &created : NULL);
        read_chain(&e, after, 37, NULL);
    }
    read_chain(&e, 1, 1, &created);
    read_chain(&other, 0, 1, NULL);
    end_show(&e);
    end_show(&other);
}

/* Groups of every size around the one that a store cuts (a change of the event is about 300 bytes here). */
static void groups_of_growing_size(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    const struct digest created = *inventory_hash(e.inv);
    for (uint32_t size = 60; size < 180; size += 2) {
        struct large_group g = {.e = &e};
        add_event_changes(&g, size);
        commit_group(&g);
    }
    assert_commit_no(w, inventory_seq(e.inv));
    restart(w); /* finds no gap */
    assert_commit_no(w, inventory_seq(e.inv));
    read_chain(&e, 1, 1000, &created);
    end_show(&e);
}

/* ---- CDC rows ---- */

enum { LOG_ROWS_MAX = 64 };

static void assert_same_row(const struct cdc_row *a, const struct cdc_row *b)
{
    assert_true(a->batch_seq == b->batch_seq && a->seq == b->seq);
    assert_true(!suite_backend.alone || a->commit_no == b->commit_no);
    assert_int_equal(a->seat, b->seat);
    assert_int_equal(a->operation, b->operation);
    assert_int_equal(a->end_of_batch, b->end_of_batch);
    assert_true(uuid_equal(&a->event_id.u, &b->event_id.u) && uuid_equal(&a->hold_id.u, &b->hold_id.u));
}

/* Holds of one to eight seats in one group, far apart; returns its first change. */
static struct change *commit_scattered_holds(struct show *e)
{
    struct large_group g = {.e = e};
    for (uint32_t i = 0, seat = 0; i < 8; seat += ++i) {
        add_hold(&g, seat, i + 1);
        add_event_changes(&g, 50);
    }
    commit_group(&g);
    return g.first;
}

/* The rows that the holds of a chain of changes have. */
static uint32_t rows_of_chain(const struct change *c, struct cdc_row *ret_rows)
{
    uint32_t count = 0;
    for (; c; c = c->next)
        for (uint32_t i = 0; c->hold && i < c->seat_count; i++)
            ret_rows[count++] = (struct cdc_row){.commit_no = c->commit_no,
                                                 .batch_seq = i,
                                                 .seq = c->seq,
                                                 .time = cdc_time(c->time_us),
                                                 .seat = c->seats[i].seat,
                                                 .operation = CDC_INSERT,
                                                 .end_of_batch = i + 1 == c->seat_count,
                                                 .event_id = c->event_id,
                                                 .hold_id = c->hold->hold_id};
    return count;
}

static void assert_pages(struct world *w, struct cursor at, uint32_t limit, const struct cdc_row *want,
                         uint32_t count)
{
    struct cdc_row all[LOG_ROWS_MAX];
    assert_int_equal(read_cdc(w, &at, limit, all), count);
    for (uint32_t i = 0; i < count; i++)
        assert_same_row(&all[i], &want[i]);
    assert_int_equal(read_cdc(w, &at, limit, all), 0); /* from where the last page ended */
}

static void cdc_pages_inside_a_group(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a"), other = begin_show(w, "b");
    struct cdc_row want[LOG_ROWS_MAX];
    struct cursor start = {.size = 0};
    uint32_t total = rows_of_chain(commit_scattered_holds(&e), want);
    struct command c = hold_command(test_session(w), (const uint32_t[]){39, 38}, 2);
    total += rows_of_chain(step(&other, &c), want + total);
    assert_int_equal(total, 36 + 2);
    on_event(&other, COMMAND_EVENT_PAUSE);
    restart(w);
    for (uint32_t limit = 1; limit <= total + 1; limit++)
        assert_pages(w, start, limit, want, total);
    for (uint32_t i = 0; i < total; i++) {
        assert_pages(w, store_cdc_cursor(w->store, &want[i]), 3, want + i + 1, total - i - 1);
        assert_pages(w, store_cdc_cursor(w->store, &want[i]), 200, want + i + 1, total - i - 1);
    }
    end_show(&e);
    end_show(&other);
}

/* A page that ends with the last row there is does not promise more, whatever changes without rows follow;
   and a reader who has seen everything goes on with what comes. */
static void cdc_says_when_there_is_more(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct cdc_row want[LOG_ROWS_MAX], *rows;
    struct cursor at = {.size = 0}, none = {.size = 0};
    uint32_t total = rows_of_chain(commit_scattered_holds(&e), want), count;
    bool more;
    show_cdc(w);
    assert_int_equal(store_list_cdc(w->store, &none, total, &w->arena, &rows, &count, &at, &more), 0);
    assert_int_equal(count, total);
    assert_false(more);
    const struct cursor end =
        store_cdc_cursor(w->store, &(struct cdc_row){.commit_no = store_commit_no(w->store)});
    if (suite_backend.alone)
        assert_memory_equal(at.bytes, end.bytes, 8); /* who reads on is not led through them again */
    assert_int_equal(store_list_cdc(w->store, &none, total - 1, &w->arena, &rows, &count, &at, &more), 0);
    assert_int_equal(count, total - 1);
    assert_true(more);
    assert_pages(w, at, 5, &want[total - 1], 1);
    assert_int_equal(store_list_cdc(w->store, &at, 5, &w->arena, &rows, &count, &at, &more), 0);
    take_seats(&e, test_session(w), 39, 1);
    show_cdc(w);
    assert_int_equal(store_list_cdc(w->store, &at, 5, &w->arena, &rows, &count, &at, &more), 0);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].seat, 39);
    assert_false(more);
    end_show(&e);
}
