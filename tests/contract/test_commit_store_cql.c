/*
 * Commits on a real cluster: who may commit, what a takeover heals, what the rows are afterwards.
 *
 * BOXOFFICE_TEST_CQL=cql://HOSTS/PREFIX names a cluster; the keyspaces are made and dropped. Without it the
 * tests are skipped (exit status 77).
 */
#include "base/metrics.h"
#include "contract/world.h"
#include "store/cql/call.h"
#include "store/cql/store_cql.h"
#include <sched.h>
#include <sodium.h>
#include <unistd.h>

enum { SCHEMA_MS = 60000 };

static struct clock the_clock;
static struct rng the_rng;
static char hosts[256];

/* ---- keyspaces and stores ---- */

struct place {
    char keyspace[64];
    struct store *a, *b; /* two servers on it */
};
static struct place steady, troubled;

static struct store *open_store(const char *keyspace)
{
    char url[400];
    const char *reason = NULL, *note = NULL;
    struct store *s = NULL;
    snprintf(url, sizeof(url), "cql://%s/%s", hosts, keyspace);
    const struct store_cql_options options = {.url = url, .clock = &the_clock, .rng = &the_rng};
    int ret = store_cql_open(&options, &s, &reason, &note);
    if (ret)
        print_error("%s\n", reason);
    assert_int_equal(ret, 0);
    return s;
}

static void run_cql(struct store *s, const char *text, struct cql_result **ret_result)
{
    struct cql_error error;
    enum cql_kind kind = cql_query(cql_store_of(s)->session, text, SCHEMA_MS, ret_result, &error);
    if (kind != CQL_OK)
        print_error("%s: %s\n", text, error.message);
    assert_int_equal(kind, CQL_OK);
}

static void place_open(struct place *p, const char *prefix, const char *name)
{
    snprintf(p->keyspace, sizeof(p->keyspace), "%.30s_%s_%d", prefix, name, (int)getpid());
    p->a = open_store(p->keyspace);
    p->b = open_store(p->keyspace);
}

static void place_close(struct place *p)
{
    char text[128];
    snprintf(text, sizeof(text), "DROP KEYSPACE IF EXISTS %s", p->keyspace);
    run_cql(p->a, text, NULL);
    store_close(p->a);
    store_close(p->b);
}

/* ---- what goes wrong ---- */

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

static void set_dying(struct store *s, bool dying)
{
    static const struct cql_faults dies = {.die_between_halves = always};
    cql_store_of(s)->faults = dying ? &dies : NULL;
}

/* ---- rows as text ---- */

static void add_cell(struct buf *b, struct cql_cell cell)
{
    if (cell.size < 0)
        buf_adds(b, "null");
    for (int32_t i = 0; i < cell.size; i++)
        buf_printf(b, "%02x", cell.data[i]);
    buf_addc(b, ' ');
}

/* What a query gives, a line per row. */
static void add_rows(struct store *s, const char *columns, const char *table, const char *where,
                     struct buf *ret)
{
    char text[1024];
    struct cql_result *r;
    snprintf(text, sizeof(text), "SELECT %s FROM %s.%s %s", columns, cql_store_of(s)->keyspace, table, where);
    run_cql(s, text, &r);
    buf_printf(ret, "%s: %zu rows\n", table, cql_rows(r));
    for (size_t row = 0; row < cql_rows(r); row++) {
        for (size_t column = 0; column < cql_columns(r); column++)
            add_cell(ret, cql_value(r, row, column));
        buf_addc(ret, '\n');
    }
    cql_result_free(r);
}

