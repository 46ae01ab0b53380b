/* An event goes from store to store: it is the same afterwards, or nothing has happened. */
#include "base/error.h"
#include "store/event_names.h"
#include "store/kv/kv_store.h"
#include "transfer/export.h"
#include "transfer/import.h"
#include "unit/verify/busy.h"
#include "verify/verify.h"
#include <sodium.h>

struct stand {
    struct busy from;
    struct order_id buyers; /* an order of whose buyer something is known */
    struct store *to;
    struct clock clock;
    struct rng rng;
    char *file;
    size_t file_size;
};

/* An order whose buyer's data are committed with it. */
static struct order_id order_with_buyer(struct busy *b)
{
    struct hold_id hold = take_seats(&b->e, b->ada, BUSY_UNTOUCHED + 1, 2);
    struct command command = {.kind = COMMAND_ORDER_CREATE, .actor = actor_key("default"), .hold_id = hold};
    struct change *c = decide(&b->e, &command);
    struct personal_record record = {.order_id = c->order->order_id,
                                     .personal = {.name = "Ada", .email = "ada@example.org"}};
    const struct personal_record *records[] = {&record};
    struct event_group g = group_of(b->e.id, c);
    g.personals = records;
    g.personal_count = 1;
    assert_int_equal(commit_one(b->w.store, &g), 0);
    inventory_group_done(b->e.inv);
    reload(&b->e);
    return record.order_id;
}

static int export_from(struct store *store, const struct event_id *event, char **ret_file, size_t *ret_size)
{
    struct export_totals totals;
    const char *reason;
    FILE *f = open_memstream(ret_file, ret_size);
    assert_non_null(f);
    const struct export_options options = {
        .store = store, .event_id = *event, .file = f, .now_ms = 1900000000000};
    int ret = export_event(&options, &totals, &reason);
    assert_true(!ret == !*reason);
    fclose(f);
    return ret;
}

static int setup(void **state)
{
    struct stand *s = calloc(1, sizeof(*s));
    assert_true(sodium_init() >= 0);
    busy_init(&s->from, "a");
    s->buyers = order_with_buyer(&s->from);
    s->to = store_mem_new();
    clock_init_virtual(&s->clock, s->from.w.now_us);
    rng_init_seeded(&s->rng, 3);
    assert_int_equal(export_from(s->from.w.store, &s->from.e.id, &s->file, &s->file_size), 0);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct stand *s = *state;
    free(s->file);
    store_close(s->to);
    busy_done(&s->from);
    free(s);
    return 0;
}

static int import_bytes(struct stand *s, void *bytes, size_t size, bool dry_run, struct import_result *ret)
{
    FILE *f = fmemopen(bytes, size, "r");
    assert_non_null(f);
    const struct import_options options = {
        .store = s->to, .file = f, .dry_run = dry_run, .clock = &s->clock, .rng = &s->rng};
    int code = import_event(&options, ret);
    findings_done(&ret->findings);
    fclose(f);
    return code;
}

static int import(struct stand *s, struct import_result *ret)
{
    return import_bytes(s, s->file, s->file_size, false, ret);
}

static int count_any(void *ctx, struct event_id id)
{
    (void)id;
    ++*(unsigned *)ctx;
    return 0;
}

static int count_venue(void *ctx, struct layout *layout)
{
    layout_unref(layout);
    ++*(unsigned *)ctx;
    return 0;
}

static void assert_nothing_written(struct stand *s)
{
    unsigned events = 0, venues = 0;
    assert_int_equal(store_list_events(s->to, count_any, &events), 0);
    assert_int_equal(store_list_venues(s->to, count_venue, &venues), 0);
    assert_int_equal(events, 0);
    assert_int_equal(venues, 0);
    assert_int_equal(store_commit_no(s->to), 0);
}

static void assert_verified(struct store *store, int64_t now_ms)
{
    struct findings findings;
    struct verify_totals totals;
    const struct verify_options options = {.store = store, .now_ms = now_ms};
    assert_int_equal(verify_run(&options, &findings, &totals), 0);
    assert_int_equal(findings.count, 0);
    findings_done(&findings);
}

