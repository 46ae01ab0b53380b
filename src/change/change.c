/*
 * The encoded change, version 1. u64 and i64 are big-endian, varint is LEB128, svarint the same after
 * zigzag, text and bytes have their length (varint) before them, ids are 16 raw bytes.
 *
 *   part      when    bytes
 *   --------- ------- ------------------------------------------------------------------------------
 *   head      always  u8 version 1 | u8 kind | event id | u64 seq
 *   commit    always  u64 commit number; not covered by the hash
 *   time      always  i64 us since 1970
 *   actor     always  u8 0 (the system), or u8 1 | text key name, or u8 2 | session id
 *   sections  always  u8 bits: 1 hold, 2 order, 4 seats, 8 event (the table KINDS has who may have which)
 *   hold      bit 1   hold part of domain/checkout_codec.c
 *   order     bit 2   order part of domain/checkout_codec.c
 *   names     bit 4   varint count | count x (u8 price type | text name), by type; of those the seats have
 *   seats     bit 4   varint count | count x seat
 *   event     bit 8   bytes: the record of domain/event_codec.c
 *   hash      always  32 bytes, BLAKE2b-256(hash before | all parts but commit and hash)
 *
 *   seat: svarint seat - seat before | u8 status before + 16 * status after | varint price type |
 *         varint price (minor units) | varint started
 *         started is 0 if the last started time is that of the seat before (of the first: 0), else 1 + ms
 *
 * A value has one encoding, and what the decoder accepts encodes to the same bytes again. So every bit of a
 * record but the commit number is covered by the hash. A format that changes takes the next version; versions
 * are read for ever.
 */
#include "change/change.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/must.h"
#include "base/params.h"
#include "domain/checkout_codec.h"
#include "domain/codec.h"
#include <string.h>

enum { CHANGE_VERSION = 1, SEAT_BYTES_MIN = 5, USUAL_BYTES = 256 };
static const int64_t TIME_US_MAX = 253402300799999999; /* the end of the year 9999 */
enum { HOLD = 1, ORDER = 2, SEATS = 4, EVENT = 8 };

/* What a change of each kind has (needs) and may have besides. */
static const struct kind {
    const char *name;
    uint8_t needs, may;
} KINDS[] = {
    [CHANGE_EVENT_CREATED] = {"event_created", EVENT, 0},
    [CHANGE_EVENT_PUBLISHED] = {"event_published", EVENT, 0},
    [CHANGE_EVENT_UNPUBLISHED] = {"event_unpublished", EVENT, 0},
    [CHANGE_EVENT_EDITED] = {"event_edited", EVENT, 0},
    [CHANGE_EVENT_PRICED] = {"event_priced", EVENT, 0},
    [CHANGE_EVENT_PAUSED] = {"event_paused", EVENT, 0},
    [CHANGE_EVENT_RESUMED] = {"event_resumed", EVENT, 0},
    [CHANGE_EVENT_CANCELLED] = {"event_cancelled", EVENT, 0},
    [CHANGE_EVENT_DELETED] = {"event_deleted", EVENT, 0},
    [CHANGE_SEATS_BLOCKED] = {"seats_blocked", SEATS, 0},
    [CHANGE_SEATS_UNBLOCKED] = {"seats_unblocked", SEATS, 0},
    [CHANGE_HOLD_CREATED] = {"hold_created", HOLD | SEATS, 0},
    [CHANGE_HOLD_EXTENDED] = {"hold_extended", HOLD | SEATS, ORDER},
    [CHANGE_HOLD_RELEASED] = {"hold_released", HOLD | SEATS, ORDER},
    [CHANGE_HOLD_EXPIRED] = {"hold_expired", HOLD | SEATS, ORDER},
    [CHANGE_ORDER_CREATED] = {"order_created", HOLD | ORDER | SEATS, 0},
    [CHANGE_ORDER_PAID] = {"order_paid", HOLD | ORDER | SEATS, 0},
    [CHANGE_ORDER_CANCELLED] = {"order_cancelled", HOLD | ORDER | SEATS, 0},
    [CHANGE_ORDER_REFUNDED] = {"order_refunded", ORDER | SEATS, HOLD},
};