/* All that a program can see, but for what differs from run to run: ids of groups, epochs, tails. */
static void dump(struct store *s, struct buf *ret)
{
    static const char *const tables[][2] = {
        {"tickets", "event_id, ticket_id, price, section, status, type_id, row, seat, hold_id, hold_session, "
                    "hold_until, "
                    "order_id, started_at, price_type, price_taken, seq, ts"},
        {"events", "*"},
        {"order_queue", "event_id, ticket_id, started_at, session_id, hold_id, seq, WRITETIME(seq)"},
        {"order_queue_scylla_cdc_log", "*"},
        {"orders", "*"},
        {"changes", "event_id, seq, data, WRITETIME(data)"},
        {"holds", "*"},
        {"orders_by_event", "*"},
        {"personal", "*"},
        {"idempotency", "*"},
        {"event_slugs", "*"},
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        add_rows(s, tables[i][1], tables[i][0], "", ret);
    add_rows(s, "value, order_id", "order_index", "WHERE kind = 'code' ALLOW FILTERING", ret);
    add_rows(s, "value, order_id", "order_index", "WHERE kind = 'ticket' ALLOW FILTERING", ret);
    /* the values have a secret of their keyspace in them */
    add_rows(s, "order_id", "order_index", "WHERE kind = 'email' ALLOW FILTERING", ret);
    add_rows(s, "status, ticket_id, price", "available_tickets", "", ret);
    add_rows(s, "has_tickets, event_id, name", "available_events", "", ret);
}

static void assert_same_text(const struct buf *a, const struct buf *b)
{
    const char *x = a->data, *y = b->data;
    const char *x_end = x + a->size, *y_end = y + b->size;
    while (x < x_end && y < y_end) {
        const char *x_line = memchr(x, '\n', (size_t)(x_end - x)),
                   *y_line = memchr(y, '\n', (size_t)(y_end - y));
        if (x_line - x != y_line - y || memcmp(x, y, (size_t)(x_line - x)) != 0) {
            print_error("undisturbed: %.*s\nhealed:      %.*s\n", (int)(x_line - x), x, (int)(y_line - y), y);
            fail();
        }
        x = x_line + 1;
        y = y_line + 1;
    }
    assert_int_equal(a->size, b->size);
}

/* ---- an event that is played on two servers ---- */

struct play {
    struct place *place;
    struct world *w;
    bool trouble; /* every commit dies between its halves, and the other server takes the event */
    struct show e;
};

static int take(struct world *w, struct store *s, struct event_id id, struct inventory **ret_inv)
{
    struct image image;
    int ret = store_take_event(s, &id, the_layout, w, &image);
    if (ret)
        return ret;
    *ret_inv = inventory_new(&image, &w->rng);
    image_done(&image);
    inventory_check(*ret_inv);
    return 0;
}

/* Commit; the event is then loaded anew, in trouble by the other server, which becomes its home. */
static void commit_in(struct play *p, struct event_group *g)
{
    struct world *w = p->w;
    set_dying(w->store, p->trouble);
    assert_int_equal(commit_one(w->store, g), p->trouble ? BOX_EUNKNOWN : 0);
    set_dying(w->store, false);
    inventory_group_done(p->e.inv);
    struct inventory *loaded = NULL;
    if (p->trouble) {
        /* Who only looks on sees the group already, whose records stand in the tail alone. */
        loaded = load(w, p->e.id);
        assert_same_inventory(p->e.inv, loaded);
        inventory_free(loaded);
        w->store = w->store == p->place->a ? p->place->b : p->place->a;
        assert_int_equal(take(w, w->store, p->e.id, &loaded), 0);
    } else {
        loaded = load(w, p->e.id);
    }
    assert_same_inventory(p->e.inv, loaded);
    inventory_free(p->e.inv);
    p->e.inv = loaded;
}

static struct change *act(struct play *p, const struct command *command)
{
    struct change *c = decide(&p->e, command);
    struct event_group g = group_of(p->e.id, c);
    commit_in(p, &g);
    return c;
}

static struct hold_id play_hold(struct play *p, uint32_t first, uint32_t count)
{
    uint32_t seats[SEATS];
    for (uint32_t i = 0; i < count; i++)
        seats[i] = first + i;
    struct command c = hold_command(test_session(p->w), seats, count);
    return act(p, &c)->hold->hold_id;
}

static void play_on_hold(struct play *p, enum command_kind kind, struct hold_id hold)
{
    struct command c = {.kind = kind, .actor = actor_key("default"), .hold_id = hold};
    act(p, &c);
}

/* With a buyer and an answer that is kept. */
static struct order_id play_order(struct play *p, struct hold_id hold)
{
    struct command command = {.kind = COMMAND_ORDER_CREATE, .actor = actor_key("default"), .hold_id = hold};
    struct change *c = decide(&p->e, &command);
    struct idem_record answer = {.key = {{1}},
                                 .request = {{2}},
                                 .expires_ms = p->w->now_us / 1000 + 86400000,
                                 .http_status = 201,
                                 .change_seq = c->seq,
                                 .location = "/v1/orders/x",
                                 .body = "{}",
                                 .body_size = 2};
    memcpy(answer.key.b, c->order->order_id.u.b, sizeof(c->order->order_id.u.b));
    struct personal_record buyer = {.order_id = c->order->order_id,
                                    .personal = {.name = "Ada", .email = "ada@example.org"}};
    const struct idem_record *idems[] = {&answer};
    const struct personal_record *personals[] = {&buyer};
    struct event_group g = group_of(p->e.id, c);
    g.idems = idems;
    g.idem_count = 1;
    g.personals = personals;
    g.personal_count = 1;
    commit_in(p, &g);
    return c->order->order_id;
}

static void play_on_order(struct play *p, enum command_kind kind, struct order_id order)
{
    struct command c = {.kind = kind, .actor = actor_key("default"), .order_id = order};
    act(p, &c);
}

static void play_refund(struct play *p, struct order_id id)
{
    struct order order = stored_order(&p->e, id);
    struct command c = {.kind = COMMAND_ORDER_REFUND,
                        .actor = actor_key("default"),
                        .order_id = id,
                        .stored_order = &order,
                        .block_seats = true};
    act(p, &c);
}

static void play_begin(struct play *p, struct place *place, struct world *w, bool trouble, const char *slug)
{
    struct event *event = make_event(w, slug);
    struct actor actor = actor_key("default");
    *p = (struct play){.place = place, .w = w, .trouble = trouble, .e = {.w = w, .id = event->event_id}};
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0);
    p->e.inv = inventory_new_event(event, w->layout, &w->rng);
    struct change *c = inventory_create(p->e.inv, &actor, ++w->now_us, &w->arena);
    struct event_group g = group_of(p->e.id, c);
    commit_in(p, &g);
    event_unref(event);
}