/* The same world with the other store: events go on there until it is called again. */
static void swap_stores(struct stand *s)
{
    struct store *mine = s->from.w.store;
    s->from.w.store = s->to;
    s->to = mine;
}

/* The event as it was imported, to go on with; stores are swapped. */
static struct show show_there(struct stand *s, struct event_id id)
{
    swap_stores(s);
    return (struct show){.w = &s->from.w, .id = id, .inv = load(&s->from.w, id)};
}

static void end_there(struct stand *s, struct show *e)
{
    end_show(e);
    swap_stores(s);
}

/* The event is the same in both stores: state, changes byte for byte, personal data. */
static void assert_same(struct stand *s)
{
    struct busy *b = &s->from;
    struct show e = show_there(s, b->e.id);
    assert_same_inventory(b->e.inv, e.inv);
    end_there(s, &e);
    for (uint32_t seat = 0; seat < SEATS; seat++) {
        struct ticket_row x, y;
        assert_int_equal(store_get_ticket(b->w.store, &b->e.id, seat, &x), 0);
        assert_int_equal(store_get_ticket(s->to, &b->e.id, seat, &y), 0);
        struct buf one = {0}, other = {0};
        ticket_row_encode(&x, &one);
        ticket_row_encode(&y, &other);
        assert_int_equal(one.size, other.size);
        assert_memory_equal(one.data, other.data, one.size);
        buf_done(&one);
        buf_done(&other);
    }
    struct personal p;
    assert_int_equal(store_get_personal(s->to, &s->buyers, &b->w.arena, &p), 0);
    assert_string_equal(p.name, "Ada");
    assert_string_equal(p.email, "ada@example.org");
    assert_null(p.payment_reference);
    assert_verified(s->to, b->w.now_us / 1000);
}

/* ---- there ---- */

static void the_event_is_the_same(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    assert_int_equal(import(s, &r), 0);
    assert_string_equal(r.slug, "a");
    assert_string_equal(r.name, "A night");
    assert_int_equal(r.changes, inventory_seq(s->from.e.inv));
    assert_int_equal(r.seats, SEATS);
    assert_int_equal(r.orders, 6);
    assert_int_equal(r.had, 0);
    assert_false(r.venue_there);
    assert_true(r.groups < r.changes && r.groups > 3); /* some went together */
    assert_same(s);
}

static void what_was_imported_exports_the_same(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    char *again;
    size_t size;
    assert_int_equal(import(s, &r), 0);
    assert_int_equal(export_from(s->to, &r.event_id, &again, &size), 0);
    assert_int_equal(size, s->file_size);
    assert_memory_equal(again, s->file, size);
    free(again);
}

static void it_goes_on_being_sold(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    assert_int_equal(import(s, &r), 0);
    struct show e = show_there(s, r.event_id);
    on_order(&e, COMMAND_ORDER_CONFIRM, s->from.pending);
    refund(&e, s->from.paid, false);
    take_seats(&e, s->from.ada, BUSY_PAID, 2);
    end_there(s, &e);
    assert_verified(s->to, s->from.w.now_us / 1000);
}

static void again_changes_nothing(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    assert_int_equal(import(s, &r), 0);
    uint64_t commits = store_commit_no(s->to);
    assert_int_equal(import(s, &r), 0);
    assert_int_equal(r.had, r.changes);
    assert_int_equal(r.groups, 0);
    assert_int_equal(store_commit_no(s->to), commits);
}

static void a_second_event_of_the_venue(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    assert_int_equal(import(s, &r), 0);
    struct show other = begin_show(&s->from.w, "b");
    take_seats(&other, s->from.bob, 3, 4);
    free(s->file);
    assert_int_equal(export_from(s->from.w.store, &other.id, &s->file, &s->file_size), 0);
    assert_int_equal(import(s, &r), 0);
    assert_true(r.venue_there);
    assert_verified(s->to, s->from.w.now_us / 1000);
    end_show(&other);
}

/* ---- ended early ---- */

