/* Rows of the change log: what is put is read back one by one; what is not a whole row is refused. */
#include "base/error.h"
#include "store/kv/format.h"
#include "store/kv/log_row.h"
#include "unit/change/fixture.h"

/* A backend's batch that keeps the last two rows which were put. */
struct kv_batch {
    struct buf key, value, index_key, index_value;
    unsigned rows;
};

static void keep(struct buf *b, const void *data, size_t size)
{
    buf_reset(b);
    buf_add(b, data, size);
}

static void put(struct kv_batch *b, enum table t, const void *key, size_t key_size, const void *value,
                size_t size)
{
    bool log = t == TABLE_CHANGES;
    assert_true(log || t == TABLE_CHANGES_BY_EVENT);
    keep(log ? &b->key : &b->index_key, key, key_size);
    keep(log ? &b->value : &b->index_value, value, size);
    b->rows += log;
}

static const struct kv_ops ops = {.put = put};

static void batch_done(struct kv_batch *b)
{
    buf_done(&b->key);
    buf_done(&b->value);
    buf_done(&b->index_key);
    buf_done(&b->index_value);
}

static struct slice slice_of(const struct buf *b)
{
    return (struct slice){.data = (const uint8_t *)b->data, .size = b->size};
}

/* A row of changes with the seqs @first to @last, and commit numbers 1000 more. */
static void put_row(struct kv_batch *b, uint64_t first, uint64_t last)
{
    struct log_row row = {.count = 0};
    struct buf scratch = {0};
    struct fixture f;
    for (uint64_t seq = first; seq <= last; seq++) {
        fixture_init(&f, CHANGE_HOLD_CREATED, seq);
        log_row_add(&row, &f.change, &scratch);
    }
    log_row_put(&row, &f.change, &ops, b);
    assert_int_equal(row.count, 0); /* and begins anew */
    fixture_done(&f);
    log_row_done(&row);
    buf_done(&scratch);
}

static void what_is_put_is_read(void **state)
{
    (void)state;
    struct kv_batch b = {.rows = 0};
    struct log_reader r;
    struct slice key, value, record;
    uint64_t no, expect = 1007;
    struct event_id event = event_numbered(7);
    struct arena arena;
    put_row(&b, 7, 9);
    key = slice_of(&b.key);
    value = slice_of(&b.value);
    arena_init(&arena, 0);
    assert_int_equal(log_reader_init(&r, &key, &value), 0);
    assert_true(r.first == 1007 && r.last == 1009);
    while (log_reader_next(&r, &record, &no)) {
        struct change *c;
        assert_int_equal(change_decode(record.data, record.size, &arena, &c), 0);
        assert_int_equal(no, expect++);
        assert_int_equal(c->commit_no, no);
        assert_int_equal(c->seq, no - 1000);
    }
    assert_int_equal(expect, 1010);
    assert_false(log_reader_next(&r, &record, &no));
    assert_int_equal(b.index_key.size, 24);
    assert_memory_equal(b.index_key.data, event.u.b, 16);
    assert_int_equal(load_u64((uint8_t *)b.index_key.data + 16), 9);
    assert_int_equal(b.index_value.size, b.key.size);
    assert_memory_equal(b.index_value.data, b.key.data, b.key.size);
    arena_done(&arena);
    batch_done(&b);
}

/* A row is full when it has reached its size, not before; then there is room for one change more at most. */
static void rows_are_bounded(void **state)
{
    (void)state;
    struct kv_batch b = {.rows = 0};
    struct log_row row = {.count = 0};
    struct buf scratch = {0};
    struct fixture f;
    size_t one = 0;
    for (uint64_t seq = 1; !log_row_full(&row); seq++) {
        size_t before = row.value.size;
        assert_true(before < LOG_ROW_BYTES);
        fixture_init(&f, CHANGE_HOLD_CREATED, seq);
        log_row_add(&row, &f.change, &scratch);
        one = row.value.size - before;
    }
    assert_true(row.value.size >= LOG_ROW_BYTES && row.value.size < LOG_ROW_BYTES + one);
    assert_true(row.count > 100);
    log_row_put(&row, &f.change, &ops, &b);
    assert_false(log_row_full(&row));
    assert_int_equal(b.rows, 1);
    fixture_done(&f);
    log_row_done(&row);
    buf_done(&scratch);
    batch_done(&b);
}

static int decode(const void *data, size_t size)
{
    static const uint8_t no_1009[8] = {[6] = 1009 >> 8, [7] = 1009 & 0xff};
    const struct slice key = {.data = no_1009, .size = 8}, value = {.data = data, .size = size};
    struct slice record;
    uint64_t no = 0, count = 0;
    struct log_reader r;
    int ret = log_reader_init(&r, &key, &value);
    for (; !ret && log_reader_next(&r, &record, &no); count++)
        assert_true(record.data >= value.data && record.data + record.size <= value.data + size);
    if (!ret)
        assert_true(no == 1009 && count == r.last - r.first + 1);
    return ret;
}

static void damage_is_found(void **state)
{
    (void)state;
    struct kv_batch b = {.rows = 0};
    struct log_reader r;
    put_row(&b, 8, 9);
    check_damage(decode, &b.value, BOX_ECORRUPT);
    check_mutations(decode, &b.value);
    const struct slice value = slice_of(&b.value);
    const uint8_t bytes[9] = {[7] = 1}; /* the second change of a store that has one */
    const struct slice one = {.data = bytes, .size = 8}, longer = {.data = bytes, .size = 9};
    assert_int_equal(log_reader_init(&r, &one, &value), BOX_ECORRUPT);
    assert_int_equal(log_reader_init(&r, &longer, &value), BOX_ECORRUPT);
    const struct slice none = {.data = (const uint8_t *)"\0\0\0", .size = 4};
    const struct slice key = slice_of(&b.key);
    assert_int_equal(log_reader_init(&r, &key, &none), BOX_ECORRUPT); /* a row of no changes */
    batch_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_read),
        cmocka_unit_test(rows_are_bounded),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
