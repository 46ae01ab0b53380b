/* Included by each test program: the tests that every store passes. */
#include "contract/suite.h"
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

int suite_setup(void **state)
{
    assert_true(sodium_init() >= 0);
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    world_init(w, suite_backend.open(), suite_backend.seed ? suite_backend.seed() : 7);
    *state = w;
    return 0;
}

int suite_teardown(void **state)
{
    struct world *w = *state;
    suite_backend.close(w->store);
    world_done(w);
    free(w);
    return 0;
}

static void restart(struct world *w)
{
    w->store = suite_backend.restart(w->store);
    w->starts++;
}

/* Changes have numbers that go on and on, so far @no of them; of a shared store they have none. */
static void assert_commit_no(struct world *w, uint64_t no)
{
    assert_int_equal(store_commit_no(w->store), suite_backend.alone ? no : 0);
}

/* ---- venues ---- */

struct seen_venues {
    struct layout *layouts[8];
    int count;
};

static int see_venue(void *ctx, struct layout *layout)
{
    struct seen_venues *seen = ctx;
    assert_true(seen->count < 8);
    seen->layouts[seen->count++] = layout;
    return 0;
}

static int stop_at_venue(void *ctx, struct layout *layout)
{
    (void)ctx;
    layout_unref(layout);
    return BOX_ERANGE;
}

static void assert_same_layout(const struct layout *a, const struct layout *b)
{
    struct buf x = {0}, y = {0};
    layout_encode(a, &x);
    layout_encode(b, &y);
    assert_int_equal(x.size, y.size);
    assert_memory_equal(x.data, y.data, x.size);
    buf_done(&x);
    buf_done(&y);
}

static void venues_come_back(void **state)
{
    struct world *w = *state;
    struct seen_venues seen = {0};
    struct layout *second = make_layout(w, "Second Hall");
    assert_int_equal(store_list_venues(w->store, see_venue, &seen), 0);
    assert_int_equal(seen.count, 0);
    assert_int_equal(store_put_venue(w->store, w->layout, NULL), 0);
    assert_int_equal(store_put_venue(w->store, second, NULL), 0);
    assert_int_equal(store_put_venue(w->store, second, NULL), 0); /* again is the same */
    restart(w);
    assert_int_equal(store_list_venues(w->store, see_venue, &seen), 0);
    assert_int_equal(seen.count, 2);
    bool in_order = uuid_equal(&seen.layouts[0]->venue_id.u, &w->layout->venue_id.u);
    assert_same_layout(seen.layouts[in_order ? 0 : 1], w->layout);
    assert_same_layout(seen.layouts[in_order ? 1 : 0], second);
    layout_unref(seen.layouts[0]);
    layout_unref(seen.layouts[1]);
    assert_int_equal(store_list_venues(w->store, stop_at_venue, NULL), BOX_ERANGE);
    layout_unref(second);
}

/* ---- events ---- */

struct seen_events {
    struct event_id ids[8];
    int count;
};

static int see_event(void *ctx, struct event_id id)
{
    struct seen_events *seen = ctx;
    assert_true(seen->count < 8);
    seen->ids[seen->count++] = id;
    return 0;
}

static int count_events(struct world *w)
{
    struct seen_events seen = {0};
    assert_int_equal(store_list_events(w->store, see_event, &seen), 0);
    return seen.count;
}

static void count_progress(void *ctx, uint32_t done)
{
    uint32_t *last = ctx;
    assert_true(done > *last);
    *last = done;
}

static void event_is_invisible_until_committed(void **state)
{
    struct world *w = *state;
    struct event *event = make_event(w, "a");
    struct image image;
    uint32_t done = 0;
    assert_int_equal(store_create_tickets(w->store, event, w->layout, count_progress, &done), 0);
    assert_int_equal(done, SEATS);
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0); /* again is the same */
    assert_int_equal(count_events(w), 0);
    assert_int_equal(store_load_event(w->store, &event->event_id, the_layout, w, &image), BOX_ENOTFOUND);
    event_unref(event);
    struct show e = begin_show(w, "b");
    assert_int_equal(count_events(w), 1);
    restart(w);
    assert_int_equal(count_events(w), 1);
    reload(&e);
    end_show(&e);
}

static void event_versions_load(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct event_edit edit = {.set = EVENT_NAME | EVENT_TYPE | EVENT_ON_SALE,
                              .name = "Another night",
                              .event_type = "concert",
                              .on_sale_ms = 5};
    struct price_entry prices[] = {{.place = 0, .price_type = "child", .price = {1200}},
                                   {.place = 1, .price_type = "standard", .price = {2600}}};
    struct command change = {.kind = COMMAND_EVENT_EDIT, .actor = actor_key("default"), .edit = &edit};
    struct command price = {
        .kind = COMMAND_EVENT_PRICE, .actor = actor_key("default"), .prices = prices, .price_count = 2};
    step(&e, &change);
    step(&e, &price);
    on_event(&e, COMMAND_EVENT_PAUSE);
    on_event(&e, COMMAND_EVENT_RESUME);
    on_event(&e, COMMAND_EVENT_UNPUBLISH);
    on_event(&e, COMMAND_EVENT_PUBLISH);
    restart(w);
    reload(&e);
    assert_string_equal(inventory_event(e.inv)->name, "Another night");
    end_show(&e);
}