/* The n-th write fails, done or not; the next import goes on, until one is through. */
static void fail_and_go_on(struct stand *s, enum store_mem_fault fault)
{
    unsigned n = 0;
    for (int code = 1; code; n++) {
        struct import_result r;
        store_close(s->to);
        s->to = store_mem_new();
        store_mem_fail(s->to, n + 1, fault);
        code = import(s, &r);
        if (!code)
            break;
        assert_int_equal(code, BOX_EUNKNOWN);
        assert_non_null(strstr(r.reason, "import the file again"));
        assert_int_equal(store_reopen(s->to), 0);
        assert_int_equal(import(s, &r), 0);
        assert_same(s);
    }
    assert_true(n > 10); /* venue, tickets, groups */
}

static void it_goes_on_where_a_write_was_not_done(void **state)
{
    fail_and_go_on(*state, STORE_MEM_UNKNOWN_UNDONE);
}

static void it_goes_on_where_a_write_was_done(void **state)
{
    fail_and_go_on(*state, STORE_MEM_UNKNOWN_DONE);
}

static void somebody_else_who_writes_is_said(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    store_mem_fail(s->to, 4, STORE_MEM_FENCE); /* behind venue and tickets */
    assert_int_equal(import(s, &r), BOX_EFENCED);
    assert_non_null(strstr(r.reason, "somebody else writes"));
}

/* ---- refused: nothing is written ---- */

static void a_dry_run_writes_nothing(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    assert_int_equal(import_bytes(s, s->file, s->file_size, true, &r), 0);
    assert_int_equal(r.changes, inventory_seq(s->from.e.inv));
    assert_nothing_written(s);
}

static void damage_anywhere_is_refused(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    for (size_t i = 0; i < s->file_size; i++) {
        s->file[i] = (char)(s->file[i] ^ 0x10);
        int code = import(s, &r);
        assert_true(code == BOX_ECORRUPT || code == BOX_ESYNTAX || code == BOX_ENEWER);
        assert_true(strlen(r.reason) > 0);
        s->file[i] = (char)(s->file[i] ^ 0x10);
    }
    assert_nothing_written(s);
}

static void a_cut_file_is_refused(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    for (size_t size = 1; size < s->file_size; size += 13) {
        int code = import_bytes(s, s->file, size, false, &r);
        assert_int_equal(code, size < 20 ? BOX_ESYNTAX : BOX_ECORRUPT);
    }
    assert_nothing_written(s);
}

static void an_event_that_has_gone_on_is_refused(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    assert_int_equal(import(s, &r), 0);
    struct show e = show_there(s, r.event_id);
    on_event(&e, COMMAND_EVENT_PAUSE);
    end_there(s, &e);
    uint64_t commits = store_commit_no(s->to);
    assert_int_equal(import(s, &r), BOX_EEXISTS);
    assert_non_null(strstr(r.reason, "it has gone on"));
    assert_int_equal(store_commit_no(s->to), commits);
}

static void other_changes_under_its_id_are_refused(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    char *early = s->file;
    size_t early_size = s->file_size;
    on_event(&s->from.e, COMMAND_EVENT_PAUSE); /* here the event goes on in one way ... */
    assert_int_equal(export_from(s->from.w.store, &s->from.e.id, &s->file, &s->file_size), 0);
    assert_int_equal(import_bytes(s, early, early_size, false, &r), 0);
    struct show e = show_there(s, r.event_id);
    on_hold(&e, COMMAND_HOLD_RELEASE, s->from.live); /* ... and there in another */
    end_there(s, &e);
    uint64_t commits = store_commit_no(s->to);
    assert_int_equal(import(s, &r), BOX_EEXISTS);
    assert_non_null(strstr(r.reason, "with other changes"));
    assert_int_equal(store_commit_no(s->to), commits);
    free(early);
}

