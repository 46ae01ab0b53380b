/* The tail: what a group brings comes back; what is cut, damaged or does not follow is refused. */
#include "base/bytes.h"
#include "store/cql/tail.h"
#include "unit/change/fixture.h"

enum { PARTS = 3 };

/* Three changes (an event's first among them), two answers, two buyers. */
struct stuff {
    struct fixture parts[PARTS];
    struct idem_record answers[2];
    struct personal_record personals[2];
    const struct idem_record *idems[2];
    const struct personal_record *people[2];
    struct event_group group;
};

static void stuff_init(struct stuff *s)
{
    static const enum change_kind kinds[PARTS] = {CHANGE_EVENT_CREATED, CHANGE_HOLD_CREATED,
                                                  CHANGE_ORDER_CREATED};
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < PARTS; i++) {
        fixture_init(&s->parts[i], kinds[i], i + 1);
        change_seal(&s->parts[i].change, i ? &s->parts[i - 1].change.hash : NULL);
        if (i)
            s->parts[i - 1].change.next = &s->parts[i].change;
    }
    s->answers[0] = (struct idem_record){.key = {{1}},
                                         .request = {{2}},
                                         .expires_ms = 1700000086400,
                                         .http_status = 201,
                                         .change_seq = 2,
                                         .location = "/v1/holds/x",
                                         .body = "{\"a\":\0}",
                                         .body_size = 7};
    s->answers[1] = (struct idem_record){.key = {{3}}, .http_status = 204};
    s->personals[0] = (struct personal_record){.order_id = {uuid_numbered(4)},
                                               .personal = {.name = "Ada", .email = "ada@example.org"}};
    s->personals[1] =
        (struct personal_record){.order_id = {uuid_numbered(5)}, .personal = {.payment_reference = ""}};
    for (unsigned i = 0; i < 2; i++) {
        s->idems[i] = &s->answers[i];
        s->people[i] = &s->personals[i];
    }
    s->group = (struct event_group){
        .event_id = s->parts[0].change.event_id,
        .changes = &s->parts[0].change,
        .change_count = PARTS,
        .idems = s->idems,
        .idem_count = 2,
        .personals = s->people,
        .personal_count = 2,
    };
}

static void stuff_done(struct stuff *s)
{
    for (unsigned i = 0; i < PARTS; i++)
        fixture_done(&s->parts[i]);
}

static void expect_same_text(const char *a, const char *b)
{
    assert_true(!a == !b);
    if (a)
        assert_string_equal(a, b);
}

static void expect_same(const struct event_group *a, const struct event_group *b)
{
    assert_true(uuid_equal(&a->event_id.u, &b->event_id.u));
    assert_int_equal(a->follows_seq, b->follows_seq);
    assert_int_equal(a->change_count, b->change_count);
    assert_int_equal(a->idem_count, b->idem_count);
    assert_int_equal(a->personal_count, b->personal_count);
    const struct change *x = a->changes, *y = b->changes;
    for (uint32_t i = 0; i < a->change_count; i++, x = x->next, y = y->next) {
        struct buf one = {0}, other = {0};
        change_encode(x, &one);
        change_encode(y, &other);
        assert_int_equal(one.size, other.size);
        assert_memory_equal(one.data, other.data, one.size);
        buf_done(&one);
        buf_done(&other);
    }
    for (size_t i = 0; i < a->idem_count; i++) {
        const struct idem_record *p = a->idems[i], *q = b->idems[i];
        assert_memory_equal(p->key.b, q->key.b, DIGEST_BYTES);
        assert_memory_equal(p->request.b, q->request.b, DIGEST_BYTES);
        assert_int_equal(p->expires_ms, q->expires_ms);
        assert_int_equal(p->http_status, q->http_status);
        assert_int_equal(p->change_seq, q->change_seq);
        expect_same_text(p->location, q->location);
        assert_int_equal(p->body_size, q->body_size);
        if (p->body_size)
            assert_memory_equal(p->body, q->body, p->body_size);
    }
    for (size_t i = 0; i < a->personal_count; i++) {
        const struct personal_record *p = a->personals[i], *q = b->personals[i];
        assert_true(uuid_equal(&p->order_id.u, &q->order_id.u));
        expect_same_text(p->personal.name, q->personal.name);
        expect_same_text(p->personal.email, q->personal.email);
        expect_same_text(p->personal.payment_reference, q->personal.payment_reference);
    }
}