static void every_change_loads(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct session_id ann = test_session(w), bob = test_session(w);
    const uint32_t blocked[] = {5, 31, 39}, unblocked[] = {31};
    on_seats(&e, COMMAND_BLOCK, blocked, 3);
    on_seats(&e, COMMAND_UNBLOCK, unblocked, 1);

    struct hold_id released = take_seats(&e, ann, 0, 4);
    w->now_us += 60 * 1000000;
    on_hold(&e, COMMAND_HOLD_EXTEND, released);
    struct hold_id expired = take_seats(&e, bob, 10, 2);
    on_hold(&e, COMMAND_HOLD_RELEASE, released);
    assert_int_equal(stored_hold(&e, released).outcome, OUTCOME_RELEASED);
    struct order_id order_expired = make_order(&e, expired);
    w->now_us += 901 * 1000000LL;
    on_hold(&e, COMMAND_HOLD_EXPIRE, expired);
    assert_int_equal(stored_hold(&e, expired).status, HOLD_EXPIRED);
    assert_int_equal(stored_order(&e, order_expired).status, ORDER_EXPIRED);

    struct hold_id bought = take_seats(&e, ann, 0, 4);
    struct order_id paid = make_order(&e, bought);
    on_hold(&e, COMMAND_HOLD_EXTEND, bought);
    on_order(&e, COMMAND_ORDER_CONFIRM, paid);
    assert_int_equal(stored_order(&e, paid).status, ORDER_PAID);
    assert_int_equal(stored_hold(&e, bought).status, HOLD_PURCHASED);
    struct hold_id given_up = take_seats(&e, bob, 20, 1);
    struct order_id cancelled = make_order(&e, given_up);
    on_order(&e, COMMAND_ORDER_CANCEL, cancelled);
    assert_int_equal(stored_hold(&e, given_up).outcome, OUTCOME_CANCELLED);
    struct hold_id second = take_seats(&e, bob, 20, 2);
    struct order_id blocked_refund = make_order(&e, second);
    on_order(&e, COMMAND_ORDER_CONFIRM, blocked_refund);
    refund(&e, blocked_refund, true);
    refund(&e, paid, false);
    assert_int_equal(stored_order(&e, paid).status, ORDER_REFUNDED);
    take_seats(&e, bob, 0, 2); /* sold and refunded before */
    restart(w);
    reload(&e);
    assert_int_equal(inventory_live_holds(e.inv), 1);
    end_show(&e);
}

static void cancelled_event_loads(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct hold_id a = take_seats(&e, test_session(w), 0, 3), b = take_seats(&e, test_session(w), 8, 2);
    struct order_id order = make_order(&e, b);
    on_event(&e, COMMAND_EVENT_CANCEL); /* three changes in one group */
    assert_int_equal(inventory_live_holds(e.inv), 0);
    assert_int_equal(stored_hold(&e, a).outcome, OUTCOME_CANCELLED);
    assert_int_equal(stored_order(&e, order).status, ORDER_CANCELLED);
    restart(w);
    reload(&e);
    end_show(&e);
}

static void deleted_event_is_gone(void **state)
{
    struct world *w = *state;
    struct event *event = make_event(w, "a"), *draft = event_with_state(event, false, EVENT_SCHEDULED, false);
    struct image image;
    struct ticket_row row;
    struct actor actor = actor_key("default");
    draft->ever_published = false;
    assert_int_equal(store_create_tickets(w->store, draft, w->layout, NULL, NULL), 0);
    struct show e = {.w = w, .id = event->event_id, .inv = inventory_new_event(draft, w->layout, &w->rng)};
    struct change *created = inventory_create(e.inv, &actor, ++w->now_us, &w->arena);
    assert_int_equal(commit_changes(w->store, e.id, created), 0);
    inventory_group_done(e.inv);
    struct command c = {.kind = COMMAND_EVENT_DELETE, .actor = actor};
    assert_int_equal(commit_changes(w->store, e.id, decide(&e, &c)), 0);
    assert_int_equal(count_events(w), 0);
    assert_int_equal(store_load_event(w->store, &e.id, the_layout, w, &image), BOX_ENOTFOUND);
    restart(w); /* drops its tickets */
    assert_int_equal(count_events(w), 0);
    if (suite_backend.alone)
        assert_int_equal(store_get_ticket(w->store, &e.id, 0, &row), BOX_ENOTFOUND);
    /* Its id is not free again: its log is there. */
    struct event_group again = group_of(e.id, created);
    assert_int_equal(commit_one(w->store, &again), BOX_EFENCED);
    event_unref(draft);
    event_unref(event);
    end_show(&e);
}

/* ---- groups ---- */

static void group_of_many_changes(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct change *first = NULL, **link = &first;
    for (uint32_t i = 0; i < 10; i++) {
        struct command c = hold_command(test_session(w), &i, 1);
        *link = decide(&e, &c);
        link = &(*link)->next;
    }
    assert_int_equal(commit_changes(w->store, e.id, first), 0);
    inventory_group_done(e.inv);
    assert_commit_no(w, 11);
    uint64_t no = 2;
    for (struct change *c = first; suite_backend.alone && c; c = c->next)
        assert_int_equal(c->commit_no, no++);
    reload(&e);
    restart(w);
    reload(&e);
    end_show(&e);
}

static void groups_of_two_events(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    uint32_t seat = 3;
    struct command c = hold_command(test_session(w), &seat, 1);
    struct event_group groups[] = {group_of(a.id, decide(&a, &c)), group_of(b.id, decide(&b, &c))};
    struct commit commit = {.groups = groups, .group_count = 2};
    submit(w->store, &commit);
    assert_int_equal(groups[0].result, 0);
    assert_int_equal(groups[1].result, 0);
    if (suite_backend.alone)
        assert_int_equal(groups[1].changes->commit_no, groups[0].changes->commit_no + 1);
    inventory_group_done(a.inv);
    inventory_group_done(b.inv);
    restart(w);
    reload(&a);
    reload(&b);
    end_show(&a);
    end_show(&b);
}

