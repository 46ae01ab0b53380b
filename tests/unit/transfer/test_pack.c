/* The file in which an event travels: what was written is read, and every damage is found. */
#include "base/error.h"
#include "base/params.h"
#include "transfer/pack.h"
#include "unit/base/check.h"
#include <sodium.h>
#include <string.h>

/* A file in memory with two blocks and the end. */
static struct buf small_pack(void)
{
    char *data = NULL;
    size_t size = 0;
    struct buf ret = {0};
    struct pack_writer w;
    FILE *f = open_memstream(&data, &size);
    assert_non_null(f);
    pack_write_begin(&w, f);
    buf_adds(pack_block(&w, PACK_HEAD), "whose it is");
    pack_block_end(&w);
    buf_adds(pack_block(&w, PACK_CHANGES), "what happened");
    pack_block_end(&w);
    assert_int_equal(pack_write_end(&w), 0);
    fclose(f);
    buf_add(&ret, data, size);
    free(data);
    return ret;
}

/* Read all of it. Returns 0 or the first error; counts the blocks but the end. */
static int read_all(const struct buf *bytes, unsigned *ret_blocks)
{
    struct pack_reader r;
    enum pack_kind kind = 0;
    const void *block;
    size_t size;
    /* at least one byte: fmemopen() makes no empty files */
    FILE *f = bytes->size ? fmemopen(bytes->data, bytes->size, "r") : fopen("/dev/null", "r");
    assert_non_null(f);
    *ret_blocks = 0;
    int ret = pack_read_begin(&r, f);
    while (!ret && kind != PACK_END) {
        ret = pack_next(&r, &kind, &block, &size);
        *ret_blocks += !ret && kind != PACK_END;
    }
    pack_read_done(&r);
    fclose(f);
    return ret;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct buf bytes = small_pack();
    struct pack_reader r;
    enum pack_kind kind;
    const void *block;
    size_t size;
    FILE *f = fmemopen(bytes.data, bytes.size, "r");
    for (int again = 0; again < 2; again++) { /* an import reads it twice */
        assert_int_equal(pack_read_begin(&r, f), 0);
        assert_int_equal(pack_next(&r, &kind, &block, &size), 0);
        assert_int_equal(kind, PACK_HEAD);
        assert_int_equal(size, strlen("whose it is"));
        assert_memory_equal(block, "whose it is", size);
        assert_int_equal(pack_next(&r, &kind, &block, &size), 0);
        assert_int_equal(kind, PACK_CHANGES);
        assert_memory_equal(block, "what happened", size);
        assert_int_equal(pack_next(&r, &kind, &block, &size), 0);
        assert_int_equal(kind, PACK_END);
        assert_true(r.ended);
        pack_read_done(&r);
    }
    fclose(f);
    buf_done(&bytes);
}

static void a_cut_file_is_found(void **state)
{
    (void)state;
    struct buf bytes = small_pack();
    unsigned blocks;
    for (size_t size = 0; size < bytes.size; size++) {
        struct buf cut = {.data = bytes.data, .size = size};
        int ret = read_all(&cut, &blocks);
        assert_int_equal(ret, size < 20 ? BOX_ESYNTAX : BOX_ECORRUPT);
    }
    assert_int_equal(read_all(&bytes, &blocks), 0);
    assert_int_equal(blocks, 2);
    buf_done(&bytes);
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    struct buf bytes = small_pack();
    unsigned blocks;
    for (size_t i = 0; i < bytes.size * 8; i++) {
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ 1 << i % 8);
        assert_int_not_equal(read_all(&bytes, &blocks), 0);
        bytes.data[i / 8] = (char)(bytes.data[i / 8] ^ 1 << i % 8);
    }
    assert_int_equal(read_all(&bytes, &blocks), 0);
    buf_done(&bytes);
}

static void what_follows_the_end_is_damage(void **state)
{
    (void)state;
    struct buf bytes = small_pack();
    unsigned blocks;
    buf_addc(&bytes, '\n');
    assert_int_equal(read_all(&bytes, &blocks), BOX_ECORRUPT);
    buf_done(&bytes);
}

enum { START = 20, FIRST = 5 + 11 + 32, SECOND = 5 + 13 + 32 };

static void a_block_left_out_is_found(void **state)
{
    (void)state;
    struct buf bytes = small_pack(), without = {0};
    unsigned blocks;
    buf_add(&without, bytes.data, START);
    buf_add(&without, bytes.data + START + FIRST, bytes.size - START - FIRST);
    assert_int_equal(read_all(&without, &blocks), BOX_ECORRUPT);
    buf_reset(&without);
    buf_add(&without, bytes.data, START + FIRST);
    buf_add(&without, bytes.data + START + FIRST + SECOND, bytes.size - START - FIRST - SECOND);
    assert_int_equal(read_all(&without, &blocks), BOX_ECORRUPT);
    assert_int_equal(blocks, 1);
    buf_done(&without);
    buf_done(&bytes);
}

static void a_later_version_says_so(void **state)
{
    (void)state;
    struct buf bytes = small_pack();
    unsigned blocks;
    bytes.data[19] = 2;
    assert_int_equal(read_all(&bytes, &blocks), BOX_ENEWER);
    bytes.data[19] = 0;
    assert_int_equal(read_all(&bytes, &blocks), BOX_ESYNTAX);
    buf_done(&bytes);
}

static void a_size_that_is_nonsense_costs_no_memory(void **state)
{
    (void)state;
    struct buf bytes = small_pack();
    struct pack_reader r;
    enum pack_kind kind;
    const void *block;
    size_t size;
    bytes.data[START + 1] = LIMIT_EXPORT_BLOCK_BYTES >> 24; /* as large as is allowed */
    bytes.data[START + 2] = bytes.data[START + 3] = bytes.data[START + 4] = 0;
    FILE *f = fmemopen(bytes.data, bytes.size, "r");
    assert_int_equal(pack_read_begin(&r, f), 0);
    assert_int_equal(pack_next(&r, &kind, &block, &size), BOX_ECORRUPT);
    assert_true(r.block.cap < 1 << 20);
    pack_read_done(&r);
    bytes.data[START + 1] = 0x7f; /* and one that is not */
    assert_int_equal(pack_read_begin(&r, f), 0);
    assert_int_equal(pack_next(&r, &kind, &block, &size), BOX_ECORRUPT);
    assert_int_equal(r.offset, START);
    pack_read_done(&r);
    fclose(f);
    buf_done(&bytes);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    struct pack_writer w;
    FILE *f = fopen("/dev/full", "w");
    assert_non_null(f);
    pack_write_begin(&w, f);
    buf_adds(pack_block(&w, PACK_HEAD), "whose it is");
    pack_block_end(&w);
    assert_int_equal(pack_write_end(&w), BOX_EIO);
    fclose(f);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_cut_file_is_found),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(what_follows_the_end_is_damage),
        cmocka_unit_test(a_block_left_out_is_found),
        cmocka_unit_test(a_later_version_says_so),
        cmocka_unit_test(a_size_that_is_nonsense_costs_no_memory),
        cmocka_unit_test(a_full_disk_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
