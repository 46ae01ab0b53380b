/*
 * Small halls that are drawn as text. '/' ends a row, '|' is an aisle, ';' begins the next type of the
 * section (its first row goes on with the section's row 1, and so on; types are called a, b, ...), '=' the
 * next section, '*' begins an unnumbered place. A letter is a free seat, a capital or '#' a taken one: .
 * ordinary   w wheelchair   c companion   r restricted view (an attribute like any other)
 */
#ifndef UNIT_DOMAIN_HALL_H
#define UNIT_DOMAIN_HALL_H

#include "base/rng.h"
#include "domain/runs.h"
#include "unit/base/check.h"
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { MAP_MAX = 1024, ROWS_MAX = 16 };

struct hall {
    char text[MAP_MAX];
    struct layout *layout;
    struct runs *runs;
    bool taken[MAP_MAX];     /* by seat */
    uint32_t place[MAP_MAX]; /* of each seat in the text */
    uint32_t seats;
};

/* ---- drawing ---- */

static inline bool is_seat(char ch)
{
    return ch != '\0' && strchr(".#wWcCrR", ch);
}

static inline void add_seat(struct layout_builder *b, char ch, const char *label)
{
    const char *names[] = {NULL, NULL};
    switch (tolower(ch)) {
    case 'w':
        names[0] = "wheelchair";
        break;
    case 'c':
        names[0] = "companion";
        break;
    case 'r':
        names[0] = "restricted_view";
        break;
    default:
        break;
    }
    assert_int_equal(layout_builder_seat(b, label, NULL, NULL, names[0] ? names : NULL), 0);
}

static inline void begin_row(struct layout_builder *b, uint32_t row)
{
    char label[16];
    snprintf(label, sizeof(label), "%u", row + 1);
    assert_int_equal(layout_builder_row(b, label, NULL, NULL), 0);
}

static inline void begin_type(struct layout_builder *b, uint32_t type)
{
    char name[16];
    snprintf(name, sizeof(name), "%c", (char)('a' + type));
    assert_int_equal(layout_builder_type(b, name, (struct decimal){4500, 2}), 0);
}

static inline void begin_section(struct layout_builder *b, uint32_t section)
{
    struct section_id id = {.u.b = {(uint8_t)(section + 1)}};
    char name[16];
    snprintf(name, sizeof(name), "Section %u", section);
    assert_int_equal(layout_builder_section(b, id, name), 0);
}

/* The type's rows up to the next type or section. @columns: seats so far in each row of the section. */
static inline const char *draw_rows(struct layout_builder *b, const char *at, uint32_t *columns)
{
    uint32_t row = 0;
    char label[16] = "";
    begin_row(b, row);
    for (; *at && *at != ';' && *at != '='; at++) {
        if (*at == '/') {
            begin_row(b, ++row);
        } else if (*at == '|') {
            assert_int_equal(layout_builder_gap_after(b, label), 0);
        } else {
            assert_true(is_seat(*at) && row < ROWS_MAX);
            snprintf(label, sizeof(label), "%u", ++columns[row]);
            add_seat(b, *at, label);
        }
    }
    return at;
}

static inline const char *draw_type(struct layout_builder *b, const char *at, uint32_t *columns)
{
    if (*at != '*')
        return draw_rows(b, at, columns);
    size_t places = strcspn(++at, ";=");
    assert_int_equal(layout_builder_unnumbered(b, (uint32_t)places), 0);
    return at + places;
}

/* For runs_new(), and for whoever asks seat by seat. */
static inline bool hall_is_free(const void *ctx, uint32_t seat)
{
    const struct hall *h = ctx;
    assert_true(seat < h->seats);
    return !h->taken[seat];
}

static inline void hall_init(struct hall *h, const char *text)
{
    *h = (struct hall){0};
    snprintf(h->text, sizeof(h->text), "%s", text);
    for (uint32_t i = 0; text[i]; i++) {
        if (!is_seat(text[i]))
            continue;
        h->place[h->seats] = i;
        h->taken[h->seats++] = text[i] == '#' || isupper(text[i]);
    }
    struct layout_builder *b = layout_builder_new();
    uint32_t columns[ROWS_MAX] = {0}, section = 0, type = 0;
    begin_section(b, section);
    for (const char *at = text;; at++) {
        begin_type(b, type++);
        at = draw_type(b, at, columns);
        if (*at == '\0')
            break;
        if (*at == '=') {
            begin_section(b, ++section);
            type = 0;
            memset(columns, 0, sizeof(columns));
        }
    }
    struct venue_id venue = {.u.b = {1}};
    assert_int_equal(layout_builder_finish(b, venue, "Hall", "Europe/Berlin", 0, &h->layout), 0);
    layout_builder_free(b);
    assert_int_equal(h->layout->seats_total, h->seats);
    h->runs = runs_new(h->layout, hall_is_free, h);
}

static inline void hall_done(struct hall *h)
{
    runs_free(h->runs);
    layout_unref(h->layout);
}

/* A free seat is taken, or a taken one becomes free. */
static inline void hall_toggle(struct hall *h, uint32_t seat)
{
    h->taken[seat] = !h->taken[seat];
    runs_set(h->runs, seat, !h->taken[seat]);
}

/* ---- by chance ---- */

static inline char *random_rows(struct rng *rng, const char *seats, char *at)
{
    uint32_t rows = 1 + rng_below(rng, 4);
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t length = 1 + rng_below(rng, 9);
        if (row)
            *at++ = '/';
        for (uint32_t i = 0; i < length; i++) {
            *at++ = seats[rng_below(rng, (uint32_t)strlen(seats))];
            if (rng_below(rng, 8) == 0)
                *at++ = '|';
        }
    }
    return at;
}

static inline char *random_standing(struct rng *rng, char *at)
{
    *at++ = '*';
    for (uint32_t i = 1 + rng_below(rng, 9); i > 0; i--)
        *at++ = rng_below(rng, 2) ? '.' : '#';
    return at;
}

/* A hall of up to three sections of up to three types, drawn into @text; its seats are out of @seats. */
static inline void random_hall(struct rng *rng, const char *seats, char text[MAP_MAX])
{
    char *at = text;
    uint32_t sections = 1 + rng_below(rng, 3);
    for (uint32_t section = 0; section < sections; section++) {
        if (section)
            *at++ = '=';
        uint32_t types = 1 + rng_below(rng, 3);
        for (uint32_t type = 0; type < types; type++) {
            if (type)
                *at++ = ';';
            at = rng_below(rng, 5) ? random_rows(rng, seats, at) : random_standing(rng, at);
        }
    }
    *at = '\0';
    assert_true(at < text + MAP_MAX);
}

#endif