static void a_taken_slug_is_refused(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    struct world there;
    world_init(&there, s->to, 99);
    assert_int_equal(store_put_venue(s->to, there.layout, NULL), 0);
    struct show other = begin_show(&there, "a");
    uint64_t commits = store_commit_no(s->to);
    assert_int_equal(import(s, &r), BOX_ESLUGTAKEN);
    assert_non_null(strstr(r.reason, "'a'"));
    assert_int_equal(store_commit_no(s->to), commits);
    end_show(&other);
    world_done(&there);
}

static void a_deleted_event_stays_deleted(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    struct world *w = &s->from.w;
    struct event *draft = make_event(w, "b"), *event = event_with_state(draft, false, EVENT_SCHEDULED, false);
    event->ever_published = false;
    struct show e = {.w = w, .id = event->event_id};
    struct actor actor = actor_key("default");
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0);
    e.inv = inventory_new_event(event, w->layout, &w->rng);
    struct change *c = inventory_create(e.inv, &actor, ++w->now_us, &w->arena);
    assert_int_equal(commit_changes(w->store, e.id, c), 0);
    inventory_group_done(e.inv);
    free(s->file);
    assert_int_equal(export_from(w->store, &e.id, &s->file, &s->file_size), 0);
    struct command command = {.kind = COMMAND_EVENT_DELETE, .actor = actor};
    assert_int_equal(commit_changes(w->store, e.id, decide(&e, &command)), 0);
    end_show(&e);
    char *none;
    size_t size;
    assert_int_equal(export_from(w->store, &e.id, &none, &size), BOX_ENOTFOUND);
    free(none);
    swap_stores(s);
    assert_int_equal(import(s, &r), BOX_EEXISTS);
    assert_non_null(strstr(r.reason, "it was deleted"));
    swap_stores(s);
    event_unref(event);
    event_unref(draft);
}

static void another_venue_under_its_id_is_refused(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    struct layout *other;
    struct layout_builder *b = layout_builder_new();
    struct decimal price = {.unscaled = 1};
    assert_int_equal(layout_builder_section(b, (struct section_id){uuid_random(&s->rng)}, "A"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price), 0);
    assert_int_equal(layout_builder_unnumbered(b, 5), 0);
    assert_int_equal(
        layout_builder_finish(b, s->from.w.layout->venue_id, "Other", "Europe/Berlin", 1, &other), 0);
    layout_builder_free(b);
    assert_int_equal(store_put_venue(s->to, other, NULL), 0);
    assert_int_equal(import(s, &r), BOX_EEXISTS);
    assert_non_null(strstr(r.reason, "another venue"));
    layout_unref(other);
}

/* ---- servers on a shared store ---- */

/* Another server's row: it beats, or its process has ended without a word. */
static struct other_server {
    bool there, lives;
    uint64_t beat;
    unsigned beats, leaves;
} peer;

static int fake_beat(struct store *s, const struct server_row *me, struct arena *arena,
                     struct server_row **ret_rows, uint32_t *ret_count)
{
    struct server_row *rows = arena_array(arena, 2, sizeof(*rows));
    (void)s;
    assert_false(me->fit); /* nobody must give it an event */
    peer.beats++;
    rows[0] = *me;
    rows[1] = (struct server_row){.server_id = {{7}}, .address = "http://there:1", .beat = peer.beat};
    peer.beat += peer.lives;
    *ret_rows = rows;
    *ret_count = peer.there ? 2 : 1;
    return 0;
}

static void fake_leave(struct store *s, const struct uuid *server_id)
{
    (void)s;
    assert_false(uuid_is_nil(server_id));
    peer.leaves++;
}

static int fake_claim(struct store *s, const char *slug, const struct event_id *event)
{
    (void)s;
    (void)event;
    assert_string_equal(slug, "a");
    return 0;
}

static uint32_t three_seats(const struct store *s)
{
    (void)s;
    return 3;
}

static void fake_until(struct store *s, int64_t until_us)
{
    (void)s;
    assert_true(until_us > 0);
}

static const struct store_shared_ops fake_shared = {.beat = fake_beat,
                                                    .leave = fake_leave,
                                                    .claim_slug = fake_claim,
                                                    .group_seats = three_seats,
                                                    .cdc_until = fake_until};