static void fenced_group_alone_is_refused(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    struct inventory *stale = load(w, a.id);
    take_seats(&a, test_session(w), 7, 1);
    struct show old = {.w = w, .id = a.id, .inv = stale};
    uint32_t seat = 7;
    struct command c = hold_command(test_session(w), &seat, 1);
    uint64_t before = store_commit_no(w->store);
    struct event_group groups[] = {group_of(old.id, decide(&old, &c)), group_of(b.id, decide(&b, &c))};
    struct commit commit = {.groups = groups, .group_count = 2};
    submit(w->store, &commit);
    assert_int_equal(groups[0].result, BOX_EFENCED);
    assert_int_equal(groups[1].result, 0);
    if (suite_backend.alone)
        assert_int_equal(groups[1].changes->commit_no, before + 1); /* a refused group uses no number */
    assert_commit_no(w, before + 1);
    assert_true(store_writable(w->store));
    inventory_group_done(b.inv);
    reload(&a); /* nothing of the refused group is there */
    reload(&b);
    inventory_free(stale);
    end_show(&a);
    end_show(&b);
}

static void commit_numbers_go_on(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct hold_id hold = take_seats(&e, test_session(w), 0, 1);
    assert_commit_no(w, 2);
    restart(w);
    assert_commit_no(w, 2);
    on_hold(&e, COMMAND_HOLD_RELEASE, hold);
    assert_commit_no(w, 3);
    restart(w);
    assert_commit_no(w, 3);
    assert_true(store_writable(w->store));
    end_show(&e);
}

static void half_created_event_is_dropped(void **state)
{
    struct world *w = *state;
    struct show whole = begin_show(w, "whole");
    struct event *half = make_event(w, "half"), *dropped = make_event(w, "dropped");
    struct ticket_row row;
    assert_int_equal(store_create_tickets(w->store, half, w->layout, NULL, NULL), 0);
    assert_int_equal(store_create_tickets(w->store, dropped, w->layout, NULL, NULL), 0);
    store_drop_tickets(w->store, &dropped->event_id);
    assert_int_equal(store_get_ticket(w->store, &dropped->event_id, 0, &row), BOX_ENOTFOUND);
    assert_int_equal(store_get_ticket(w->store, &half->event_id, SEATS - 1, &row), 0);
    restart(w); /* in a shared store another server may be at work on it */
    assert_int_equal(store_get_ticket(w->store, &half->event_id, SEATS - 1, &row),
                     suite_backend.alone ? BOX_ENOTFOUND : 0);
    assert_int_equal(store_get_ticket(w->store, &whole.id, SEATS - 1, &row), 0);
    reload(&whole);
    event_unref(half);
    event_unref(dropped);
    end_show(&whole);
}

static void drop_spares_live_events(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    store_drop_tickets(w->store, &e.id);
    reload(&e);
    end_show(&e);
}

static void tickets_show_their_state(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct session_id ann = test_session(w);
    struct ticket_row row;
    assert_int_equal(store_get_ticket(w->store, &e.id, 2, &row), 0);
    assert_int_equal(row.status, SEAT_AVAILABLE);
    assert_int_equal(row.seat, 2);
    struct hold_id hold = take_seats(&e, ann, 2, 1);
    int64_t started = stored_hold(&e, hold).started_ms;
    assert_int_equal(store_get_ticket(w->store, &e.id, 2, &row), 0);
    assert_int_equal(row.status, SEAT_HELD);
    assert_true(uuid_equal(&row.hold_id.u, &hold.u) && uuid_equal(&row.session.u, &ann.u));
    assert_int_equal(row.hold_until_ms, started + 900000);
    assert_int_equal(row.last_started_ms, started);
    struct order_id order = make_order(&e, hold);
    on_order(&e, COMMAND_ORDER_CONFIRM, order);
    assert_int_equal(store_get_ticket(w->store, &e.id, 2, &row), 0);
    assert_int_equal(row.status, SEAT_SOLD);
    assert_true(uuid_equal(&row.order_id.u, &order.u));
    assert_int_equal(row.price.minor, 4500);
    refund(&e, order, false);
    assert_int_equal(store_get_ticket(w->store, &e.id, 2, &row), 0);
    assert_int_equal(row.status, SEAT_AVAILABLE);
    assert_int_equal(row.last_started_ms, started); /* the next hold's is greater */
    end_show(&e);
}

/* ---- answers to keys, personal data, secrets ---- */

static struct idem_record make_idem(struct world *w, const char *location, const char *body)
{
    struct idem_record r = {.expires_ms = w->now_us / 1000 + 86400000,
                            .http_status = 201,
                            .change_seq = 2,
                            .location = location,
                            .body = body,
                            .body_size = strlen(body)};
    rng_bytes(&w->rng, r.key.b, DIGEST_BYTES);
    rng_bytes(&w->rng, r.request.b, DIGEST_BYTES);
    return r;
}