static int decode(const void *data, size_t size, struct event_group *ret_group, struct arena *arena)
{
    /* Bytes of their own on the heap, so that a sanitizer sees a read past the end. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    int ret = tail_decode(copy, size, arena, ret_group);
    free(copy);
    return ret;
}

static int refused(const void *data, size_t size)
{
    struct arena arena;
    struct event_group g = {0};
    arena_init(&arena, 0);
    int ret = decode(data, size, &g, &arena);
    if (!ret)
        tail_done(&g);
    arena_done(&arena);
    return ret;
}

static void comes_back(void **state)
{
    (void)state;
    struct stuff s;
    struct buf b = {0};
    struct arena arena;
    struct event_group g = {0};
    stuff_init(&s);
    arena_init(&arena, 0);
    tail_encode(&s.group, &b);
    assert_int_equal(decode(b.data, b.size, &g, &arena), 0);
    expect_same(&s.group, &g);
    tail_done(&g);
    arena_done(&arena);
    buf_done(&b);
    stuff_done(&s);
}

/* Appended to what is there already, and of one change alone that follows others. */
static void appends(void **state)
{
    (void)state;
    struct stuff s;
    struct buf b = {0};
    struct arena arena;
    struct event_group g = {0};
    stuff_init(&s);
    struct event_group last = {
        .event_id = s.group.event_id, .follows_seq = 2, .changes = &s.parts[2].change, .change_count = 1};
    arena_init(&arena, 0);
    buf_adds(&b, "before");
    tail_encode(&last, &b);
    assert_int_equal(decode(b.data + 6, b.size - 6, &g, &arena), 0);
    expect_same(&last, &g);
    tail_done(&g);
    arena_done(&arena);
    buf_done(&b);
    stuff_done(&s);
}

static void cut_is_refused(void **state)
{
    (void)state;
    struct stuff s;
    struct buf b = {0};
    stuff_init(&s);
    tail_encode(&s.group, &b);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(refused(b.data, size), BOX_ECORRUPT);
    buf_addc(&b, '\0');
    assert_int_equal(refused(b.data, b.size), BOX_ECORRUPT);
    buf_done(&b);
    stuff_done(&s);
}

static void damage_is_refused(void **state)
{
    (void)state;
    struct stuff s;
    struct buf b = {0};
    stuff_init(&s);
    tail_encode(&s.group, &b);
    for (size_t at = 0; at < b.size; at++) {
        b.data[at] = (char)(b.data[at] ^ 0x10);
        assert_int_equal(refused(b.data, b.size), BOX_ECORRUPT);
        b.data[at] = (char)(b.data[at] ^ 0x10);
    }
    assert_int_equal(refused(b.data, b.size), 0);
    buf_done(&b);
    stuff_done(&s);
}

/* Set a good sum under bytes that were changed, as a program with another idea of the format would. */
static void sum_again(struct buf *b)
{
    b->size -= 8;
    put_u64(b, hash64(b->data, b->size));
}

/* Behind a good sum every byte is still looked at: nothing is read past the end, whatever the counts say. */
static void strange_bytes_are_refused(void **state)
{
    (void)state;
    struct stuff s;
    struct buf b = {0};
    unsigned accepted = 0;
    stuff_init(&s);
    tail_encode(&s.group, &b);
    for (size_t size = 9; size < b.size; size++) {
        struct buf cut = {0};
        buf_add(&cut, b.data, size);
        sum_again(&cut);
        assert_int_equal(refused(cut.data, cut.size), BOX_ECORRUPT);
        buf_done(&cut);
    }
    for (size_t at = 1; at < b.size - 8; at++) {
        char was = b.data[at];
        b.data[at] = (char)(was ^ 0xff);
        sum_again(&b);
        int ret = refused(b.data, b.size);
        assert_true(ret == 0 || ret == BOX_ECORRUPT || ret == BOX_ENEWER);
        accepted += ret == 0;
        b.data[at] = was;
    }
    assert_true(accepted > 0); /* digests and bodies may be anything */
    buf_done(&b);
    stuff_done(&s);
}

static void newer_is_told(void **state)
{
    (void)state;
    struct stuff s;
    struct buf b = {0};
    stuff_init(&s);
    tail_encode(&s.group, &b);
    b.data[0] = 2;
    sum_again(&b);
    assert_int_equal(refused(b.data, b.size), BOX_ENEWER);
    b.data[0] = 0;
    sum_again(&b);
    assert_int_equal(refused(b.data, b.size), BOX_ECORRUPT);
    buf_done(&b);
    stuff_done(&s);
}

static void gap_is_refused(void **state)
{
    (void)state;
    struct stuff s;
    struct buf one = {0}, b = {0};
    stuff_init(&s);
    put_u8(&b, 1);
    put_varint(&b, 2);
    for (unsigned i = 0; i < PARTS; i += 2) { /* seq 1 and 3 */
        buf_reset(&one);
        change_encode(&s.parts[i].change, &one);
        put_bytes(&b, one.data, one.size);
    }
    put_varint(&b, 0);
    put_varint(&b, 0);
    put_u64(&b, 0);
    sum_again(&b);
    assert_int_equal(refused(b.data, b.size), BOX_ECORRUPT);
    buf_reset(&b); /* no change at all */
    put_u8(&b, 1);
    put_varint(&b, 0);
    put_varint(&b, 0);
    put_varint(&b, 0);
    put_u64(&b, 0);
    sum_again(&b);
    assert_int_equal(refused(b.data, b.size), BOX_ECORRUPT);
    buf_done(&one);
    buf_done(&b);
    stuff_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(appends),
        cmocka_unit_test(cut_is_refused),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(strange_bytes_are_refused),
        cmocka_unit_test(newer_is_told),
        cmocka_unit_test(gap_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