static const struct kind *kind_of(unsigned kind)
{
    return kind < sizeof(KINDS) / sizeof(KINDS[0]) && KINDS[kind].name ? &KINDS[kind] : NULL;
}

const char *change_kind_name(enum change_kind k)
{
    const struct kind *kind = kind_of(k);
    must(kind);
    return kind->name;
}

static bool sections_fit(const struct kind *kind, uint8_t sections)
{
    return (sections & kind->needs) == kind->needs && (sections & ~(kind->needs | kind->may)) == 0;
}

/* ---- encode ---- */

static uint8_t sections_of(const struct change *c)
{
    return (uint8_t)((c->hold ? HOLD : 0) | (c->order ? ORDER : 0) | (c->seat_count ? SEATS : 0) |
                     (c->event ? EVENT : 0));
}

static void put_actor(struct buf *b, const struct actor *a)
{
    put_u8(b, (uint8_t)a->kind);
    if (a->kind == ACTOR_KEY) {
        must(a->key_name[0] && memchr(a->key_name, '\0', sizeof(a->key_name)));
        put_text(b, a->key_name);
    } else if (a->kind == ACTOR_SESSION) {
        put_uuid(b, &a->session.u);
    } else {
        must(a->kind == ACTOR_SYSTEM);
    }
}

/* Bit i: a seat of the change has price type i. */
static uint32_t types_used(const struct seat_change *seats, uint32_t count)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        must(seats[i].price_type < LIMIT_PRICE_TYPES);
        used |= UINT32_C(1) << seats[i].price_type;
    }
    return used;
}

static bool has_name(const struct change *c, uint32_t used, uint32_t type)
{
    return (used >> type & 1) && c->price_type_names[type];
}

static void put_names(struct buf *b, const struct change *c)
{
    uint32_t used = types_used(c->seats, c->seat_count), count = 0;
    must(c->price_type_count <= LIMIT_PRICE_TYPES);
    for (uint32_t i = 0; i < c->price_type_count; i++)
        count += has_name(c, used, i);
    put_varint(b, count);
    for (uint32_t i = 0; i < c->price_type_count; i++) {
        if (has_name(c, used, i)) {
            put_u8(b, (uint8_t)i);
            put_text(b, c->price_type_names[i]);
        }
    }
}

static void put_seats(struct buf *b, const struct change *c)
{
    int64_t seat_before = 0, started_before = 0;
    put_varint(b, c->seat_count);
    for (uint32_t i = 0; i < c->seat_count; i++) {
        const struct seat_change *s = &c->seats[i];
        must(s->before < SEAT_STATUSES && s->after < SEAT_STATUSES && s->last_started_ms >= 0);
        put_svarint(b, (int64_t)s->seat - seat_before);
        put_u8(b, (uint8_t)(s->before | s->after << 4));
        put_varint(b, s->price_type);
        put_money(b, s->price);
        put_varint(b, s->last_started_ms == started_before ? 0 : 1 + (uint64_t)s->last_started_ms);
        seat_before = s->seat;
        started_before = s->last_started_ms;
    }
}

static void put_event(struct buf *b, const struct event *e)
{
    struct buf record = {0};
    event_encode(e, &record);
    put_bytes(b, record.data, record.size);
    buf_done(&record);
}

static void put_head(struct buf *b, const struct change *c)
{
    must(kind_of(c->kind) && sections_fit(kind_of(c->kind), sections_of(c)));
    must(c->seq > 0);
    put_u8(b, CHANGE_VERSION);
    put_u8(b, (uint8_t)c->kind);
    put_uuid(b, &c->event_id.u);
    put_u64(b, c->seq);
}