static void play_all(struct place *place, bool trouble, struct buf *ret)
{
    struct world w;
    struct play p;
    uint32_t blocked[] = {30, 31}, all[SEATS];
    world_init(&w, place->a, 11);
    play_begin(&p, place, &w, trouble, "a");
    struct hold_id hold = play_hold(&p, 0, 3);
    w.now_us += 60000000;
    play_on_hold(&p, COMMAND_HOLD_EXTEND, hold);
    struct order_id order = play_order(&p, hold);
    play_on_order(&p, COMMAND_ORDER_CONFIRM, order);
    play_on_hold(&p, COMMAND_HOLD_RELEASE, play_hold(&p, 10, 2));
    play_on_order(&p, COMMAND_ORDER_CANCEL, play_order(&p, play_hold(&p, 20, 2)));
    hold = play_hold(&p, 10, 1);
    w.now_us += 1000000000;
    play_on_hold(&p, COMMAND_HOLD_EXPIRE, hold);
    struct command c = {
        .kind = COMMAND_BLOCK, .actor = actor_key("default"), .seats = blocked, .seat_count = 2};
    act(&p, &c);
    c.kind = COMMAND_UNBLOCK;
    act(&p, &c);
    play_refund(&p, order);
    for (uint32_t i = 0; i < SEATS - 3; i++) /* all that are left: has_tickets becomes false */
        all[i] = i + 3;
    c = (struct command){
        .kind = COMMAND_BLOCK, .actor = actor_key("default"), .seats = all, .seat_count = SEATS - 3};
    act(&p, &c);
    c = (struct command){.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    act(&p, &c);
    inventory_free(p.e.inv);
    dump(place->a, ret);
    world_done(&w);
}

/* ---- the tests ---- */

/* Whatever a home leaves undone, its successor does: afterwards every row is as if nothing had happened. */
static void a_takeover_heals(void **state)
{
    (void)state;
    struct buf undisturbed = {0}, healed = {0};
    play_all(&steady, false, &undisturbed);
    play_all(&troubled, true, &healed);
    assert_same_text(&undisturbed, &healed);
    buf_done(&undisturbed);
    buf_done(&healed);
}

static void begin(struct world *w, struct show *e, uint64_t seed, const char *slug)
{
    world_init(w, steady.a, seed);
    *e = begin_show(w, slug);
}

static void end(struct world *w, struct show *e)
{
    end_show(e);
    world_done(w);
}

static void dump_event(struct show *e, struct buf *ret)
{
    char text[UUID_TEXT + 1], where[100];
    uuid_format(&e->id.u, text);
    snprintf(where, sizeof(where), "WHERE event_id = %s", text);
    add_rows(steady.a, "*", "tickets", where, ret);
    add_rows(steady.a, "*", "changes", where, ret);
    add_rows(steady.a, "*", "order_queue", where, ret);
}

/* One hold that is decided and not committed yet. */
static struct change *decide_hold(struct show *e, uint32_t seat)
{
    struct command c = hold_command(test_session(e->w), &seat, 1);
    return decide(e, &c);
}

static int64_t metric_grew(enum metric m, int64_t *before)
{
    int64_t now = metrics_get(m), grew = now - *before;
    *before = now;
    return grew;
}

/* Two servers take an event: only the second may commit, and what the first tried changed nothing. */
static void who_took_last_may_commit(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct buf before = {0}, after = {0};
    struct inventory *second = NULL;
    int64_t fenced = metrics_get(METRIC_CQL_COMMITS_FENCED);
    begin(&w, &e, 21, "fence");
    assert_int_equal(take(&w, steady.b, e.id, &second), 0);
    dump_event(&e, &before);
    struct change *change = decide_hold(&e, 3);
    assert_int_equal(commit_changes(steady.a, e.id, change), BOX_EFENCED);
    assert_int_equal(commit_changes(steady.a, e.id, change),
                     BOX_EFENCED); /* now without a look at the cluster */
    assert_int_equal(metric_grew(METRIC_CQL_COMMITS_FENCED, &fenced), 2);
    dump_event(&e, &after);
    assert_same_text(&before, &after);
    struct show other = {.w = &w, .id = e.id, .inv = second};
    w.store = steady.b;
    take_seats(&other, test_session(&w), 3, 1);
    end_show(&other);
    buf_done(&before);
    buf_done(&after);
    end(&w, &e);
}

static void an_event_must_be_taken_first(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    begin(&w, &e, 22, "taken");
    struct change *change = decide_hold(&e, 0);
    assert_int_equal(commit_changes(steady.b, e.id, change), BOX_EFENCED);
    assert_int_equal(commit_changes(steady.a, e.id, change), 0);
    end(&w, &e);
}

/* ---- answers that do not come ---- */

struct lost {
    unsigned left; /* answers that are lost */
    void (*meanwhile)(void *ctx);
    void *ctx;
};

static bool lose(void *ctx)
{
    struct lost *l = ctx;
    if (l->left == 0)
        return false;
    l->left--;
    if (l->meanwhile)
        l->meanwhile(l->ctx);
    return true;
}

static int commit_with_losses(struct show *e, struct change *change, struct lost *lost)
{
    const struct cql_faults faults = {.lose_answer = lose, .ctx = lost};
    cql_store_of(steady.a)->faults = &faults;
    int ret = commit_changes(steady.a, e->id, change);
    cql_store_of(steady.a)->faults = NULL;
    return ret;
}

/* The batch is issued again, and what its refusal shows is that it was done. */
static void one_s_own_batch_is_recognised(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct lost lost = {.left = 2};
    int64_t again = metrics_get(METRIC_CQL_COMMIT_REISSUES);
    begin(&w, &e, 23, "mine");
    assert_int_equal(commit_with_losses(&e, decide_hold(&e, 5), &lost), 0);
    assert_int_equal(metric_grew(METRIC_CQL_COMMIT_REISSUES, &again), 2);
    inventory_group_done(e.inv);
    reload(&e);
    take_seats(&e, test_session(&w), 6, 1); /* the event goes on */
    end(&w, &e);
}

struct rival {
    struct world *w;
    struct show e;
    bool commits;
};

/* While nobody knows, another server takes the event, and perhaps goes on. */
static void rival_takes(void *ctx)
{
    struct rival *r = ctx;
    assert_int_equal(take(r->w, steady.b, r->e.id, &r->e.inv), 0);
    if (r->commits) {
        assert_int_equal(commit_changes(steady.b, r->e.id, decide_hold(&r->e, 9)), 0);
        inventory_group_done(r->e.inv);
    }
}

static void it_was_done_and_the_event_went_on(void **state)
{
    (void)state;
    for (int commits = 0; commits < 2; commits++) {
        struct world w;
        struct show e;
        begin(&w, &e, 24 + (uint64_t)commits, commits ? "gone-on" : "gone");
        struct rival rival = {.w = &w, .e = {.w = &w, .id = e.id}, .commits = commits};
        struct lost lost = {.left = 1, .meanwhile = rival_takes, .ctx = &rival};
        struct change *change = decide_hold(&e, 5);
        assert_int_equal(commit_with_losses(&e, change, &lost), 0); /* it is durable: that is the truth */
        inventory_group_done(e.inv);
        assert_int_equal(inventory_seat_status(rival.e.inv, 5), SEAT_HELD);
        assert_int_equal(inventory_seq(rival.e.inv), 2 + commits);
        assert_int_equal(commit_changes(steady.a, e.id, decide_hold(&e, 6)), BOX_EFENCED);
        end_show(&rival.e);
        end(&w, &e);
    }
}

/* The answer that was lost was a refusal. */
static void it_was_not_done(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct lost lost = {.left = 1};
    struct inventory *second = NULL;
    begin(&w, &e, 27, "not-done");
    assert_int_equal(take(&w, steady.b, e.id, &second), 0);
    assert_int_equal(commit_with_losses(&e, decide_hold(&e, 5), &lost), BOX_EFENCED);
    inventory_free(second);
    assert_int_equal(take(&w, steady.b, e.id, &second), 0);
    assert_int_equal(inventory_seat_status(second, 5), SEAT_AVAILABLE);
    inventory_free(second);
    end(&w, &e);
}

/* ---- creation ---- */

struct seen {
    struct event_id id;
    int times;
};

static int see(void *ctx, struct event_id id)
{
    struct seen *seen = ctx;
    seen->times += uuid_equal(&id.u, &seen->id.u);
    return 0;
}

/* Rows of an event; @key: a column that each of them has. */
static size_t rows_of(const char *table, const char *key, const struct event_id *id)
{
    char text[UUID_TEXT + 1], query[200];
    struct cql_result *r;
    uuid_format(&id->u, text);
    snprintf(query, sizeof(query), "SELECT event_id, %s FROM %s.%s WHERE event_id = %s", key, steady.keyspace,
             table, text);
    run_cql(steady.a, query, &r);
    size_t rows = 0;
    for (size_t i = 0; i < cql_rows(r); i++)
        rows += cql_value(r, i, 1).size >= 0; /* statics alone show as a row without a key */
    cql_result_free(r);
    return rows;
}

/* The creator dies after the first batch: the event is there, is listed and can be taken. */
static void a_half_created_event_is_healed(void **state)
{
    (void)state;
    struct world w;
    struct actor actor = actor_key("default");
    struct inventory *taken = NULL;
    world_init(&w, steady.a, 31);
    struct event *event = make_event(&w, "half");
    struct seen seen = {.id = event->event_id};
    assert_int_equal(store_claim_slug(w.store, "half", &event->event_id), 0);
    assert_int_equal(store_create_tickets(w.store, event, w.layout, NULL, NULL), 0);
    struct inventory *inv = inventory_new_event(event, w.layout, &w.rng);
    struct change *c = inventory_create(inv, &actor, ++w.now_us, &w.arena);
    set_dying(steady.a, true);
    assert_int_equal(commit_changes(steady.a, event->event_id, c), BOX_EUNKNOWN);
    set_dying(steady.a, false);
    inventory_group_done(inv);
    assert_int_equal(rows_of("events", "name", &event->event_id), 0);
    assert_int_equal(store_list_events(steady.b, see, &seen), 0);
    assert_int_equal(seen.times, 1);
    assert_int_equal(take(&w, steady.b, event->event_id, &taken), 0);
    assert_same_inventory(inv, taken);
    assert_int_equal(rows_of("events", "name", &event->event_id), 1);
    inventory_free(taken);
    inventory_free(inv);
    event_unref(event);
    world_done(&w);
}

/* Tickets of an event that came to nothing are dropped, and can be created again under the same id. */
static void created_again(void **state)
{
    (void)state;
    struct world w;
    struct actor actor = actor_key("default");
    struct image image;
    world_init(&w, steady.a, 32);
    struct event *event = make_event(&w, "again");
    assert_int_equal(store_create_tickets(steady.b, event, w.layout, NULL, NULL), 0);
    struct inventory *inv = inventory_new_event(event, w.layout, &w.rng);
    struct change *c = inventory_create(inv, &actor, ++w.now_us, &w.arena);
    store_drop_tickets(steady.a, &event->event_id);
    assert_int_equal(rows_of("tickets", "ticket_id", &event->event_id), 0);
    assert_int_equal(commit_changes(steady.b, event->event_id, c), BOX_EFENCED); /* too late */
    assert_int_equal(store_load_event(steady.a, &event->event_id, the_layout, &w, &image), BOX_ENOTFOUND);
    assert_int_equal(store_take_event(steady.a, &event->event_id, the_layout, &w, &image), BOX_ENOTFOUND);
    assert_int_equal(store_create_tickets(steady.a, event, w.layout, NULL, NULL), 0);
    assert_int_equal(rows_of("tickets", "ticket_id", &event->event_id), SEATS);
    assert_int_equal(commit_changes(steady.a, event->event_id, c), 0);
    inventory_group_done(inv);
    store_drop_tickets(steady.b, &event->event_id); /* of an event that lives: nothing happens */
    struct show e = {.w = &w, .id = event->event_id, .inv = inv};
    reload(&e);
    take_seats(&e, test_session(&w), 0, 1);
    end_show(&e);
    event_unref(event);
    world_done(&w);
}

static void a_deleted_event_leaves_its_fence(void **state)
{
    (void)state;
    struct world w;
    struct image image;
    struct actor actor = actor_key("default");
    uint32_t seats[] = {1, 2};
    world_init(&w, steady.a, 33);
    struct event *published = make_event(&w, "deleted"),
                 *event = event_with_state(published, false, EVENT_SCHEDULED, false);
    event->ever_published = false;
    assert_int_equal(store_create_tickets(w.store, event, w.layout, NULL, NULL), 0);
    struct show e = {.w = &w, .id = event->event_id, .inv = inventory_new_event(event, w.layout, &w.rng)};
    struct change *c = inventory_create(e.inv, &actor, ++w.now_us, &w.arena);
    assert_int_equal(commit_changes(w.store, e.id, c), 0);
    inventory_group_done(e.inv);
    on_seats(&e, COMMAND_BLOCK, seats, 2);
    struct command command = {.kind = COMMAND_EVENT_DELETE, .actor = actor};
    assert_int_equal(commit_changes(w.store, e.id, decide(&e, &command)), 0);
    inventory_group_done(e.inv);
    assert_int_equal(store_load_event(steady.b, &e.id, the_layout, &w, &image), BOX_ENOTFOUND);
    store_drop_tickets(steady.b, &e.id);
    char text[UUID_TEXT + 1], where[100];
    struct buf rows = {0};
    uuid_format(&e.id.u, text);
    snprintf(where, sizeof(where), "WHERE event_id = %s", text);
    add_rows(steady.a, "ticket_id, seq", "tickets", where, &rows);
    assert_string_equal(strndupa(rows.data, rows.size), "tickets: 1 rows\nnull 0000000000000003 \n");
    assert_int_equal(store_create_tickets(steady.b, event, w.layout, NULL, NULL), 0); /* writes nothing */
    assert_int_equal(commit_changes(steady.b, e.id, c), BOX_EFENCED);
    assert_int_equal(store_take_event(steady.b, &e.id, the_layout, &w, &image), BOX_ENOTFOUND);
    assert_int_equal(store_claim_slug(steady.b, "deleted", &e.id), 0); /* free */
    buf_done(&rows);
    end_show(&e);
    event_unref(event);
    event_unref(published);
    world_done(&w);
}

/* ---- tails ---- */

static bool has_tail(const struct event_id *id)
{
    char text[UUID_TEXT + 1], query[200];
    struct cql_result *r;
    uuid_format(&id->u, text);
    snprintf(query, sizeof(query), "SELECT tail FROM %s.tickets WHERE event_id = %s LIMIT 1", steady.keyspace,
             text);
    run_cql(steady.a, query, &r);
    assert_int_equal(cql_rows(r), 1);
    bool has = cql_value(r, 0, 0).size >= 0;
    cql_result_free(r);
    return has;
}

/* Where nothing happens the tail goes by itself; the event is what it was, for its home and for a successor.
 */
static void an_idle_tail_is_cleared(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct inventory *taken = NULL;
    begin(&w, &e, 41, "idle");
    take_seats(&e, test_session(&w), 0, 2);
    assert_true(has_tail(&e.id));
    while (has_tail(&e.id))
        sched_yield();
    reload(&e);
    take_seats(&e, test_session(&w), 2, 2);
    assert_true(has_tail(&e.id));
    while (has_tail(&e.id))
        sched_yield();
    assert_int_equal(take(&w, steady.b, e.id, &taken), 0);
    assert_same_inventory(e.inv, taken);
    inventory_free(taken);
    end(&w, &e);
}

/* A group that no batch can hold is refused, certainly not done, and the event goes on. */
static void a_group_can_be_too_large(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    begin(&w, &e, 42, "large");
    struct change *change = decide_hold(&e, 0);
    size_t size = 9 * 1024 * 1024;
    char *body = calloc(1, size);
    struct idem_record answer = {.key = {{9}}, .http_status = 200, .body = body, .body_size = size};
    const struct idem_record *idems[] = {&answer};
    struct event_group g = group_of(e.id, change);
    g.idems = idems;
    g.idem_count = 1;
    assert_int_equal(commit_one(w.store, &g), BOX_EUNAVAILABLE);
    g.idem_count = 0;
    assert_int_equal(commit_one(w.store, &g), 0);
    inventory_group_done(e.inv);
    reload(&e);
    free(body);
    end(&w, &e);
}

/* ---- groups that no batch can hold at once ---- */

enum { HALL_ROWS = 13, HALL_ROW = 100, SLICE_HOLDS = 10 }; /* ten holds of a row each fill a slice */

static void begin_hall(struct world *w, struct show *e, uint64_t seed, const char *slug)
{
    struct layout_builder *b = layout_builder_new();
    struct decimal price = {.unscaled = 4500, .scale = 2};
    struct actor actor = actor_key("default");
    world_init(w, steady.a, seed);
    struct venue_id id = w->layout->venue_id;
    layout_unref(w->layout);
    assert_int_equal(layout_builder_section(b, (struct section_id){test_uuid(w)}, "Hall"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price), 0);
    for (int row = 0; row < HALL_ROWS; row++) {
        char label[8];
        snprintf(label, sizeof(label), "%d", row + 1);
        assert_int_equal(layout_builder_row(b, label, NULL, NULL), 0);
        assert_int_equal(layout_builder_seats_counted(b, HALL_ROW), 0);
    }
    assert_int_equal(layout_builder_finish(b, id, "Hall", "Europe/Berlin", w->now_us / 1000, &w->layout), 0);
    layout_builder_free(b);
    struct event *event = make_event(w, slug);
    *e = (struct show){.w = w, .id = event->event_id};
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0);
    e->inv = inventory_new_event(event, w->layout, &w->rng);
    struct change *c = inventory_create(e->inv, &actor, ++w->now_us, &w->arena);
    assert_int_equal(commit_changes(w->store, e->id, c), 0);
    inventory_group_done(e->inv);
    for (uint32_t row = 0; row < HALL_ROWS; row++) {
        uint32_t seats[HALL_ROW];
        for (uint32_t i = 0; i < HALL_ROW; i++)
            seats[i] = row * HALL_ROW + i;
        struct command hold = hold_command(test_session(w), seats, HALL_ROW);
        assert_int_equal(commit_changes(w->store, e->id, decide(e, &hold)), 0);
        inventory_group_done(e->inv);
    }
    event_unref(event);
}

