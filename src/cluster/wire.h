/*
 * What servers tell each other, as bytes. Not kept anywhere: servers of one cluster have to agree on the
 * version, and one that does not says so.
 *
 *   news      u8 version 1 | server id 16 | u64 position | i64 stable time us | u8 anew | record ...
 *   record    u8 kind | bytes of the kind
 *   HOME      1 | event id | varint epoch | varint seq     the server is home of the event
 *   RESIGNED  2 | event id | varint epoch                  it is not any more
 *   CHANGES   3 | event id | varint count | count x bytes  what it decided, in order (change.h)
 *   VENUE     4 | venue id                                 it has made a venue
 *   LEAVES    5 | server id                                it is about to stop: it takes nothing any more
 *
 * Position: ask for what is after it next time. Stable: every change that this server will ever make durable
 * and that does not stand before the position has a later time. Anew: the reader was too far behind, or has
 * asked another process: the records are the homes of the server, all of them.
 *
 * Epoch: counts how often an event has changed its home. Of two servers that both think that they are home
 * the one with the higher epoch is right; the store refuses the other's next commit (BOX_EFENCED).
 */
#ifndef CLUSTER_WIRE_H
#define CLUSTER_WIRE_H

#include "base/buf.h"
#include "change/change.h"
#include "domain/codec.h"
#include "domain/ids.h"

enum wire_kind { WIRE_HOME = 1, WIRE_RESIGNED = 2, WIRE_CHANGES = 3, WIRE_VENUE = 4, WIRE_LEAVES = 5 };

struct wire_news {
    struct uuid server_id;
    uint64_t position;
    int64_t stable_us;
    bool anew;
};

struct wire_record {
    enum wire_kind kind;
    struct uuid id; /* of the event, venue or server */
    uint64_t epoch, seq;
    uint32_t count; /* CHANGES: wire_next_change() */
    struct rd changes;
};

/* Append. */
void wire_put_news(struct buf *b, const struct wire_news *news);
void wire_put_home(struct buf *b, const struct event_id *id, uint64_t epoch, uint64_t seq);
void wire_put_resigned(struct buf *b, const struct event_id *id, uint64_t epoch);
void wire_put_changes(struct buf *b, const struct change *first);
void wire_put_venue(struct buf *b, const struct venue_id *id);
void wire_put_leaves(struct buf *b, const struct uuid *server);

/* Begin to read @size bytes. Returns 0, BOX_ENEWER or BOX_ECORRUPT. */
int wire_read_news(struct rd *r, const void *data, size_t size, struct wire_news *ret_news);
/* The next record. Returns 0, BOX_ENOTFOUND (the end) or BOX_ECORRUPT. */
int wire_next(struct rd *r, struct wire_record *ret_record);
/*
 * The next change of a record of CHANGES. Returns as change_decode(), or BOX_ENOTFOUND (the end). It is the
 * arena's, but for its event, which is a reference.
 */
int wire_next_change(struct wire_record *record, struct arena *arena, struct change **ret_change);

#endif