static void assert_idem(struct world *w, const struct idem_record *want)
{
    struct idem_record got;
    assert_int_equal(store_idem_find(w->store, &want->key, want->expires_ms - 1, &w->arena, &got), 0);
    assert_memory_equal(&got.key, &want->key, DIGEST_BYTES);
    assert_memory_equal(&got.request, &want->request, DIGEST_BYTES);
    assert_int_equal(got.expires_ms, want->expires_ms);
    assert_int_equal(got.http_status, want->http_status);
    assert_int_equal(got.change_seq, want->change_seq);
    assert_int_equal(!got.location, !want->location);
    if (want->location)
        assert_string_equal(got.location, want->location);
    assert_int_equal(got.body_size, want->body_size);
    assert_memory_equal(got.body, want->body, want->body_size);
    assert_int_equal(store_idem_find(w->store, &want->key, want->expires_ms, &w->arena, &got), BOX_ENOTFOUND);
}

static void idempotency_records(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct idem_record one = make_idem(w, "/v1/holds/1", "{\"a\":1}"), two = make_idem(w, NULL, ""), got;
    struct idem_record venue = make_idem(w, "/v1/venues/1", "{}");
    const struct idem_record *both[] = {&one, &two};
    uint32_t seat = 0;
    struct command c = hold_command(test_session(w), &seat, 1);
    assert_int_equal(store_idem_find(w->store, &one.key, 0, &w->arena, &got), BOX_ENOTFOUND);
    struct event_group g = group_of(e.id, decide(&e, &c));
    g.idems = both;
    g.idem_count = 2;
    assert_int_equal(commit_one(w->store, &g), 0);
    inventory_group_done(e.inv);
    assert_int_equal(store_put_venue(w->store, w->layout, &venue), 0);
    assert_idem(w, &one);
    restart(w);
    assert_idem(w, &one);
    assert_idem(w, &two);
    assert_idem(w, &venue);
    reload(&e);
    end_show(&e);
}

static void put_personal_of(struct show *e, struct order_id order, struct personal personal)
{
    struct personal_record record = {.order_id = order, .personal = personal};
    const struct personal_record *records[] = {&record};
    struct command c = {.kind = COMMAND_EVENT_EDIT, .actor = actor_key("default")};
    struct event_edit edit = {.set = EVENT_NAME, .name = "Night"};
    c.edit = &edit; /* any change will do */
    struct event_group g = group_of(e->id, decide(e, &c));
    g.personals = records;
    g.personal_count = 1;
    assert_int_equal(commit_one(e->w->store, &g), 0);
    inventory_group_done(e->inv);
    reload(e);
}

static void personal_data(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct order_id order = make_order(&e, take_seats(&e, test_session(w), 0, 1));
    struct personal p = {.name = "x"};
    assert_int_equal(store_get_personal(w->store, &order, &w->arena, &p), 0);
    assert_null(p.name);
    assert_null(p.email);
    assert_null(p.payment_reference);
    put_personal_of(&e, order, (struct personal){.name = "Ann", .email = "ann@example.org"});
    put_personal_of(&e, order, (struct personal){.payment_reference = "pay-1"});
    put_personal_of(&e, order, (struct personal){.name = ""});
    restart(w);
    assert_int_equal(store_get_personal(w->store, &order, &w->arena, &p), 0);
    assert_string_equal(p.name, "");
    assert_string_equal(p.email, "ann@example.org");
    assert_string_equal(p.payment_reference, "pay-1");
    end_show(&e);
}

static void secrets(void **state)
{
    struct world *w = *state;
    uint8_t a[32], b[32], got[32];
    rng_bytes(&w->rng, a, sizeof(a));
    rng_bytes(&w->rng, b, sizeof(b));
    assert_int_equal(store_secret(w->store, "sessions", a, got), 0);
    assert_memory_equal(got, a, sizeof(a));
    assert_int_equal(store_secret(w->store, "sessions", b, got), 0);
    assert_memory_equal(got, a, sizeof(a));
    assert_int_equal(store_secret(w->store, "other", b, got), 0);
    assert_memory_equal(got, b, sizeof(b));
    restart(w);
    assert_int_equal(store_secret(w->store, "sessions", b, got), 0);
    assert_memory_equal(got, a, sizeof(a));
}

static void point_reads_of_nothing(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct hold_id hold_id = {test_uuid(w)};
    struct order_id order_id = {test_uuid(w)};
    struct hold hold;
    struct order order;
    struct ticket_row row;
    assert_int_equal(store_get_hold(w->store, &hold_id, &w->arena, &hold), BOX_ENOTFOUND);
    assert_int_equal(store_get_order(w->store, &order_id, &w->arena, &order), BOX_ENOTFOUND);
    assert_int_equal(store_get_ticket(w->store, &e.id, SEATS, &row), BOX_ENOTFOUND);
    end_show(&e);
}

/* ---- lists ---- */

static uint32_t count_holds(struct show *e, int status, uint32_t limit, struct hold *ret_all)
{
    struct checkout_filter f = {.event = e->id, .status = status};
    struct cursor cursor = {.size = 0};
    uint32_t total = 0;
    do {
        struct hold *holds;
        uint32_t count;
        int ret = store_list_holds(e->w->store, &f, &cursor, limit, &e->w->arena, &holds, &count, &cursor);
        assert_int_equal(ret, 0);
        assert_true(count <= limit);
        for (uint32_t i = 0; i < count; i++)
            ret_all[total++] = holds[i];
    } while (cursor.size > 0);
    return total;
}

