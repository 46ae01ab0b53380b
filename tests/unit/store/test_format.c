/* Keys sort as what they are made of; values come back; wrong bytes are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/kv/format.h"
#include <string.h>

static struct event_id event_of(uint8_t byte)
{
    struct event_id id;
    memset(id.u.b, byte, sizeof(id.u.b));
    return id;
}

static int order_of(const struct key *a, const struct key *b)
{
    int order = memcmp(a->b, b->b, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static void keys_sort(void **state)
{
    (void)state;
    struct event_id a = event_of(1), b = event_of(2);
    struct key x, y;
    key_ticket(&x, &a, 255);
    key_ticket(&y, &a, 256);
    assert_true(order_of(&x, &y) < 0);
    key_ticket(&x, &a, UINT32_MAX);
    key_ticket(&y, &b, 0);
    assert_true(order_of(&x, &y) < 0);
    key_order_queue(&x, &a, 1, INT64_MAX);
    key_order_queue(&y, &a, 2, 0);
    assert_true(order_of(&x, &y) < 0);
    key_change(&x, 0xff);
    key_change(&y, 0x100);
    assert_true(order_of(&x, &y) < 0);
    key_change_by_event(&x, &a, 0xff);
    key_change_by_event(&y, &a, 0x100);
    assert_true(order_of(&x, &y) < 0);
}

/* The bytes on disk: a change here is a new format. */
static void keys_as_written_down(void **state)
{
    (void)state;
    struct event_id a = event_of(0xaa);
    struct key k;
    key_ticket(&k, &a, 0x01020304);
    assert_int_equal(k.size, 20);
    assert_memory_equal(k.b + 16, "\1\2\3\4", 4);
    key_order_queue(&k, &a, 7, 0x0102030405060708);
    assert_int_equal(k.size, 28);
    assert_memory_equal(k.b + 16, "\0\0\0\7\1\2\3\4\5\6\7\10", 12);
    key_change(&k, 5);
    assert_int_equal(k.size, 8);
    assert_memory_equal(k.b, "\0\0\0\0\0\0\0\5", 8);
    key_change_by_event(&k, &a, 6);
    assert_int_equal(k.size, 24);
    assert_memory_equal(k.b + 16, "\0\0\0\0\0\0\0\6", 8);
    key_index_code(&k, "ABCDEFGH");
    assert_int_equal(k.size, 9);
    assert_memory_equal(k.b, "cABCDEFGH", 9);
    key_event(&k, &a, EVENT_PART_STATE);
    assert_int_equal(k.size, 17);
    assert_int_equal(k.b[16], 2);
}

static void emails_without_case(void **state)
{
    (void)state;
    const uint8_t secret[32] = {1}, other[32] = {2};
    struct key x, y;
    key_index_email(&x, secret, "Ann@Example.ORG");
    key_index_email(&y, secret, "ann@example.org");
    assert_int_equal(order_of(&x, &y), 0);
    key_index_email(&y, secret, "ann@example.com");
    assert_int_not_equal(order_of(&x, &y), 0);
    key_index_email(&y, other, "ann@example.org");
    assert_int_not_equal(order_of(&x, &y), 0);
    key_index_email(&x, secret, "J\xc3\x96RG@example.org"); /* only ASCII letters are lowered */
    key_index_email(&y, secret, "j\xc3\xb6rg@example.org");
    assert_int_not_equal(order_of(&x, &y), 0);
    key_index_email(&x, secret, "");
    assert_int_equal(x.size, 33);
}

static void prefix_ends(void **state)
{
    (void)state;
    uint8_t end[4];
    assert_int_equal(kv_prefix_end("ab", 2, end), 2);
    assert_memory_equal(end, "ac", 2);
    assert_int_equal(kv_prefix_end("a\xff\xff", 3, end), 1);
    assert_memory_equal(end, "b", 1);
    assert_int_equal(kv_prefix_end("\xff\xff", 2, end), 0);
    assert_int_equal(kv_prefix_end(NULL, 0, end), 0);
}

static void every_cut_is_refused(const struct buf *b, int (*decode)(const void *, size_t))
{
    for (size_t size = 0; size < b->size; size++)
        assert_int_equal(decode(b->data, size), BOX_ECORRUPT);
}

static int decode_state(const void *data, size_t size)
{
    struct event_state state;
    return event_state_decode(data, size, &state);
}

static void event_states(void **state)
{
    (void)state;
    struct event_state in = {
        .deleted = true, .seq = 300, .time_us = 1900000000000000, .held = 1, .sold = 70000};
    struct event_state out;
    struct buf b = {0};
    memset(in.hash.b, 0x5a, DIGEST_BYTES);
    in.blocked = UINT32_MAX;
    event_state_encode(&in, &b);
    assert_int_equal(event_state_decode(b.data, b.size, &out), 0);
    assert_int_equal(out.deleted, true);
    assert_int_equal(out.seq, in.seq);
    assert_int_equal(out.time_us, in.time_us);
    assert_memory_equal(&out.hash, &in.hash, DIGEST_BYTES);
    assert_int_equal(out.held, 1);
    assert_int_equal(out.sold, 70000);
    assert_int_equal(out.blocked, UINT32_MAX);
    every_cut_is_refused(&b, decode_state);
    buf_addc(&b, 0);
    assert_int_equal(decode_state(b.data, b.size), BOX_ECORRUPT);
    b.data[0] = 2;
    assert_int_equal(decode_state(b.data, b.size), BOX_ENEWER);
    buf_done(&b);
}

static int decode_idem(const void *data, size_t size)
{
    struct arena arena;
    struct idem_record record;
    arena_init(&arena, 0);
    int ret = idem_decode(data, size, &arena, &record);
    arena_done(&arena);
    return ret;
}

static void idem_records(void **state)
{
    (void)state;
    struct idem_record in = {
        .expires_ms = 1234567890123, .http_status = 201, .location = "/x", .body = "{}", .body_size = 2};
    struct buf b = {0};
    int64_t expires_ms = 0;
    idem_encode(&in, &b);
    assert_int_equal(decode_idem(b.data, b.size), 0);
    assert_true(idem_expires_ms(b.data, b.size, &expires_ms));
    assert_int_equal(expires_ms, in.expires_ms);
    assert_false(idem_expires_ms(b.data, 7, &expires_ms));
    every_cut_is_refused(&b, decode_idem);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort),           cmocka_unit_test(keys_as_written_down),
        cmocka_unit_test(emails_without_case), cmocka_unit_test(prefix_ends),
        cmocka_unit_test(event_states),        cmocka_unit_test(idem_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
