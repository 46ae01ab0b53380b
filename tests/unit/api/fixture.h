/* A JSON text to decode, and a layout to decode it for. */
#ifndef UNIT_API_FIXTURE_H
#define UNIT_API_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/venue_in.h"
#include "base/error.h"
#include "base/params.h"
#include "json/json_in.h"

struct desk {
    struct arena arena;
    struct json_in in;
    struct rng rng;
    struct layout *layout;
};

static inline void desk_init(struct desk *d)
{
    *d = (struct desk){0};
    arena_init(&d->arena, 0);
    rng_init_seeded(&d->rng, 1);
    assert_int_equal(json_in_parse(&d->in, &d->arena, "", 0), 0);
}

static inline void desk_done(struct desk *d)
{
    json_in_done(&d->in);
    layout_unref(d->layout);
    arena_done(&d->arena);
}

/* Parse another text. */
static inline struct json_node desk_json(struct desk *d, const char *text)
{
    json_in_done(&d->in);
    assert_int_equal(json_in_parse(&d->in, &d->arena, text, strlen(text)), 0);
    return json_in_root(&d->in);
}

/* Build a venue in one of the two ways. */
static inline int desk_build(struct desk *d, const char *text,
                             int (*read)(struct venue_in *, struct json_node, struct layout **))
{
    struct json_node body = desk_json(d, text);
    struct venue_in v = {.in = &d->in, .arena = &d->arena, .rng = &d->rng, .now_ms = 1};
    layout_unref(d->layout);
    d->layout = NULL;
    int ret = read(&v, body, &d->layout);
    assert_true((ret == 0) == (d->layout != NULL));
    return ret;
}

/* The pointers of all faults, each followed by a blank. */
static inline const char *desk_pointers(struct desk *d)
{
    const char *all = "";
    for (const struct json_error *e = d->in.errors; e; e = e->next)
        all = arena_printf(&d->arena, "%s%s ", all, e->pointer);
    return all;
}

/* "row/label row/label ..." of a section's seats in their order. */
static inline const char *desk_seats(struct desk *d, uint32_t section)
{
    const char *all = "";
    const struct layout_section *s = &d->layout->sections[section];
    for (uint32_t seat = s->first_seat; seat < s->first_seat + s->seats; seat++) {
        char label[LIMIT_LABEL_CHARS * 4 + 1];
        bool known = layout_seat_label(d->layout, seat, label);
        all = arena_printf(&d->arena, "%s%s/%s%s ", all, known ? layout_row_label(d->layout, seat) : "-",
                           known ? label : "-", layout_gap_after(d->layout, seat) ? "|" : "");
    }
    return all;
}

#endif