static void holds_in_pages(void **state)
{
    struct world *w = *state;
    struct show other = begin_show(w, "other"), e = begin_show(w, "a"), third = begin_show(w, "third");
    struct hold_id ids[7];
    struct hold all[16];
    take_seats(&other, test_session(w), 0, 1);
    take_seats(&third, test_session(w), 0, 1);
    for (uint32_t i = 0; i < 7; i++)
        ids[i] = take_seats(&e, test_session(w), 2 * i, 2);
    on_hold(&e, COMMAND_HOLD_RELEASE, ids[3]);
    for (uint32_t limit = 1; limit <= 8; limit++) {
        assert_int_equal(count_holds(&e, -1, limit, all), 7);
        for (uint32_t i = 0; i < 7; i++)
            assert_true(uuid_equal(&all[i].hold_id.u, &ids[i].u)); /* oldest first */
        assert_int_equal(all[0].line_count, 2);
        assert_int_equal(all[2].lines[1].seat, 5);
        assert_int_equal(count_holds(&e, HOLD_ACTIVE, limit, all), 6);
        assert_int_equal(count_holds(&e, HOLD_RELEASED, limit, all), 1);
        assert_int_equal(count_holds(&e, HOLD_PURCHASED, limit, all), 0);
    }
    end_show(&other);
    end_show(&third);
    end_show(&e);
}

static uint32_t count_orders(struct world *w, const struct order_filter *f, uint32_t limit,
                             struct order *ret_all)
{
    struct cursor cursor = {.size = 0};
    uint32_t total = 0;
    do {
        struct order *orders;
        uint32_t count;
        assert_int_equal(store_list_orders(w->store, f, &cursor, limit, &w->arena, &orders, &count, &cursor),
                         0);
        assert_true(count <= limit);
        for (uint32_t i = 0; i < count; i++)
            ret_all[total++] = orders[i];
    } while (cursor.size > 0);
    return total;
}

static void orders_in_pages(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    struct order_id ids[5];
    struct order all[16];
    for (uint32_t i = 0; i < 5; i++)
        ids[i] = make_order(&a, take_seats(&a, test_session(w), i, 1));
    make_order(&b, take_seats(&b, test_session(w), 0, 1));
    struct order_filter any = {.status = -1}, of_a = {.status = -1, .event = &a.id};
    for (uint32_t limit = 1; limit <= 7; limit++) {
        assert_int_equal(count_orders(w, &any, limit, all), 6);
        for (uint32_t i = 0; i + 1 < 6; i++)
            assert_true(uuid_compare(&all[i].order_id.u, &all[i + 1].order_id.u) < 0);
        assert_int_equal(count_orders(w, &of_a, limit, all), 5);
        for (uint32_t i = 0; i < 5; i++)
            assert_true(uuid_equal(&all[i].order_id.u, &ids[i].u));
    }
    end_show(&a);
    end_show(&b);
}

static void assert_orders(struct world *w, struct order_filter f, uint32_t want)
{
    struct order all[16];
    assert_int_equal(count_orders(w, &f, 1, all), want);
    assert_int_equal(count_orders(w, &f, 16, all), want);
}

static void orders_by_filters(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a"), b = begin_show(w, "b");
    struct order_id first = make_order(&e, take_seats(&e, test_session(w), 0, 2));
    on_order(&e, COMMAND_ORDER_CANCEL, first);
    struct order_id second = make_order(&e, take_seats(&e, test_session(w), 1, 2));
    on_order(&e, COMMAND_ORDER_CONFIRM, second);
    struct order_id third = make_order(&b, take_seats(&b, test_session(w), 1, 2));
    put_personal_of(&e, first, (struct personal){.email = "Ann@Example.org"});
    put_personal_of(&e, second, (struct personal){.email = "bob@example.org"});
    put_personal_of(&e, second, (struct personal){.email = "ann@example.org"}); /* changed */
    put_personal_of(&b, third, (struct personal){.email = "ANN@EXAMPLE.ORG"});
    restart(w);
    struct order o = stored_order(&e, second);
    struct ticket_id both = ticket_id_of(&e.id, 1), one = ticket_id_of(&e.id, 0),
                     none = ticket_id_of(&e.id, 9);
    assert_orders(w, (struct order_filter){.status = -1, .code = o.code}, 1);
    assert_orders(w, (struct order_filter){.status = ORDER_PENDING, .code = o.code}, 0);
    assert_orders(w, (struct order_filter){.status = -1, .code = "22222222"}, 0);
    assert_orders(w, (struct order_filter){.status = -1, .code = "toolongforacode"}, 0);
    assert_orders(w, (struct order_filter){.status = -1, .code = o.code, .event = &b.id}, 0);
    assert_orders(w, (struct order_filter){.status = -1, .event = &e.id, .ticket = &both}, 2);
    assert_orders(w, (struct order_filter){.status = ORDER_PAID, .event = &e.id, .ticket = &both}, 1);
    assert_orders(w, (struct order_filter){.status = -1, .event = &e.id, .ticket = &one}, 1);
    assert_orders(w, (struct order_filter){.status = -1, .event = &e.id, .ticket = &none}, 0);
    assert_orders(w, (struct order_filter){.status = -1, .event = &b.id, .ticket = &both},
                  0); /* not its own */
    assert_orders(w, (struct order_filter){.status = -1, .email = "aNN@example.ORG"}, 3);
    assert_orders(w, (struct order_filter){.status = -1, .email = "ann@example.org", .event = &e.id}, 2);
    assert_orders(w, (struct order_filter){.status = -1, .email = "ann@example.org", .code = o.code}, 1);
    assert_orders(w, (struct order_filter){.status = -1, .email = "bob@example.org"}, 0); /* not any more */
    assert_orders(w, (struct order_filter){.status = -1, .email = ""}, 0);
    assert_orders(w, (struct order_filter){.status = ORDER_PAID}, 1);
    assert_orders(w, (struct order_filter){.status = ORDER_CANCELLED, .event = &e.id}, 1);
    end_show(&e);
    end_show(&b);
}

