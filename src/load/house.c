#include "load/house.h"
#include "base/clock.h"
#include "base/must.h"
#include "json/json_out.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const PRICES[] = {"119.00", "79.00", "49.00", "29.00"}; /* a quarter of the blocks each */

static void write_block(struct json_out *j, unsigned block, unsigned blocks, unsigned seats)
{
    char name[32], row[16];
    unsigned price = block * 4 / blocks;
    snprintf(name, sizeof name, "Block %u", block + 1);
    json_out_object(j);
    json_out_member_text(j, "name", name);
    json_out_key(j, "types");
    json_out_array(j);
    json_out_object(j);
    snprintf(name, sizeof name, "category-%u", price + 1);
    json_out_member_text(j, "type_id", name);
    json_out_member_text(j, "price", PRICES[price]);
    json_out_key(j, "rows");
    json_out_array(j);
    for (unsigned first = 0; first < seats; first += ROW_SEATS) {
        snprintf(row, sizeof row, "%u", first / ROW_SEATS + 1);
        json_out_object(j);
        json_out_member_text(j, "row", row);
        json_out_member_int(j, "seats", seats - first < ROW_SEATS ? seats - first : ROW_SEATS);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_end_object(j);
    json_out_end_array(j);
    json_out_end_object(j);
}

void house_venue(struct buf *ret, unsigned seats)
{
    struct json_out j;
    unsigned blocks = (seats + BLOCK_SEATS - 1) / BLOCK_SEATS;
    json_out_init(&j, ret);
    json_out_object(&j);
    json_out_member_text(&j, "name", "Benchmark");
    json_out_member_text(&j, "timezone", "UTC");
    json_out_key(&j, "sections");
    json_out_array(&j);
    for (unsigned block = 0; block < blocks; block++) {
        unsigned first = block * BLOCK_SEATS;
        write_block(&j, block, blocks, seats - first < BLOCK_SEATS ? seats - first : BLOCK_SEATS);
    }
    json_out_end_array(&j);
    json_out_end_object(&j);
    buf_addc(ret, 0);
}

static int read_id(struct fetcher *f, const struct reply *r, const char *name, char ret[ID_TEXT])
{
    struct uuid id;
    if (!reply_uuid(r, name, &id)) {
        snprintf(f->error, sizeof f->error, "an answer of the server has no %s: %.100s", name, r->body);
        return -1;
    }
    uuid_format(&id, ret);
    return 0;
}

static int make_venue(struct house *h, struct fetcher *f)
{
    struct buf body = {0};
    struct reply reply;
    house_venue(&body, h->seats);
    int ret = fetch(f, "POST", "/v1/venues", body.data, &reply);
    if (!ret)
        ret = read_id(f, &reply, "venue_id", h->venue);
    buf_done(&body);
    return ret;
}

static int make_event(struct house *h, struct fetcher *f, const struct house_wish *wish, unsigned index)
{
    struct buf body = {0};
    struct json_out j;
    struct reply reply;
    struct rng rng;
    struct uuid slug;
    char text[ID_TEXT + 8] = "bench-";
    struct clock clock;
    rng_init_system(&rng);
    clock_init_system(&clock);
    h->on_sale_ms = wish->on_sale_in_ms ? clock_wall_us(&clock) / 1000 + wish->on_sale_in_ms : 0;
    slug = uuid_random(&rng);
    uuid_format(&slug, text + 6);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_member_text(&j, "venue_id", h->venue);
    json_out_member_text(&j, "name", "Benchmark");
    json_out_member_text(&j, "slug", text);
    json_out_member_text(&j, "currency", "EUR");
    json_out_member_text(&j, "date", "2099-01-01T00:00:00Z");
    json_out_member_int(&j, "hold_seconds", wish->hold_seconds);
    json_out_member_int(&j, "max_tickets_per_session", wish->tickets_a_session);
    json_out_member_time_or_null(&j, "on_sale_at", h->on_sale_ms);
    json_out_member_bool(&j, "published", true);
    json_out_end_object(&j);
    buf_addc(&body, 0);
    int ret = fetch(f, "POST", "/v1/events", body.data, &reply);
    if (!ret)
        ret = read_id(f, &reply, "event_id", h->events[index].id);
    h->events[index].created_seq = ret ? 0 : reply.change_seq;
    buf_done(&body);
    return ret;
}

static int make_session(struct house *h, struct fetcher *f, unsigned index)
{
    struct reply reply;
    if (fetch(f, "POST", "/v1/sessions", NULL, &reply))
        return -1;
    const char *token = strstr(reply.body, "\"token\":\"");
    size_t size = token ? strcspn(token + 9, "\"") : 0;
    if (size == 0 || size >= TOKEN_TEXT) {
        snprintf(f->error, sizeof f->error, "a new session has no token: %.100s", reply.body);
        return -1;
    }
    memcpy(h->tokens[index], token + 9, size);
    return 0;
}

/* Walk the change log to its end. */
static int find_log_end(struct house *h, struct fetcher *f)
{
    bool more = true;
    while (more) {
        struct arena arena;
        struct json_in in;
        struct reply reply;
        char path[320];
        snprintf(path, sizeof path, "/v1/cdc/order_queue?limit=1000%s%s", *h->log_cursor ? "&after=" : "",
                 h->log_cursor);
        arena_init(&arena, 0);
        int ret = fetch_json(f, path, &arena, &in, &reply);
        if (!ret) {
            const char *cursor =
                json_in_text(json_in_member(json_in_root(&in), "next_cursor"), 0, sizeof h->log_cursor - 1);
            more = json_in_bool(json_in_member(json_in_root(&in), "more"));
            snprintf(h->log_cursor, sizeof h->log_cursor, "%s", cursor ? cursor : "");
            ret = json_in_status(&in);
        }
        json_in_done(&in);
        arena_done(&arena);
        if (ret)
            return -1;
    }
    return 0;
}

int house_open(struct house *h, struct fetcher *f, const struct house_wish *wish)
{
    *h = (struct house){.seats = wish->seats};
    h->events = calloc(wish->events, sizeof *h->events);
    h->tokens = calloc(wish->sessions, sizeof *h->tokens);
    must(h->events && h->tokens);
    if (find_log_end(h, f) || make_venue(h, f))
        return -1;
    for (; h->token_count < wish->sessions; h->token_count++) {
        if (make_session(h, f, h->token_count))
            return -1;
    }
    for (; h->event_count < wish->events; h->event_count++) {
        if (make_event(h, f, wish, h->event_count))
            return -1;
    }
    return 0;
}

void house_close(struct house *h)
{
    free(h->events);
    free(h->tokens);
}

bool house_next_seat(struct house *h, unsigned *ret_event, uint32_t *ret_seat)
{
    if (h->taken >= (uint64_t)h->seats * h->event_count)
        return false;
    *ret_event = (unsigned)(h->taken / h->seats);
    *ret_seat = (uint32_t)(h->taken++ % h->seats);
    return true;
}
