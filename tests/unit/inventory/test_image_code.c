/*
 * An image as bytes. That it says everything is checked by rig.h after each group of all tests of the
 * inventory (made, read, made again: the same bytes); here is what must be refused: bytes that are cut off,
 * changed, or well formed and wrong.
 */
#include "unit/inventory/rig.h"

/* A hall in which everything is: a hold, one with an order, sold, blocked, and once held seats. */
static void furnish(struct rig *r)
{
    held(r, ALICE, SEATS(0, 1));
    ordered(r, BOB, held(r, BOB, SEATS(2, 3)));
    bought(r, ALICE, SEATS(5));
    bought(r, CAROL, SEATS(6, 7));
    assert_int_equal(release(r, CAROL, held(r, CAROL, SEATS(12))), BOX_OK);
    assert_int_equal(block(r, SEATS(19)), BOX_OK);
    assert_int_equal(price(r, 0, "senior", 3000), BOX_OK);
}

static struct layout *lend_own(void *ctx, const struct venue_id *venue)
{
    struct rig *r = ctx;
    return uuid_equal(&venue->u, &r->layout->venue_id.u) ? r->layout : NULL;
}

/* The first @size bytes; what is accepted can be used, and is what these bytes say. */
static int decode(struct rig *r, const struct buf *b, size_t size)
{
    struct image image;
    char *bytes = malloc(size ? size : 1); /* so that the sanitizer sees a read behind the end */
    memcpy(bytes, b->data, size);
    int ret = image_decode(bytes, size, lend_own, r, &image);
    if (ret == 0) {
        struct buf again = {0};
        struct inventory *inv = inventory_new(&image, &r->rng);
        image_done(&image);
        inventory_check(inv);
        image_encode(inv, &again);
        assert_int_equal(again.size, size);
        assert_memory_equal(again.data, bytes, size);
        buf_done(&again);
        inventory_free(inv);
    }
    free(bytes);
    return ret;
}

static void test_truncated(void **state)
{
    struct rig *r = *state;
    struct buf b = {0};
    furnish(r);
    image_encode(r->inv, &b);
    for (size_t size = 0; size < b.size; size++)
        assert_int_equal(decode(r, &b, size), BOX_ECORRUPT);
    assert_int_equal(decode(r, &b, b.size), 0);
    buf_add(&b, "", 1);
    assert_int_equal(decode(r, &b, b.size), BOX_ECORRUPT);
    buf_done(&b);
}

/* Any bit may be wrong: that is refused, or means another state that holds together. */
static void test_any_bit(void **state)
{
    struct rig *r = *state;
    struct buf b = {0};
    unsigned refused = 0;
    furnish(r);
    image_encode(r->inv, &b);
    for (size_t i = 0; i < 8 * b.size; i++) {
        b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
        refused += decode(r, &b, b.size) != 0;
        b.data[i / 8] = (char)(b.data[i / 8] ^ 1 << i % 8);
    }
    assert_true(refused > b.size); /* more than one of eight */
    assert_int_equal(decode(r, &b, b.size), 0);
    buf_done(&b);
}

static void test_newer(void **state)
{
    struct rig *r = *state;
    struct buf b = {0};
    image_encode(r->inv, &b);
    b.data[0]++;
    assert_int_equal(decode(r, &b, b.size), BOX_ENEWER);
    buf_done(&b);
}

static struct layout *lend_none(void *ctx, const struct venue_id *venue)
{
    (void)ctx, (void)venue;
    return NULL;
}

static void test_no_such_venue(void **state)
{
    struct rig *r = *state;
    struct buf b = {0};
    struct image image;
    image_encode(r->inv, &b);
    assert_int_equal(image_decode(b.data, b.size, lend_none, NULL, &image), BOX_ENOTFOUND);
    buf_done(&b);
}

/* Wherever one id stands, put another. */
static void put_for(struct buf *b, const struct uuid *id, const struct uuid *other)
{
    char *at = b->data;
    unsigned times = 0;
    while ((at = memmem(at, (size_t)(b->data + b->size - at), id, sizeof(*id)))) {
        memcpy(at, other, sizeof(*other));
        times++;
    }
    assert_true(times > 0);
}

/* Two of what there can be one of: each alone would do. */
static void test_twice(void **state)
{
    struct rig *r = *state;
    struct buf b = {0};
    struct hold_id first = held(r, ALICE, SEATS(0)), second = held(r, BOB, SEATS(1));
    struct order_id one = ordered(r, ALICE, first), two = ordered(r, BOB, second);
    bought(r, ALICE, SEATS(2));
    bought(r, BOB, SEATS(3));
    image_encode(r->inv, &b);
    assert_int_equal(decode(r, &b, b.size), 0);
    put_for(&b, &second.u, &first.u);
    assert_int_equal(decode(r, &b, b.size), BOX_ECORRUPT);
    buf_reset(&b);
    image_encode(r->inv, &b);
    put_for(&b, &two.u, &one.u);
    assert_int_equal(decode(r, &b, b.size), BOX_ECORRUPT);
    buf_reset(&b);
    image_encode(r->inv, &b);
    struct session_id alice = session(ALICE), bob = session(BOB);
    put_for(&b, &bob.u, &alice.u);
    assert_int_equal(decode(r, &b, b.size), BOX_ECORRUPT);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_truncated),     RIG_TEST(test_any_bit), RIG_TEST(test_newer),
        RIG_TEST(test_no_such_venue), RIG_TEST(test_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