static uint32_t count_queue(struct world *w, struct order_queue_filter f, uint32_t limit,
                            struct order_queue_row *ret_all)
{
    struct cursor cursor = {.size = 0};
    uint32_t total = 0;
    do {
        struct order_queue_row *rows;
        uint32_t count;
        assert_int_equal(
            store_list_order_queue(w->store, &f, &cursor, limit, &w->arena, &rows, &count, &cursor), 0);
        assert_true(count <= limit);
        for (uint32_t i = 0; i < count; i++)
            ret_all[total++] = rows[i];
    } while (cursor.size > 0);
    return total;
}

static void order_queue_rows(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    struct session_id ann = test_session(w);
    struct order_queue_row all[16];
    struct hold_id first = take_seats(&a, ann, 0, 3);
    take_seats(&b, test_session(w), 1, 1);
    struct hold_id last = take_seats(&a, test_session(w), 5, 2);
    int64_t started = stored_hold(&a, first).started_ms;
    for (uint32_t limit = 1; limit <= 7; limit++) {
        assert_int_equal(count_queue(w, (struct order_queue_filter){0}, limit, all), 6);
        assert_int_equal(count_queue(w, (struct order_queue_filter){.event = &a.id}, limit, all), 5);
        assert_int_equal(all[2].seat, 2);
        assert_int_equal(all[2].started_ms, started);
        assert_int_equal(all[2].expires_ms, started + 900000);
        assert_int_equal(all[2].seq, 2);
        assert_true(uuid_equal(&all[2].session_id.u, &ann.u) && uuid_equal(&all[2].hold_id.u, &first.u));
        assert_true(uuid_equal(&all[2].event_id.u, &a.id.u));
        struct order_queue_filter f = {.event = &a.id, .has_seat = true, .seat = 2};
        assert_int_equal(count_queue(w, f, limit, all), 1);
        f.started_ms = started;
        assert_int_equal(count_queue(w, f, limit, all), 1);
        f.started_ms = started + 1;
        assert_int_equal(count_queue(w, f, limit, all), 0);
        f = (struct order_queue_filter){.event = &a.id, .started_ms = started};
        assert_int_equal(count_queue(w, f, limit, all), 3);
        f.event = NULL;
        assert_int_equal(count_queue(w, f, limit, all), 3);
    }
    w->now_us += 1000000;
    on_hold(&a, COMMAND_HOLD_EXTEND, last);
    on_hold(&a, COMMAND_HOLD_RELEASE, first);
    assert_int_equal(count_queue(w, (struct order_queue_filter){.event = &a.id}, 10, all), 2);
    assert_int_equal(all[0].expires_ms, stored_hold(&a, last).expires_ms);
    on_order(&a, COMMAND_ORDER_CONFIRM, make_order(&a, last));
    assert_int_equal(count_queue(w, (struct order_queue_filter){.event = &a.id}, 10, all), 0);
    end_show(&a);
    end_show(&b);
}

/* Whatever was committed is to be seen in the lists of CDC rows. */
static void show_cdc(struct world *w)
{
    if (store_shared(w->store))
        store_cdc_until(w->store, w->now_us);
}

static uint32_t read_cdc(struct world *w, struct cursor *cursor, uint32_t limit, struct cdc_row *ret_all)
{
    uint32_t total = 0;
    bool more;
    show_cdc(w);
    do {
        struct cdc_row *rows;
        uint32_t count;
        assert_int_equal(store_list_cdc(w->store, cursor, limit, &w->arena, &rows, &count, cursor, &more), 0);
        assert_true(count <= limit && cursor->size > 0);
        assert_true(!more || count == limit);
        for (uint32_t i = 0; i < count; i++)
            ret_all[total++] = rows[i];
    } while (more);
    return total;
}

static void assert_follows(struct world *w, const struct cdc_row *a, const struct cdc_row *b)
{
    const struct cursor x = store_cdc_cursor(w->store, a), y = store_cdc_cursor(w->store, b);
    bool same_change = uuid_equal(&a->event_id.u, &b->event_id.u) && a->seq == b->seq;
    assert_int_equal(x.size, y.size);
    assert_true(memcmp(x.bytes, y.bytes, x.size) < 0); /* cursors sort as rows do */
    assert_int_equal(b->batch_seq, same_change ? a->batch_seq + 1 : 0);
}

static void cdc_in_commit_order(void **state)
{
    struct world *w = *state;
    struct cdc_row all[32];
    struct cursor at = {.size = 0};
    assert_int_equal(read_cdc(w, &at, 10, all), 0);
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    assert_int_equal(read_cdc(w, &at, 10, all), 0); /* events write no rows */
    struct hold_id first = take_seats(&a, test_session(w), 0, 3);
    assert_int_equal(read_cdc(w, &at, 10, all), 3);
    take_seats(&b, test_session(w), 5, 2);
    w->now_us += 10 * 1000000;
    on_hold(&a, COMMAND_HOLD_EXTEND, first);
    on_hold(&a, COMMAND_HOLD_RELEASE, first);
    assert_int_equal(read_cdc(w, &at, 10, all), 8); /* goes on where it was */
    assert_int_equal(read_cdc(w, &at, 10, all), 0);
    restart(w);
    for (uint32_t limit = 1; limit <= 12; limit++) {
        struct cursor start = {.size = 0};
        assert_int_equal(read_cdc(w, &start, limit, all), 11);
        for (uint32_t i = 0; i + 1 < 11; i++)
            assert_follows(w, &all[i], &all[i + 1]);
        const enum cdc_operation want[] = {2, 2, 2, 2, 2, 1, 1, 1, 3, 3, 3};
        for (uint32_t i = 0; i < 11; i++)
            assert_int_equal(all[i].operation, want[i]);
        assert_true(all[2].end_of_batch && !all[1].end_of_batch);
        assert_int_equal(all[0].ttl, 900);
        assert_int_equal(all[10].outcome, OUTCOME_RELEASED);
        assert_true(uuid_equal(&all[3].event_id.u, &b.id.u));
        assert_int_equal(all[4].seat, 6);
    }
    end_show(&a);
    end_show(&b);
}