static int cancel_hall(struct show *e)
{
    struct command cancel = {.kind = COMMAND_EVENT_CANCEL, .actor = actor_key("default")};
    int ret = commit_changes(steady.a, e->id, decide(e, &cancel));
    inventory_group_done(e->inv);
    return ret;
}

static void a_large_group_goes_in_slices(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct inventory *loaded = NULL;
    uint32_t counts[SEAT_STATUSES];
    begin_hall(&w, &e, 43, "hall");
    assert_int_equal(cancel_hall(&e), 0);
    assert_int_equal(take(&w, steady.b, e.id, &loaded), 0);
    assert_int_equal(inventory_seq(loaded), 1 + HALL_ROWS + 1 + HALL_ROWS);
    assert_memory_equal(inventory_hash(loaded), inventory_hash(e.inv), DIGEST_BYTES);
    inventory_counts(loaded, counts);
    assert_int_equal(counts[SEAT_AVAILABLE], HALL_ROWS * HALL_ROW);
    inventory_free(loaded);
    end(&w, &e);
}

/* Where it ends in between, the event is what the first changes have made of it, and goes on from there. */
static void a_slice_is_whole_in_itself(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct inventory *loaded = NULL;
    int64_t deadline;
    struct hold_id hold;
    begin_hall(&w, &e, 44, "half-hall");
    set_dying(steady.a, true);
    assert_int_equal(cancel_hall(&e), BOX_EUNKNOWN);
    set_dying(steady.a, false);
    assert_int_equal(take(&w, steady.b, e.id, &loaded), 0);
    assert_int_equal(inventory_event(loaded)->status, EVENT_CANCELLED);
    assert_int_equal(inventory_seq(loaded), 1 + HALL_ROWS + 1 + SLICE_HOLDS);
    assert_int_equal(inventory_live_holds(loaded), HALL_ROWS - SLICE_HOLDS);
    assert_true(inventory_next_deadline(loaded, &deadline, &hold));
    w.now_us = deadline * 1000;
    w.store = steady.b;
    struct show other = {.w = &w, .id = e.id, .inv = loaded};
    struct command expire = {.kind = COMMAND_HOLD_EXPIRE, .actor = actor_key("default"), .hold_id = hold};
    assert_int_equal(commit_changes(steady.b, e.id, decide(&other, &expire)), 0);
    inventory_group_done(loaded);
    end_show(&other);
    end(&w, &e);
}