/* All between the commit number and the hash. */
static void put_body(struct buf *b, const struct change *c)
{
    must(c->time_us >= 0 && c->time_us <= TIME_US_MAX);
    put_i64(b, c->time_us);
    put_actor(b, &c->actor);
    put_u8(b, sections_of(c));
    if (c->hold) {
        must(uuid_equal(&c->hold->event_id.u, &c->event_id.u));
        put_hold_part(b, c->hold);
    }
    if (c->order) {
        must(uuid_equal(&c->order->event_id.u, &c->event_id.u));
        put_order_part(b, c->order);
    }
    if (c->seat_count) {
        put_names(b, c);
        put_seats(b, c);
    }
    if (c->event)
        put_event(b, c->event);
}

void change_encode(const struct change *c, struct buf *ret)
{
    put_head(ret, c);
    put_u64(ret, c->commit_no);
    put_body(ret, c);
    buf_add(ret, c->hash.b, sizeof(c->hash.b));
}

/* ---- chain ---- */

static struct digest hash_of(const struct change *c, const struct digest *previous)
{
    static const struct digest first = {{0}};
    struct buf b = {0};
    buf_reserve(&b, USUAL_BYTES); /* at once, not by growing */
    put_head(&b, c);
    put_body(&b, c);
    struct digest hash = digest_of(previous ? previous->b : first.b, DIGEST_BYTES, b.data, b.size);
    buf_done(&b);
    return hash;
}

void change_seal(struct change *c, const struct digest *previous)
{
    must(previous || c->seq == 1);
    c->hash = hash_of(c, previous);
}

bool change_check(const struct change *c, const struct digest *previous)
{
    struct digest hash = hash_of(c, previous);
    return digest_equal(&hash, &c->hash);
}

/* ---- decode ---- */

static struct actor rd_actor(struct rd *r)
{
    struct actor a = {.kind = (enum actor_kind)rd_u8_max(r, ACTOR_SESSION)};
    if (a.kind == ACTOR_KEY) {
        size_t size;
        const uint8_t *name = rd_bytes(r, &size);
        if (!name || size == 0 || size >= sizeof(a.key_name) || memchr(name, '\0', size))
            rd_fail(r);
        else
            memcpy(a.key_name, name, size);
    } else if (a.kind == ACTOR_SESSION) {
        a.session.u = rd_uuid(r);
    }
    return a;
}

/* Names into an array as long as the highest type; returns the bits of those that have one. */
static uint32_t rd_names(struct rd *r, struct arena *arena, struct change *c)
{
    uint32_t named = 0;
    uint64_t count = rd_varint_max(r, LIMIT_PRICE_TYPES);
    const char **names = arena_array(arena, LIMIT_PRICE_TYPES, sizeof(*names));
    for (; count > 0 && rd_ok(r); count--) {
        uint8_t type = rd_u8_max(r, LIMIT_PRICE_TYPES - 1);
        if (type < c->price_type_count)
            rd_fail(r); /* not in order, or twice */
        names[type] = rd_text(r, arena);
        c->price_type_count = type + 1u;
        named |= UINT32_C(1) << type;
    }
    c->price_type_names = names;
    return named;
}

static uint32_t rd_seat(struct rd *r, uint32_t before)
{
    int64_t seat;
    if (!__builtin_add_overflow(rd_svarint(r), (int64_t)before, &seat) && seat >= 0 && seat < NO_SEAT)
        return (uint32_t)seat;
    rd_fail(r);
    return 0;
}

static int64_t rd_started(struct rd *r, int64_t before)
{
    uint64_t v = rd_varint_max(r, INT64_MAX);
    if (v == 0)
        return before;
    if ((int64_t)(v - 1) == before)
        rd_fail(r); /* 0 says that */
    return (int64_t)(v - 1);
}

