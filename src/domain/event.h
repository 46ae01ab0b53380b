/*
 * Event: what is on, when it is sold, at what prices. A version is immutable and counted by references
 * (atomic, any thread); an edit makes a new version. What changes with each sale (seats, counts) is the
 * inventory's.
 */
#ifndef DOMAIN_EVENT_H
#define DOMAIN_EVENT_H

#include "base/buf.h"
#include "domain/ids.h"
#include "domain/layout.h"
#include "money/money.h"
#include <stdbool.h>
#include <stdint.h>

enum event_status { EVENT_SCHEDULED = 0, EVENT_PAUSED = 1, EVENT_CANCELLED = 2 };

enum { PRICE_NONE = -1, PRICE_STANDARD = 0 };

/* Where a draft says nothing. */
enum { EVENT_HOLD_SECONDS_DEFAULT = 900, EVENT_MAX_TICKETS_DEFAULT = 8 };

struct event {
    struct event_id event_id;
    struct venue_id venue_id;
    const char *name, *slug, *event_type; /* event_type "" when none was given */
    int64_t date_ms;
    struct currency currency;
    uint32_t hold_seconds;
    uint32_t max_tickets_per_session;
    int64_t on_sale_ms, off_sale_ms; /* 0: open */
    bool published, ever_published, deleted;
    enum event_status status;
    int64_t created_ms;
    uint32_t layout_rev;
    /* Prices: price_types[0] is "standard"; names are only ever added, so an index keeps its meaning.
       prices[place * price_type_count + type] in minor units, or PRICE_NONE. */
    const char **price_types;
    uint32_t price_type_count;
    uint32_t place_count;
    int64_t *prices;
};

/* What may be given at creation and changed later. A bit of @set says which members are meant. */
enum event_field {
    EVENT_NAME = 1,
    EVENT_TYPE = 2,
    EVENT_DATE = 4,
    EVENT_ON_SALE = 8,
    EVENT_OFF_SALE = 16,
    EVENT_HOLD_SECONDS = 32,
    EVENT_MAX_TICKETS = 64,
};

struct event_edit {
    uint32_t set;
    const char *name, *event_type;
    int64_t date_ms, on_sale_ms, off_sale_ms;
    uint32_t hold_seconds, max_tickets_per_session;
};

struct price_entry {
    uint32_t place;
    const char *price_type;
    struct money price;
};

/* What POST /v1/events gives. Text is copied. */
struct event_draft {
    struct event_id event_id;
    const char *slug;
    struct currency currency;
    struct event_edit fields; /* name and date must be set */
    bool published;
    const struct price_entry *prices;
    size_t price_count;
    int64_t created_ms;
};

/*
 * Make the first version from a draft and the venue's layout: the draft's prices, and the venue's as the
 * standard price of each place for which the draft gives none. Of several prices for one place and type the
 * last counts. Returns 0; BOX_ERANGE when a venue price that is needed has more decimals than the currency
 * (*ret_place says which); BOX_EINVALID when there would be more than LIMIT_PRICE_TYPES names. The caller
 * owns one reference.
 */
int event_new(const struct event_draft *draft, const struct layout *layout, uint32_t *ret_place,
              struct event **ret_event);
/* New versions, each with one reference of the caller's. */
struct event *event_edited(const struct event *e, const struct event_edit *edit);
/* Returns 0 or BOX_EINVALID (too many names). */
int event_repriced(const struct event *e, const struct price_entry *prices, size_t count,
                   struct event **ret_event);
struct event *event_with_state(const struct event *e, bool published, enum event_status status, bool deleted);

/* One reference more, one less (NULL is allowed there); the last frees it. Thread: any. */
struct event *event_ref(const struct event *e);
void event_unref(const struct event *e);

/* Index of a price type by name. */
bool event_find_price_type(const struct event *e, const char *name, uint32_t *ret_type);
/* Price of a place, or PRICE_NONE. */
int64_t event_price(const struct event *e, uint32_t place, uint32_t price_type);
/* True if holds may begin at @now_ms: published, scheduled, inside the window [on_sale, off_sale). */
bool event_on_sale(const struct event *e, int64_t now_ms);
/*
 * "scheduled", "paused", "cancelled". (`current` of an event-state problem may also be "published" or
 * "unpublished".)
 */
const char *event_status_name(enum event_status s);

/* Versioned binary form. event_decode returns 0, BOX_ECORRUPT or BOX_ENEWER. */
void event_encode(const struct event *e, struct buf *ret);
int event_decode(const void *data, size_t size, struct event **ret_event);

/* [a-z0-9][a-z0-9-]{0,99} */
bool slug_valid(const char *slug);

#endif
