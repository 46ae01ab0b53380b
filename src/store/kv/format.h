/* clang-format off */
/*
 * Keys and values of the tables on an ordered key-value backend: the format of the data folder, version 2.
 *
 * Integers of keys are big-endian, so that byte order is sort order. Values marked * are versioned by the
 * module that encodes them. A part in "quotes" is literal, name:n is n bytes.
 *
 *   table                       key                                value
 *   --------------------------- ---------------------------------- ----------------------------------------
 *   meta                        "format"                           u32 version
 *                               "secret/" name                     secret:32
 *                               "checked"                          u64 commit number up to which the log was
 *                                                                  found whole
 *   venues                      venue_id:16                        layout_encode *
 *   venue_sections              venue_id:16 section_id:16 type_id  svarint price unscaled | u8 scale |
 *                                                                  varint seats_count
 *   events                      event_id:16 1:1                    event_encode *; when the event changes
 *                               event_id:16 2:1                    state, below; with each of its groups
 *   tickets                     event_id:16 seat:4                 ticket_row_encode *
 *   order_queue                 event_id:16 seat:4 started_ms:8    order_queue_row_encode *
 *   orders                      order_id:16                        order_encode *
 *   holds                       hold_id:16                         hold_encode *
 *   changes                     commit_no:8, of the row's last     u32 count | count x bytes change_encode *
 *   changes_by_event            event_id:16 seq:8, of the last     u64 commit number of the last
 *   personal                    order_id:16 "n" | "e" | "p"        name, e-mail, payment reference: UTF-8
 *   order_index                 "c" code:8 order_id:16             (empty)
 *                               "t" ticket_id:16 order_id:16       (empty)
 *                               "e" hash:32 order_id:16            (empty)
 *   idempotency                 digest:32                          i64 expires_ms | request:32 |
 *                                                                  u16 http status | u64 change seq |
 *                                                                  u8 has location | location | body
 *
 *   state: u8 version 1 | u8 1 if deleted | u64 seq | i64 time_us | hash:32 | varint held | varint sold |
 *          varint blocked
 *
 * - An event's state stands apart from the event, because every group of holds rewrites it and an event with
 *   many prices is large. The row of a deleted event stays, marked: it fences its id.
 * - Order and hold ids begin with their event's tag and then count up: a range of either table is an event's,
 *   by age. So the index needs no entries by event.
 * - commit_no counts every change of the store: 1, 2, 3, ... without gaps. A row of the change log is an
 *   event's changes of one commit, see log_row.h. order_queue's CDC log is read out of it (change/rows.h).
 * - The e-mail hash is BLAKE2b of the address in ASCII lower case, keyed with the secret "email_index":
 *   whoever reads the folder without meta cannot try addresses. A changed address leaves its old entry:
 *   readers compare with the record.
 * - Each personal datum has a key of its own, so that to write one never needs to read the others.
 * - expires_ms stands first, where the compaction filter looks for it.
 */
/* clang-format on */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

#include "base/arena.h"
#include "base/hash.h"
#include "change/rows.h"
#include "domain/checkout.h"
#include "domain/layout.h"
#include "store/kv/kv.h"
#include "store/store.h"

enum {
    FORMAT_VERSION = 2,
    EVENT_TAG_BYTES = 6, /* of hold and order ids */
    ID_BYTES = 16,
    KEY_BYTES_MAX = 320,    /* venue_sections with a type_id of 64 four-byte characters */
    EVENT_PART_VERSION = 1, /* events: which row */
    EVENT_PART_STATE = 2,
};

struct key {
    size_t size;
    uint8_t b[KEY_BYTES_MAX];
};

/* Building keys, part by part. */
void key_begin(struct key *k);
void key_raw(struct key *k, const void *data, size_t size);
void key_u8(struct key *k, uint8_t v);
void key_u32(struct key *k, uint32_t v);
void key_u64(struct key *k, uint64_t v);
void key_id(struct key *k, const struct uuid *id);

/* Whole keys. */
void key_event(struct key *k, const struct event_id *id, uint8_t part);
void key_ticket(struct key *k, const struct event_id *id, uint32_t seat);
void key_order_queue(struct key *k, const struct event_id *id, uint32_t seat, int64_t started_ms);
void key_change(struct key *k, uint64_t last_commit_no);
void key_change_by_event(struct key *k, const struct event_id *id, uint64_t last_seq);
void key_personal(struct key *k, const struct order_id *id, char part);
/* Prefixes in order_index; the order id comes after them. */
void key_index_code(struct key *k, const char *code); /* ORDER_CODE_CHARS long */
void key_index_ticket(struct key *k, const struct ticket_id *ticket);
void key_index_email(struct key *k, const uint8_t secret[32], const char *email);

/* Big-endian integers at known places. */
uint32_t load_u32(const uint8_t *p);
uint64_t load_u64(const uint8_t *p);

/*
 * Can this program read a store of format @version? Returns 0, BOX_ENEWER or BOX_EOLDER; then *ret_reason
 * says what to do (static text).
 */
int format_check(uint64_t version, const char **ret_reason);

/* What the store itself keeps of an event. Available seats are not counted: they are the rest. */
struct event_state {
    bool deleted;
    uint64_t seq;
    int64_t time_us;
    struct digest hash;
    uint32_t held, sold, blocked;
};

/* Append; decoders return 0, BOX_ECORRUPT or BOX_ENEWER. */
void event_state_encode(const struct event_state *state, struct buf *ret);
int event_state_decode(const void *data, size_t size, struct event_state *ret_state);
void idem_encode(const struct idem_record *record, struct buf *ret);
/* All but key; location and body are the arena's. */
int idem_decode(const void *data, size_t size, struct arena *arena, struct idem_record *ret_record);
/* False when the bytes are too few to say (then they are not the store's). */
bool idem_expires_ms(const void *data, size_t size, int64_t *ret_ms);
void venue_section_encode(const struct layout_place *place, struct buf *ret);

#endif