static void rd_seats(struct rd *r, struct arena *arena, struct change *c)
{
    uint32_t count = rd_count(r, SEAT_BYTES_MIN);
    struct seat_change *seats = arena_array(arena, count, sizeof(*seats));
    uint32_t seat_before = 0;
    int64_t started_before = 0;
    for (uint32_t i = 0; i < count && rd_ok(r); i++) {
        struct seat_change *s = &seats[i];
        s->seat = rd_seat(r, seat_before);
        uint8_t statuses = rd_flags(r, (SEAT_STATUSES - 1) | (SEAT_STATUSES - 1) << 4);
        s->before = statuses & 0x0f;
        s->after = statuses >> 4;
        s->price_type = (uint8_t)rd_varint_max(r, LIMIT_PRICE_TYPES - 1);
        s->price = rd_money(r);
        s->last_started_ms = rd_started(r, started_before);
        seat_before = s->seat;
        started_before = s->last_started_ms;
    }
    if (count == 0)
        rd_fail(r); /* there is no section without seats */
    c->seats = seats;
    c->seat_count = count;
}

static void rd_hold(struct rd *r, struct arena *arena, struct change *c)
{
    struct hold hold = rd_hold_part(r);
    hold.event_id = c->event_id;
    c->hold = arena_copy(arena, &hold, sizeof(hold));
}

static void rd_order(struct rd *r, struct arena *arena, struct change *c)
{
    struct order order = rd_order_part(r);
    order.event_id = c->event_id;
    c->order = arena_copy(arena, &order, sizeof(order));
}

/* All but version and event; the event's record is lent in *ret_event (NULL: none). */
static void rd_change(struct rd *r, struct arena *arena, struct change *c, const uint8_t **ret_event,
                      size_t *ret_size)
{
    const struct kind *kind = kind_of(rd_u8(r));
    c->kind = kind ? (enum change_kind)(kind - KINDS) : 0;
    c->event_id.u = rd_uuid(r);
    c->seq = rd_u64(r);
    c->commit_no = rd_u64(r);
    c->time_us = rd_i64(r);
    c->actor = rd_actor(r);
    uint8_t sections = rd_u8(r);
    if (!kind || c->seq == 0 || c->time_us < 0 || c->time_us > TIME_US_MAX || !sections_fit(kind, sections))
        rd_fail(r);
    if (sections & HOLD)
        rd_hold(r, arena, c);
    if (sections & ORDER)
        rd_order(r, arena, c);
    if (sections & SEATS) {
        uint32_t named = rd_names(r, arena, c);
        rd_seats(r, arena, c);
        if (rd_ok(r) && (named & ~types_used(c->seats, c->seat_count)))
            rd_fail(r); /* a name that no seat needs */
    }
    if (sections & EVENT)
        *ret_event = rd_bytes(r, ret_size);
    const uint8_t *hash = rd_raw(r, DIGEST_BYTES);
    if (hash)
        memcpy(c->hash.b, hash, DIGEST_BYTES);
}

enum change_kind change_kind_of(const void *data, size_t size)
{
    const uint8_t *head = data; /* version, kind */
    bool known = size >= 2 && head[0] == CHANGE_VERSION && kind_of(head[1]);
    return known ? (enum change_kind)head[1] : 0;
}

static int decode_event(const uint8_t *data, size_t size, struct change *c)
{
    struct event *event;
    int ret = event_decode(data, size, &event);
    if (ret)
        return ret;
    if (!uuid_equal(&event->event_id.u, &c->event_id.u)) {
        event_unref(event);
        return BOX_ECORRUPT;
    }
    c->event = event;
    return 0;
}

int change_decode(const void *data, size_t size, struct arena *arena, struct change **ret_change)
{
    struct rd r;
    const uint8_t *event = NULL;
    size_t event_size = 0;
    rd_init(&r, data, size);
    int ret = rd_version(&r, CHANGE_VERSION);
    if (ret)
        return ret;
    struct change *c = arena_alloc(arena, sizeof(*c));
    rd_change(&r, arena, c, &event, &event_size);
    if (!rd_end(&r))
        return BOX_ECORRUPT;
    /* The event comes last: it is a reference that no path below has to give back. */
    if (event)
        ret = decode_event(event, event_size, c);
    if (ret == 0)
        *ret_change = c;
    return ret;
}
