/*
 * Torture of the embedded store: one run of work for every call that can fail, and that call fails, until a
 * run meets none. Whatever happens, what was answered is there, what was refused is not, what was unknown is
 * one or the other as a whole; the process does not die and the folder opens again.
 *
 * RocksDB rests for a second after a table that could not be written, so that all of it takes minutes: that
 * is for BOXOFFICE_TORTURE=full in the environment. Else every STRIDE-th call fails, others for each kind of
 * fault.
 */
#include "contract/faults.c"
#include "contract/rocksdb_folder.h"
#include <sodium.h>

enum { ROUNDS = 14, RUNS_MAX = 2000, STRIDE = 13 };

static unsigned stride(void)
{
    const char *how = getenv("BOXOFFICE_TORTURE");
    return how && strcmp(how, "full") == 0 ? 1 : STRIDE;
}

/* ---- after a failure ---- */

/* The store is failed: open it again, as the writer would, with patience. */
static void recover(struct world *w)
{
    int ret = BOX_EIO;
    for (int i = 0; ret && i < 4; i++) {
        if (i == 3)
            faults_off(); /* somebody freed some space */
        ret = store_reopen(w->store);
        assert_true(ret == 0 || ret == BOX_EIO);
        assert_int_equal(store_writable(w->store), ret == 0);
    }
    if (ret) {
        char why[512];
        store_reason(w->store, why, sizeof(why));
        print_error("reopen: %s\n", why);
    }
    assert_int_equal(ret, 0);
}

/* Load the event; it must be the one before or the one after the group that is unknown. Returns true if
 * after. */
static bool settle(struct show *e, uint64_t before, uint64_t after)
{
    struct inventory *now = NULL;
    struct image image;
    int ret = store_load_event(e->w->store, &e->id, the_layout, e->w, &image);
    if (ret == BOX_ENOTFOUND && before == 0)
        return false;
    assert_int_equal(ret, 0);
    now = inventory_new(&image, &e->w->rng);
    image_done(&image);
    inventory_check(now);
    assert_true(inventory_seq(now) == before || inventory_seq(now) == after);
    bool done = inventory_seq(now) == after;
    inventory_free(e->inv);
    e->inv = now;
    return done;
}

/* ---- the work ---- */

static int commit_group(struct show *e, struct change *changes)
{
    uint64_t before = changes->seq - 1, after = before + chain_length(changes);
    int ret = commit_changes(e->w->store, e->id, changes);
    assert_true(ret == 0 || ret == BOX_EUNKNOWN);
    if (ret == 0) {
        inventory_group_done(e->inv);
        return 0;
    }
    recover(e->w);
    return settle(e, before, after) ? 0 : ret;
}

static bool create_show(struct show *e, struct event *event)
{
    struct actor actor = actor_key("default");
    int ret = store_create_tickets(e->w->store, event, e->w->layout, NULL, NULL);
    if (ret) {
        assert_int_equal(ret, BOX_EUNKNOWN);
        recover(e->w);
        return false;
    }
    e->inv = inventory_new_event(event, e->w->layout, &e->w->rng);
    struct change *c = inventory_create(e->inv, &actor, ++e->w->now_us, &e->w->arena);
    if (commit_group(e, c) == 0)
        return true;
    inventory_free(e->inv);
    return false;
}

static struct show begin_stubbornly(struct world *w, const char *slug)
{
    struct event *event = make_event(w, slug);
    struct show e = {.w = w, .id = event->event_id};
    while (!create_show(&e, event))
        ;
    event_unref(event);
    return e;
}

/* Hold some seats in one group, then give one hold back, again and again. */
static void work(struct show *e)
{
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct change *first = NULL, **link = &first;
        for (uint32_t i = 0; i < 2; i++) {
            uint32_t seat = 2 * round + i;
            struct command c = hold_command(test_session(e->w), &seat, 1);
            *link = decide(e, &c);
            link = &(*link)->next;
        }
        struct hold_id hold = first->hold->hold_id;
        if (commit_group(e, first))
            continue;
        struct command c = {.kind = COMMAND_HOLD_RELEASE, .actor = actor_key("default"), .hold_id = hold};
        commit_group(e, decide(e, &c));
    }
}

static void put_venue(struct world *w)
{
    int ret = store_put_venue(w->store, w->layout, NULL);
    assert_true(ret == 0 || ret == BOX_EUNKNOWN);
    if (ret)
        recover(w);
}

/* Returns true if the fault was met. */
static bool run(unsigned n, enum fault_kind kind)
{
    struct world w;
    name_folder();
    world_init(&w, open_folder(), n);
    faults_on(folder, n, kind);
    put_venue(&w);
    struct show e = begin_stubbornly(&w, "a");
    work(&e);
    if (faults_met())
        faults_off(); /* else it may come while closing and opening */
    store_close(w.store);
    const char *reason;
    if (try_open(folder, &w.store, &reason)) {
        assert_true(faults_off());
        w.store = open_folder();
    }
    bool met = faults_off();
    if (!store_writable(w.store))
        recover(&w);
    reload(&e);
    assert_int_equal(store_commit_no(w.store), inventory_seq(e.inv));
    end_show(&e);
    store_close(w.store);
    world_done(&w);
    remove_folder();
    return met;
}

static void torture(enum fault_kind kind)
{
    unsigned step = stride(), n = 1 + (unsigned)kind * step / FAULT_KINDS, runs = 0;
    for (; run(n, kind); n += step) {
        runs++;
        assert_true(n < RUNS_MAX);
    }
    assert_true(n > 50);
    print_message("%u of about %u calls failed, one by one\n", runs, n - 1);
}

/* A first start that fails anywhere is done again, and is a first start. */
static void first_start(void **state)
{
    (void)state;
    bool met = true;
    unsigned n = 1, step = stride();
    for (; met; n += step) {
        struct store *s;
        const char *reason = "";
        name_folder();
        faults_on(folder, n, n / step % 2 ? FAULT_TORN : FAULT_STICKY);
        int ret = try_open(folder, &s, &reason);
        met = faults_off();
        assert_true(ret == 0 || (met && *reason));
        if (ret == 0)
            store_close(s);
        s = open_folder();
        assert_int_equal(store_commit_no(s), 0);
        assert_true(store_writable(s));
        store_close(s);
        remove_folder();
    }
    assert_true(n > 30);
}

static void each_call_fails_once(void **state)
{
    (void)state;
    torture(FAULT_ONCE);
}

static void each_call_begins_a_full_disk(void **state)
{
    (void)state;
    torture(FAULT_STICKY);
}

static void each_write_is_torn(void **state)
{
    (void)state;
    torture(FAULT_TORN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_start),
        cmocka_unit_test(each_call_fails_once),
        cmocka_unit_test(each_call_begins_a_full_disk),
        cmocka_unit_test(each_write_is_torn),
    };
    write_buffer_bytes = 16 << 10; /* tables are written in the middle of it all */
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