static void share(struct stand *s)
{
    struct store_ops *ops = (struct store_ops *)(uintptr_t)s->to->ops; /* the mem store's own copy */
    ops->shared = &fake_shared;
    peer = (struct other_server){0};
}

static void no_import_beside_a_server_that_lives(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    share(s);
    peer = (struct other_server){.there = true, .lives = true};
    assert_int_equal(import(s, &r), BOX_EBUSY);
    assert_non_null(strstr(r.reason, "http://there:1"));
    assert_int_equal(peer.leaves, 1);
    assert_nothing_written(s);
}

static void a_shared_store_without_servers(void **state)
{
    struct stand *s = *state;
    struct import_result alone, r;
    assert_int_equal(import(s, &alone), 0);
    store_close(s->to);
    s->to = store_mem_new();
    share(s);
    assert_int_equal(import(s, &r), 0);
    assert_int_equal(peer.beats, 1); /* nobody is there: nothing to wait for */
    assert_int_equal(peer.leaves, 1);
    assert_true(r.groups > alone.groups); /* it likes smaller ones */
    assert_same(s);
}

static void a_dry_run_leaves_no_row(void **state)
{
    struct stand *s = *state;
    struct import_result r;
    share(s);
    assert_int_equal(import_bytes(s, s->file, s->file_size, true, &r), 0);
    assert_int_equal(peer.beats, 0);
}

/* ---- export ---- */

static void an_unsound_log_is_not_exported(void **state)
{
    struct stand *s = *state;
    struct kv *kv = kv_store_of(s->from.w.store)->kv;
    struct kv_batch *batch = kv->ops->batch_new(kv, KV_BATCH_WORKER);
    struct key k;
    char *file;
    size_t size;
    key_change_by_event(&k, &s->from.e.id, 9);
    kv->ops->del(batch, TABLE_CHANGES_BY_EVENT, k.b, k.size);
    assert_int_equal(kv->ops->write(kv, batch, true), 0);
    kv->ops->batch_free(batch);
    assert_int_equal(export_from(s->from.w.store, &s->from.e.id, &file, &size), BOX_ECORRUPT);
    free(file);
}

static void events_are_found_by_slug_and_id(void **state)
{
    struct stand *s = *state;
    struct show other = begin_show(&s->from.w, "b");
    char text[UUID_TEXT + 1];
    struct event_id id;
    assert_int_equal(event_names_find(s->from.w.store, "b", &id), 0);
    assert_true(uuid_equal(&id.u, &other.id.u));
    uuid_format(&s->from.e.id.u, text);
    assert_int_equal(event_names_find(s->from.w.store, text, &id), 0);
    assert_true(uuid_equal(&id.u, &s->from.e.id.u));
    assert_int_equal(event_names_find(s->from.w.store, "c", &id), BOX_ENOTFOUND);
    text[0] = text[0] == '0' ? '1' : '0';
    assert_int_equal(event_names_find(s->from.w.store, text, &id), BOX_ENOTFOUND);
    end_show(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_event_is_the_same),
        TEST(what_was_imported_exports_the_same),
        TEST(it_goes_on_being_sold),
        TEST(again_changes_nothing),
        TEST(a_second_event_of_the_venue),
        TEST(it_goes_on_where_a_write_was_not_done),
        TEST(it_goes_on_where_a_write_was_done),
        TEST(somebody_else_who_writes_is_said),
        TEST(a_dry_run_writes_nothing),
        TEST(damage_anywhere_is_refused),
        TEST(a_cut_file_is_refused),
        TEST(an_event_that_has_gone_on_is_refused),
        TEST(other_changes_under_its_id_are_refused),
        TEST(a_taken_slug_is_refused),
        TEST(a_deleted_event_stays_deleted),
        TEST(another_venue_under_its_id_is_refused),
        TEST(no_import_beside_a_server_that_lives),
        TEST(a_shared_store_without_servers),
        TEST(a_dry_run_leaves_no_row),
        TEST(an_unsound_log_is_not_exported),
        TEST(events_are_found_by_slug_and_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