/* ---- the change log of order_queue ---- */

struct log_check {
    struct cql_result *rows;
    size_t next;
};

static void expect_log_row(void *ctx, const struct cdc_row *want)
{
    struct log_check *x = ctx;
    assert_true(x->next < cql_rows(x->rows));
    struct cql_row r = cql_row_at(x->rows, x->next++);
    struct ticket_id ticket = ticket_id_of(&want->event_id, want->seat);
    struct uuid time = row_uuid(&r, "cdc$time"), event = row_uuid(&r, "event_id");
    struct uuid id = row_uuid(&r, "ticket_id"), hold = row_uuid(&r, "hold_id");
    struct uuid session = row_uuid_text(&r, "hold_session");
    assert_true(uuid_equal(&time, &want->time));
    assert_int_equal(row_int(&r, "cdc$batch_seq_no"), want->batch_seq);
    assert_int_equal(row_tinyint(&r, "cdc$operation"), want->operation);
    assert_int_equal(row_boolean(&r, "cdc$end_of_batch"), want->end_of_batch);
    assert_int_equal(row_bigint(&r, "cdc$ttl"), want->ttl);
    assert_int_equal(row_has(&r, "cdc$ttl"), want->ttl > 0);
    assert_true(uuid_equal(&event, &want->event_id.u));
    assert_true(uuid_equal(&id, &ticket.u));
    assert_true(uuid_equal(&hold, &want->hold_id.u));
    assert_true(uuid_equal(&session, &want->session.u));
    assert_int_equal(row_timestamp(&r, "started_at"), want->started_ms);
    assert_int_equal(row_bigint(&r, "seq"), want->seq);
    assert_int_equal(row_has(&r, "session_id"), want->ttl > 0); /* on inserts and updates only */
    const char *outcome = hold_outcome_name(want->outcome);
    size_t size;
    const uint8_t *text = row_blob(&r, "outcome", &size);
    assert_true(!text == !outcome);
    if (outcome) {
        assert_int_equal(size, strlen(outcome));
        assert_memory_equal(text, outcome, size);
    }
    assert_true(row_ok(&r));
}

