/* The reference store: the common suite, and the faults that only it can have on demand. */
#include "contract/suite.c"
#include "store/mem/store_mem.h"

static struct store *reborn(struct store *s)
{
    store_mem_crash(s, false);
    return s;
}

const struct suite_backend suite_backend = {
    .open = store_mem_new, .restart = reborn, .close = store_close, .alone = true};

/* ---- unknown outcomes ---- */

static void assert_failed(struct world *w, struct show *e)
{
    struct commit c;
    struct event_group g = {.event_id = e->id, .follows_seq = inventory_seq(e->inv)};
    struct change change = {.seq = 1};
    char why[64];
    g.changes = &change;
    g.change_count = 1;
    c = (struct commit){.groups = &g, .group_count = 1};
    submit(w->store, &c);
    assert_int_equal(g.result, BOX_EUNAVAILABLE);
    assert_false(store_writable(w->store));
    assert_int_equal(store_put_venue(w->store, w->layout, NULL), BOX_EUNAVAILABLE);
    store_reason(w->store, why, sizeof(why));
    assert_true(strlen(why) > 0);
}

static void unknown_commit(struct world *w, enum store_mem_fault fault)
{
    struct show e = begin_show(w, "a");
    uint32_t seat = 3;
    struct command c = hold_command(test_session(w), &seat, 1);
    struct change *change = decide(&e, &c);
    store_mem_fail(w->store, 1, fault);
    assert_int_equal(commit_changes(w->store, e.id, change), BOX_EUNKNOWN);
    assert_failed(w, &e);
    assert_int_equal(store_reopen(w->store), 0);
    assert_true(store_writable(w->store));
    struct inventory *now = load(w, e.id);
    assert_int_equal(inventory_seq(now), fault == STORE_MEM_UNKNOWN_DONE ? 2 : 1);
    assert_int_equal(store_commit_no(w->store), inventory_seq(now));
    inventory_free(e.inv);
    e.inv = now;
    on_event(&e, COMMAND_EVENT_PAUSE); /* goes on */
    end_show(&e);
}

static void unknown_but_done(void **state)
{
    unknown_commit(*state, STORE_MEM_UNKNOWN_DONE);
}

static void unknown_and_undone(void **state)
{
    unknown_commit(*state, STORE_MEM_UNKNOWN_UNDONE);
}

static void fault_waits_for_its_turn(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    store_mem_fail(w->store, 3, STORE_MEM_UNKNOWN_UNDONE);
    on_event(&e, COMMAND_EVENT_PAUSE);
    assert_int_equal(store_put_venue(w->store, w->layout, NULL), 0);
    struct event *event = make_event(w, "b");
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), BOX_EUNKNOWN);
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), BOX_EUNAVAILABLE);
    assert_int_equal(store_reopen(w->store), 0);
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0);
    event_unref(event);
    end_show(&e);
}

static void fence_on_demand(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    struct change *change = decide(&e, &c);
    store_mem_fail(w->store, 1, STORE_MEM_FENCE);
    assert_int_equal(store_put_venue(w->store, w->layout, NULL), 0); /* a fence is for commits */
    assert_int_equal(commit_changes(w->store, e.id, change), BOX_EFENCED);
    assert_true(store_writable(w->store));
    assert_int_equal(commit_changes(w->store, e.id, change), 0); /* once */
    inventory_group_done(e.inv);
    reload(&e);
    end_show(&e);
}

static void reopen_fails_first(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct idem_record r;
    struct digest key = {{1}};
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    store_mem_fail(w->store, 1, STORE_MEM_UNKNOWN_DONE);
    assert_int_equal(commit_changes(w->store, e.id, decide(&e, &c)), BOX_EUNKNOWN);
    inventory_group_done(e.inv);
    store_mem_set_reopen_failures(w->store, 2);
    assert_int_equal(store_reopen(w->store), BOX_EIO);
    assert_int_equal(store_idem_find(w->store, &key, 0, &w->arena, &r), BOX_EIO); /* closed */
    assert_int_equal(store_reopen(w->store), BOX_EIO);
    assert_false(store_writable(w->store));
    assert_int_equal(store_reopen(w->store), 0);
    assert_int_equal(store_idem_find(w->store, &key, 0, &w->arena, &r), BOX_ENOTFOUND);
    reload(&e);
    end_show(&e);
}

/* ---- commits that wait ---- */

struct waiting_commit {
    struct event_group group;
    struct commit commit;
    int done;
};

static void start(struct waiting_commit *x, struct world *w, struct event_id id, struct change *change)
{
    *x = (struct waiting_commit){.group = group_of(id, change)};
    x->commit = (struct commit){.groups = &x->group, .group_count = 1, .done = count_done, .ctx = &x->done};
    store_commit(w->store, &x->commit);
}

static void async_commits_wait(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    struct waiting_commit x, y;
    store_mem_set_async(w->store, true);
    assert_false(store_mem_step(w->store));
    start(&x, w, a.id, decide(&a, &c));
    start(&y, w, b.id, decide(&b, &c));
    assert_int_equal(x.done + y.done, 0);
    assert_int_equal(store_commit_no(w->store), 2);
    assert_true(store_mem_step(w->store));
    assert_int_equal(x.done, 1);
    assert_int_equal(x.group.result, 0);
    assert_int_equal(y.done, 0);
    assert_true(store_mem_step(w->store));
    assert_int_equal(y.group.result, 0);
    assert_false(store_mem_step(w->store));
    inventory_group_done(a.inv);
    inventory_group_done(b.inv);
    reload(&a);
    reload(&b);
    end_show(&a);
    end_show(&b);
}

static void failure_dooms_what_waits(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    struct waiting_commit x, y;
    store_mem_set_async(w->store, true);
    start(&x, w, a.id, decide(&a, &c));
    start(&y, w, b.id, decide(&b, &c));
    store_mem_fail(w->store, 1, STORE_MEM_UNKNOWN_UNDONE);
    assert_true(store_mem_step(w->store));
    assert_int_equal(x.group.result, BOX_EUNKNOWN);
    assert_int_equal(store_reopen(w->store), 0);
    assert_true(store_mem_step(w->store));
    assert_int_equal(y.group.result, BOX_EUNAVAILABLE);
    end_show(&a);
    end_show(&b);
}

static void crash(struct world *w, bool keep)
{
    struct show e = begin_show(w, "a");
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    struct waiting_commit x;
    store_mem_set_async(w->store, true);
    start(&x, w, e.id, decide(&e, &c));
    store_mem_crash(w->store, keep);
    assert_int_equal(x.done, 0);
    assert_false(store_mem_step(w->store));
    struct inventory *now = load(w, e.id);
    assert_int_equal(inventory_seq(now), keep ? 2 : 1);
    inventory_free(now);
    end_show(&e);
}

static void crash_loses_what_waits(void **state)
{
    crash(*state, false);
}

static void crash_after_the_write(void **state)
{
    crash(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TESTS,
        SUITE_TEST(unknown_but_done),
        SUITE_TEST(unknown_and_undone),
        SUITE_TEST(fault_waits_for_its_turn),
        SUITE_TEST(fence_on_demand),
        SUITE_TEST(reopen_fails_first),
        SUITE_TEST(async_commits_wait),
        SUITE_TEST(failure_dooms_what_waits),
        SUITE_TEST(crash_loses_what_waits),
        SUITE_TEST(crash_after_the_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
