/* What the tests of domain and change share: ids that repeat, small layouts, and damage to encoded bytes. */
#ifndef UNIT_DOMAIN_FIXTURE_H
#define UNIT_DOMAIN_FIXTURE_H

#include "unit/base/check.h"

#include "base/buf.h"
#include "base/error.h"
#include "domain/event.h"
#include "domain/layout.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* An id that shows its number. */
static inline struct uuid uuid_numbered(uint8_t n)
{
    struct uuid u = {{0}};
    u.b[0] = n;
    u.b[6] = 0x40;
    u.b[8] = 0x80;
    u.b[15] = n;
    return u;
}

static inline struct venue_id venue_numbered(uint8_t n)
{
    return (struct venue_id){uuid_numbered(n)};
}

static inline struct section_id section_numbered(uint8_t n)
{
    return (struct section_id){uuid_numbered(n)};
}

static inline struct session_id session_numbered(uint8_t n)
{
    return (struct session_id){uuid_numbered(n)};
}

static inline struct event_id event_numbered(uint64_t n)
{
    struct rng rng;
    rng_init_seeded(&rng, n);
    return event_id_new(&rng);
}

static inline struct decimal price_of(int64_t unscaled)
{
    return (struct decimal){.unscaled = unscaled, .scale = 2};
}

/* Finish and free a builder that refused nothing. */
static inline struct layout *built(struct layout_builder *b)
{
    struct layout *l;
    int ret = layout_builder_finish(b, venue_numbered(1), "Hall", "Europe/Berlin", 1700000000000, &l);
    assert_string_equal(layout_builder_reason(b), "");
    assert_int_equal(ret, 0);
    layout_builder_free(b);
    return l;
}

/*
 * Two sections: "Stalls" with regular 2 x 3 seats and 5 standing places, "Circle" with one row "1" of 4
 * seats.
 */
static inline struct layout *small_layout(void)
{
    struct layout_builder *b = layout_builder_new();
    assert_int_equal(layout_builder_section(b, section_numbered(20), "Stalls"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price_of(4500)), 0);
    assert_int_equal(layout_builder_row(b, "1", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 3), 0);
    assert_int_equal(layout_builder_row(b, "2", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 3), 0);
    assert_int_equal(layout_builder_type(b, "standing", price_of(2500)), 0);
    assert_int_equal(layout_builder_unnumbered(b, 5), 0);
    assert_int_equal(layout_builder_section(b, section_numbered(10), "Circle"), 0);
    assert_int_equal(layout_builder_type(b, "regular", price_of(6000)), 0);
    assert_int_equal(layout_builder_row(b, "1", NULL, NULL), 0);
    assert_int_equal(layout_builder_seats_counted(b, 4), 0);
    return built(b);
}

/* 1,000,000 seats in 100,000 rows; @listed: with labels and positions of their own. */
static inline struct layout *million_seats(bool listed)
{
    char label[16];
    struct layout_builder *b = layout_builder_new();
    for (int section = 0; section < 100; section++) {
        layout_builder_section(b, section_numbered((uint8_t)section), "S");
        layout_builder_type(b, "regular", price_of(1));
        for (int row = 0; row < 1000; row++) {
            snprintf(label, sizeof(label), "%d", row);
            assert_int_equal(layout_builder_row(b, label, NULL, NULL), 0);
            for (int32_t seat = 0; listed && seat < 10; seat++) {
                const int32_t x = seat * 25, y = row * 30;
                snprintf(label, sizeof(label), "%d", section * 10 + seat * 2);
                assert_int_equal(layout_builder_seat(b, label, &x, &y, NULL), 0);
            }
            if (!listed)
                assert_int_equal(layout_builder_seats_counted(b, 10), 0);
        }
    }
    return built(b);
}

static inline double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* An event on a layout, with a child price for place 0. */
static inline struct event *small_event(const struct layout *l)
{
    const struct price_entry prices[] = {{.place = 0, .price_type = "child", .price = {2000}}};
    const struct event_draft draft = {
        .event_id = event_numbered(7),
        .slug = "concert-1",
        .currency = {"EUR", 2},
        .fields = {.set = EVENT_NAME | EVENT_TYPE | EVENT_DATE,
                   .name = "Concert",
                   .event_type = "concert",
                   .date_ms = 1800000000000},
        .published = true,
        .prices = prices,
        .price_count = 1,
        .created_ms = 1700000000001,
    };
    uint32_t place;
    struct event *e;
    assert_int_equal(event_new(&draft, l, &place, &e), 0);
    return e;
}

/* Decodes @size bytes; a test's own. It frees what it decoded. */
typedef int decode_fn(const void *data, size_t size);

/* Decode a copy of exactly @size bytes, so that a sanitizer sees a read past the end. */
static inline int decode_exact(decode_fn *decode, const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    int ret = decode(size ? copy : NULL, size);
    free(copy);
    return ret;
}

/* Every truncation and every longer record is damage; a higher version byte, if there is one, is newer. */
static inline void check_damage(decode_fn *decode, const struct buf *b, int newer)
{
    assert_int_equal(decode_exact(decode, b->data, b->size), 0);
    for (size_t size = 0; size < b->size; size++)
        assert_int_equal(decode_exact(decode, b->data, size), BOX_ECORRUPT);
    struct buf longer = {0};
    buf_add(&longer, b->data, b->size);
    buf_addc(&longer, 0);
    assert_int_equal(decode_exact(decode, longer.data, longer.size), BOX_ECORRUPT);
    longer.data[0] = 2;
    assert_int_equal(decode_exact(decode, longer.data, longer.size), newer);
    longer.data[0] = 0;
    assert_int_equal(decode_exact(decode, longer.data, longer.size), BOX_ECORRUPT);
    buf_done(&longer);
}

/* Flip each bit, and set each byte to the worst values: whatever comes of it, nothing is read past the end.
 */
static inline void check_mutations(decode_fn *decode, const struct buf *b)
{
    static const uint8_t worst[] = {0x00, 0x7f, 0x80, 0xff};
    uint8_t *bytes = (uint8_t *)b->data;
    for (size_t i = 0; i < b->size; i++) {
        uint8_t before = bytes[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] = (uint8_t)(before ^ 1u << bit);
            (void)decode_exact(decode, b->data, b->size);
        }
        for (unsigned k = 0; k < sizeof(worst); k++) {
            bytes[i] = worst[k];
            (void)decode_exact(decode, b->data, b->size);
        }
        bytes[i] = before;
    }
}

static inline void assert_same_bytes(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->size, b->size);
    assert_memory_equal(a->data, b->data, a->size);
}

#endif