/* The log has exactly the rows that the changes say, in their order; written again it still has. */
static void the_log_says_what_happened(void **state)
{
    (void)state;
    struct world w;
    struct show e;
    struct change **changes;
    uint32_t count;
    struct inventory *taken = NULL;
    char query[300], hex[33];
    begin(&w, &e, 51, "log");
    struct hold_id hold = take_seats(&e, test_session(&w), 0, 3);
    w.now_us += 60000000;
    on_hold(&e, COMMAND_HOLD_EXTEND, hold);
    w.now_us += 1000000000;
    on_hold(&e, COMMAND_HOLD_EXPIRE, hold);
    on_order(&e, COMMAND_ORDER_CONFIRM, make_order(&e, take_seats(&e, test_session(&w), 1, 2)));
    assert_int_equal(take(&w, steady.b, e.id, &taken), 0); /* writes the newest second half again */
    inventory_free(taken);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", e.id.u.b[i]);
    snprintf(query, sizeof(query),
             "SELECT * FROM %s.order_queue_scylla_cdc_log WHERE \"cdc$stream_id\" = 0x%s", steady.keyspace,
             hex);
    struct log_check x = {.next = 0};
    run_cql(steady.a, query, &x.rows);
    const struct row_sink sink = {.ctx = &x, .cdc = expect_log_row};
    assert_int_equal(store_list_changes(steady.b, &e.id, 0, 100, &w.arena, &changes, &count), 0);
    assert_int_equal(count, 7);
    for (uint32_t i = 0; i < count; i++) {
        rows_of_change(changes[i], &w.arena, &sink);
        event_unref(changes[i]->event);
    }
    assert_int_equal(x.next, cql_rows(x.rows));
    assert_int_equal(x.next, 3 + 3 + 3 + 2 + 2);
    cql_result_free(x.rows);
    assert_int_equal(rows_of("order_queue", "ticket_id", &e.id), 0);
    end(&w, &e);
}