static void changes_chain(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a"), other = begin_show(w, "b");
    struct hold_id hold = take_seats(&e, test_session(w), 0, 3);
    take_seats(&other, test_session(w), 0, 3);
    on_event(&e, COMMAND_EVENT_PAUSE);
    on_hold(&e, COMMAND_HOLD_RELEASE, hold);
    restart(w);
    struct change **changes;
    uint32_t count = 0, total = 0;
    uint64_t after = 0;
    const struct digest *previous = NULL;
    do {
        int ret = store_list_changes(w->store, &e.id, after, 3, &w->arena, &changes, &count);
        assert_int_equal(ret, 0);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(changes[i]->seq, ++after);
            assert_true(uuid_equal(&changes[i]->event_id.u, &e.id.u));
            assert_true(change_check(changes[i], previous));
            assert_true(!suite_backend.alone || changes[i]->commit_no > 0);
            previous = &changes[i]->hash;
            if (changes[i]->event)
                event_unref(changes[i]->event);
        }
        total += count;
    } while (count > 0);
    assert_int_equal(total, 4);
    assert_memory_equal(previous, inventory_hash(e.inv), DIGEST_BYTES);
    assert_int_equal(store_list_changes(w->store, &e.id, UINT64_MAX, 3, &w->arena, &changes, &count), 0);
    assert_int_equal(count, 0);
    end_show(&e);
    end_show(&other);
}

static struct cursor cursor_of(uint8_t size, uint8_t byte)
{
    struct cursor c = {.size = size};
    memset(c.bytes, byte, sizeof(c.bytes));
    return c;
}

static void bad_cursors(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    take_seats(&e, test_session(w), 0, 3);
    struct order_filter orders = {.status = -1, .event = &e.id};
    struct checkout_filter holds = {.status = -1, .event = e.id};
    struct order_queue_filter queue = {.event = &e.id};
    const struct cursor bad[] = {cursor_of(1, 0), cursor_of(15, 0xff), cursor_of(16, 0xab),
                                 cursor_of(28, 0xcd), cursor_of(CURSOR_BYTES, 0xff)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct cursor out;
        struct hold *h;
        struct order *o;
        struct order_queue_row *q;
        struct cdc_row *c;
        uint32_t count;
        bool more;
        assert_int_equal(store_list_holds(w->store, &holds, &bad[i], 5, &w->arena, &h, &count, &out),
                         BOX_EINVALID);
        assert_int_equal(store_list_orders(w->store, &orders, &bad[i], 5, &w->arena, &o, &count, &out),
                         BOX_EINVALID);
        assert_int_equal(store_list_order_queue(w->store, &queue, &bad[i], 5, &w->arena, &q, &count, &out),
                         BOX_EINVALID);
        assert_int_equal(store_list_cdc(w->store, &bad[i], 5, &w->arena, &c, &count, &out, &more),
                         BOX_EINVALID);
    }
    end_show(&e);
}

/* ---- a random walk ---- */

enum { RECENT = 12 };

struct walk {
    struct show e;
    struct hold_id holds[RECENT]; /* the newest; most older ones have ended */
    struct order_id orders[RECENT];
    uint32_t hold_count, order_count;
};

static struct command random_command(struct walk *k, uint32_t *seats, struct order *order)
{
    struct world *w = k->e.w;
    struct command c = {.actor = actor_key("default"), .seats = seats};
    for (uint32_t i = 0, first = rng_below(&w->rng, SEATS - 3); i < 3; i++)
        seats[i] = first + i;
    c.hold_id = k->holds[rng_below(&w->rng, RECENT)];
    c.order_id = k->orders[rng_below(&w->rng, RECENT)];
    c.session = test_session(w);
    c.seat_count = 1 + rng_below(&w->rng, 3);
    static const enum command_kind kinds[] = {
        COMMAND_HOLD_CREATE,  COMMAND_HOLD_CREATE,  COMMAND_HOLD_CREATE,  COMMAND_HOLD_EXTEND,
        COMMAND_HOLD_RELEASE, COMMAND_ORDER_CREATE, COMMAND_ORDER_CREATE, COMMAND_ORDER_CONFIRM,
        COMMAND_ORDER_CANCEL, COMMAND_ORDER_REFUND, COMMAND_ORDER_REFUND, COMMAND_BLOCK,
        COMMAND_UNBLOCK,      COMMAND_UNBLOCK,      COMMAND_UNBLOCK};
    c.kind = kinds[rng_below(&w->rng, sizeof(kinds) / sizeof(*kinds))];
    if (c.kind == COMMAND_BLOCK || c.kind == COMMAND_UNBLOCK)
        c.seat_count = 1;
    c.block_seats = rng_below(&w->rng, 4) == 0;
    if (c.kind == COMMAND_ORDER_REFUND && k->order_count &&
        store_get_order(w->store, &c.order_id, &w->arena, order) == 0 && order->status == ORDER_PAID)
        c.stored_order = order;
    else if (c.kind == COMMAND_ORDER_REFUND)
        c.kind = COMMAND_HOLD_CREATE;
    return c;
}

