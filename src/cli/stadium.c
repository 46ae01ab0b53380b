/*
 * A bowl of three tiers around a pitch. Each tier is an ellipse of rows, cut into blocks by stairs; block 1
 * begins at the middle of the main stand and they go round clockwise. Four prices: by tier, and less behind
 * the goals.
 *
 * Seats of a row stand half a metre apart along the ellipse. The upper tier's last rows take as many seats as
 * are missing to make the total exact.
 */
#include "cli/stadium.h"
#include "base/must.h"
#include "json/json_out.h"
#include <math.h>
#include <stdio.h>

enum { PLAN_WIDTH = 2800, PLAN_HEIGHT = 2300, TIER_COUNT = 3, SEATS_MAX_ROW = 80 };

struct tier {
    const char *name;
    int blocks, rows;
    double radius_x, radius_y; /* of the first row's ellipse */
    double step;               /* from row to row, outward */
};

static const struct tier TIERS[TIER_COUNT] = {
    {"Lower", 36, 24, 620, 440, 8.0},
    {"Middle", 40, 16, 850, 670, 8.5},
    {"Upper", 44, 22, 1020, 830, 9.0},
};

/* Stairs between blocks take this share of the arc; a seat needs this many plan units along it. */
static const double STAIRS = 0.07, SEAT_WIDTH = 5.0;
static const double FULL_CIRCLE = 6.283185307179586;

struct writer_state {
    struct json_out j;
    unsigned seats; /* written so far */
};

/* How many seats a row of a block has room for: the arc's length by the seat's width. */
static unsigned row_capacity(const struct tier *t, int block, int row)
{
    double rx = t->radius_x + row * t->step, ry = t->radius_y + row * t->step;
    double angle = FULL_CIRCLE * (block + 0.5) / t->blocks, span = FULL_CIRCLE / t->blocks * (1 - STAIRS);
    double speed = sqrt(rx * rx * sin(angle) * sin(angle) + ry * ry * cos(angle) * cos(angle));
    unsigned seats = (unsigned)(span * speed / SEAT_WIDTH);
    return seats > SEATS_MAX_ROW ? SEATS_MAX_ROW : seats;
}

static void write_seat(struct writer_state *w, const struct tier *t, int block, int row, unsigned seat,
                       unsigned count)
{
    double rx = t->radius_x + row * t->step, ry = t->radius_y + row * t->step;
    double arc = FULL_CIRCLE / t->blocks, begin = arc * (block + STAIRS / 2), span = arc * (1 - STAIRS);
    double angle = begin + span * (seat + 0.5) / count - FULL_CIRCLE / 4;
    char label[16];
    snprintf(label, sizeof label, "%u", seat + 1);
    json_out_object(&w->j);
    json_out_member_text(&w->j, "label", label);
    json_out_member_int(&w->j, "x", lround(PLAN_WIDTH / 2.0 + rx * cos(angle)));
    json_out_member_int(&w->j, "y", lround(PLAN_HEIGHT / 2.0 + ry * sin(angle)));
    /* The first row of every third lower block has places for wheelchairs at its ends, each beside a
     * companion. */
    if (t == TIERS && row == 0 && block % 3 == 0 && (seat < 2 || seat + 2 >= count)) {
        bool end = seat == 0 || seat + 1 == count;
        json_out_key(&w->j, "attributes");
        json_out_array(&w->j);
        json_out_text(&w->j, end ? "wheelchair" : "companion");
        json_out_end_array(&w->j);
    }
    json_out_end_object(&w->j);
    w->seats++;
}

static void write_row(struct writer_state *w, const struct tier *t, int block, int row, unsigned count)
{
    char label[16];
    snprintf(label, sizeof label, "%d", row + 1);
    json_out_object(&w->j);
    json_out_member_text(&w->j, "row", label);
    json_out_key(&w->j, "seats");
    json_out_array(&w->j);
    for (unsigned seat = 0; seat < count; seat++)
        write_seat(w, t, block, row, seat, count);
    json_out_end_array(&w->j);
    json_out_end_object(&w->j);
}

/* Behind the goals are the blocks whose middle lies within 45 degrees of the long axis' ends. */
static bool behind_goal(const struct tier *t, int block)
{
    double angle = FULL_CIRCLE * (block + 0.5) / t->blocks - FULL_CIRCLE / 4;
    return fabs(cos(angle)) > 0.7071;
}

static void price_of(const struct tier *t, int block, const char **ret_type, const char **ret_price)
{
    if (t == &TIERS[2] && behind_goal(t, block)) {
        *ret_type = "category-4";
        *ret_price = "29.00";
    } else if (t == &TIERS[2] || (t == &TIERS[1] && behind_goal(t, block))) {
        *ret_type = "category-3";
        *ret_price = "49.00";
    } else if (t == &TIERS[1] || behind_goal(t, block)) {
        *ret_type = "category-2";
        *ret_price = "79.00";
    } else {
        *ret_type = "category-1";
        *ret_price = "119.00";
    }
}

/* Seats of all blocks of all tiers as the geometry gives them. */
static unsigned capacity_before(int tier, int block)
{
    unsigned sum = 0;
    for (int t = 0; t <= tier && t < TIER_COUNT; t++)
        for (int b = 0; b < (t < tier ? TIERS[t].blocks : block); b++)
            for (int row = 0; row < TIERS[t].rows; row++)
                sum += row_capacity(&TIERS[t], b, row);
    return sum;
}

static void write_block(struct writer_state *w, int tier, int block)
{
    const struct tier *t = &TIERS[tier];
    const char *type, *price;
    char name[32];
    price_of(t, block, &type, &price);
    snprintf(name, sizeof name, "%s %d", t->name, 100 * (tier + 1) + block + 1);
    json_out_object(&w->j);
    json_out_member_text(&w->j, "name", name);
    json_out_key(&w->j, "types");
    json_out_array(&w->j);
    json_out_object(&w->j);
    json_out_member_text(&w->j, "type_id", type);
    json_out_member_text(&w->j, "price", price);
    json_out_key(&w->j, "rows");
    json_out_array(&w->j);
    /* What the geometry gives up to here, scaled to the exact total, so that the whole adds up to it. */
    unsigned all = capacity_before(TIER_COUNT, 0), goes = capacity_before(tier, block);
    for (int row = 0; row < t->rows; row++) {
        goes += row_capacity(t, block, row);
        unsigned until = (unsigned)((uint64_t)goes * STADIUM_SEATS / all);
        write_row(w, t, block, row, until - w->seats);
    }
    json_out_end_array(&w->j);
    json_out_end_object(&w->j);
    json_out_end_array(&w->j);
    json_out_end_object(&w->j);
}

void stadium_write(struct buf *ret)
{
    struct writer_state w = {.seats = 0};
    json_out_init(&w.j, ret);
    json_out_object(&w.j);
    json_out_member_text(&w.j, "name", "Demo Stadium");
    json_out_member_text(&w.j, "timezone", "Europe/Berlin");
    json_out_key(&w.j, "size");
    json_out_object(&w.j);
    json_out_member_int(&w.j, "width", PLAN_WIDTH);
    json_out_member_int(&w.j, "height", PLAN_HEIGHT);
    json_out_end_object(&w.j);
    json_out_key(&w.j, "sections");
    json_out_array(&w.j);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        for (int block = 0; block < TIERS[tier].blocks; block++)
            write_block(&w, tier, block);
    json_out_end_array(&w.j);
    json_out_end_object(&w.j);
    must(w.seats == STADIUM_SEATS);
}