/* ---- who writes behind our back ---- */

static void foreign(struct show *e, uint32_t seat, const char *format)
{
    char event[UUID_TEXT + 1], ticket[UUID_TEXT + 1], query[400];
    struct ticket_id id = ticket_id_of(&e->id, seat);
    struct image image;
    uuid_format(&e->id.u, event);
    uuid_format(&id.u, ticket);
    snprintf(query, sizeof(query), format, steady.keyspace, event, ticket);
    run_cql(steady.a, query, NULL);
    assert_int_equal(store_load_event(steady.b, &e->id, the_layout, e->w, &image), BOX_ECORRUPT);
    assert_int_equal(store_take_event(steady.b, &e->id, the_layout, e->w, &image), BOX_ECORRUPT);
}

/* An event whose rows do not fit together is not sold from. */
static void foreign_writes_are_found(void **state)
{
    (void)state;
    static const struct {
        uint32_t seat; /* 0: sold, 1: held, 2: free */
        const char *format;
    } writes[] = {
        {0, "UPDATE %s.tickets SET status = 'available' WHERE event_id = %s AND ticket_id = %s"},
        {1, "UPDATE %s.tickets SET status = 'available' WHERE event_id = %s AND ticket_id = %s"},
        {1, "DELETE hold_id FROM %s.tickets WHERE event_id = %s AND ticket_id = %s"},
        {2, "UPDATE %s.tickets SET status = 'held' WHERE event_id = %s AND ticket_id = %s"},
        {2, "UPDATE %s.tickets SET status = 'sold' WHERE event_id = %s AND ticket_id = %s"},
        {2, "UPDATE %s.tickets SET status = 'gone' WHERE event_id = %s AND ticket_id = %s"},
        {2, "DELETE status FROM %s.tickets WHERE event_id = %s AND ticket_id = %s"},
        {2, "DELETE FROM %s.tickets WHERE event_id = %s AND ticket_id = %s"},
        {SEATS, "INSERT INTO %s.tickets (event_id, ticket_id, status) VALUES (%s, %s, 'available')"},
    };
    for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
        struct world w;
        struct show e;
        char slug[32];
        snprintf(slug, sizeof(slug), "foreign-%zu", i);
        begin(&w, &e, 60 + i, slug);
        on_order(&e, COMMAND_ORDER_CONFIRM, make_order(&e, take_seats(&e, test_session(&w), 0, 1)));
        take_seats(&e, test_session(&w), 1, 1);
        foreign(&e, writes[i].seat, writes[i].format);
        end(&w, &e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_takeover_heals),
        cmocka_unit_test(who_took_last_may_commit),
        cmocka_unit_test(an_event_must_be_taken_first),
        cmocka_unit_test(one_s_own_batch_is_recognised),
        cmocka_unit_test(it_was_done_and_the_event_went_on),
        cmocka_unit_test(it_was_not_done),
        cmocka_unit_test(a_half_created_event_is_healed),
        cmocka_unit_test(created_again),
        cmocka_unit_test(a_deleted_event_leaves_its_fence),
        cmocka_unit_test(an_idle_tail_is_cleared),
        cmocka_unit_test(a_group_can_be_too_large),
        cmocka_unit_test(a_large_group_goes_in_slices),
        cmocka_unit_test(a_slice_is_whole_in_itself),
        cmocka_unit_test(the_log_says_what_happened),
        cmocka_unit_test(foreign_writes_are_found),
    };
    const char *url = getenv("BOXOFFICE_TEST_CQL");
    if (!url) {
        fprintf(stderr, "SKIPPED: BOXOFFICE_TEST_CQL names no cluster (cql://HOSTS/PREFIX)\n");
        return 77;
    }
    char prefix[64] = "";
    if (sscanf(url, "cql://%255[^/]/%63[a-z0-9_]", hosts, prefix) != 2 || sodium_init() < 0) {
        fprintf(stderr, "BOXOFFICE_TEST_CQL must be cql://HOSTS/PREFIX\n");
        return 1;
    }
    clock_init_system(&the_clock);
    rng_init_system(&the_rng);
    place_open(&steady, prefix, "steady");
    place_open(&troubled, prefix, "troubled");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    place_close(&steady);
    place_close(&troubled);
    return failed;
}