/* What the deadline heap would do. */
static void expire_due(struct walk *k)
{
    int64_t deadline_ms;
    struct hold_id hold;
    while (inventory_next_deadline(k->e.inv, &deadline_ms, &hold) && deadline_ms * 1000 <= k->e.w->now_us)
        on_hold(&k->e, COMMAND_HOLD_EXPIRE, hold);
}

static void random_step(struct walk *k)
{
    struct world *w = k->e.w;
    uint32_t seats[3];
    struct order order;
    struct verdict v;
    struct command c = random_command(k, seats, &order);
    w->now_us += rng_below(&w->rng, 100000000);
    expire_due(k);
    if (inventory_decide(k->e.inv, &c, w->now_us, &w->arena, &v))
        return;
    assert_int_equal(commit_changes(w->store, k->e.id, v.changes), 0);
    inventory_group_done(k->e.inv);
    reload(&k->e);
    if (c.kind == COMMAND_HOLD_CREATE)
        k->holds[k->hold_count++ % RECENT] = v.changes->hold->hold_id;
    if (c.kind == COMMAND_ORDER_CREATE)
        k->orders[k->order_count++ % RECENT] = v.changes->order->order_id;
}

/* Whatever is decided, a load gives back; and the order queue has one row for each held seat. */
static void random_walk(void **state)
{
    struct world *w = *state;
    struct walk k = {.e = begin_show(w, "a")};
    struct order_queue_row rows[SEATS];
    uint32_t counts[SEAT_STATUSES];
    for (int i = 0; i < 400; i++)
        random_step(&k);
    assert_true(inventory_seq(k.e.inv) > 150);
    restart(w);
    reload(&k.e);
    inventory_counts(k.e.inv, counts);
    assert_int_equal(count_queue(w, (struct order_queue_filter){.event = &k.e.id}, 7, rows),
                     counts[SEAT_HELD]);
    end_show(&k.e);
}

/* ---- threads ---- */

struct crowd {
    struct world *w;
    struct event_id event;
    atomic_bool stop;
    atomic_uint rounds;
};

/* Whatever the writer does, a load is of one moment. */
static void load_once(struct crowd *c)
{
    struct world own = {.store = c->w->store, .layout = c->w->layout};
    struct image image;
    uint32_t held = 0, in_holds = 0;
    int ret = store_load_event(own.store, &c->event, the_layout, &own, &image);
    if (ret == BOX_EBUSY && !suite_backend.alone)
        return; /* it never stood still */
    assert_int_equal(ret, 0);
    for (uint32_t seat = 0; seat < SEATS; seat++)
        held += image.seats[seat].status == SEAT_HELD;
    for (size_t i = 0; i < image.hold_count; i++)
        in_holds += image.holds[i].line_count;
    assert_int_equal(held, in_holds);
    image_done(&image);
}

static void *reader(void *ctx)
{
    struct crowd *c = ctx;
    while (!atomic_load(&c->stop)) {
        struct arena arena;
        struct cursor at = {.size = 0};
        struct checkout_filter all = {.event = c->event, .status = -1};
        struct cdc_row *rows;
        struct hold *holds;
        uint32_t count;
        bool more;
        arena_init(&arena, 0);
        assert_int_equal(store_list_cdc(c->w->store, &at, 50, &arena, &rows, &count, &at, &more), 0);
        at.size = 0;
        assert_int_equal(store_list_holds(c->w->store, &all, &at, 50, &arena, &holds, &count, &at), 0);
        load_once(c);
        arena_done(&arena);
        atomic_fetch_add(&c->rounds, 1);
    }
    return NULL;
}

static void *worker(void *ctx)
{
    struct crowd *c = ctx;
    struct world own = {.store = c->w->store, .layout = c->w->layout, .now_us = 1900000000000000};
    rng_init_seeded(&own.rng, 99);
    while (!atomic_load(&c->stop)) {
        struct event *event = make_event(&own, "x");
        int ret = store_create_tickets(own.store, event, own.layout, NULL, NULL);
        assert_true(ret == 0 || ret == BOX_EUNAVAILABLE); /* a reopen may be under way */
        store_drop_tickets(own.store, &event->event_id);
        event_unref(event);
        ret = store_put_venue(own.store, own.layout, NULL);
        assert_true(ret == 0 || ret == BOX_EUNAVAILABLE);
        atomic_fetch_add(&c->rounds, 1);
    }
    return NULL;
}

static void threads(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct crowd c = {.w = w, .event = e.id};
    pthread_t all[3];
    assert_int_equal(pthread_create(&all[0], NULL, reader, &c), 0);
    assert_int_equal(pthread_create(&all[1], NULL, reader, &c), 0);
    assert_int_equal(pthread_create(&all[2], NULL, worker, &c), 0);
    for (uint32_t round = 0; round < 8 || atomic_load(&c.rounds) < 30; round++) {
        struct hold_id hold = take_seats(&e, test_session(w), round % SEATS, 1);
        on_hold(&e, COMMAND_HOLD_RELEASE, hold);
        if (round % 4 == 3)
            assert_int_equal(store_reopen(w->store), 0);
    }
    atomic_store(&c.stop, true);
    for (int i = 0; i < 3; i++)
        pthread_join(all[i], NULL);
    reload(&e);
    end_show(&e);
}

#include "contract/suite_log.c"
