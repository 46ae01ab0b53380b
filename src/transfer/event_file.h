/*
 * What the blocks of a pack (pack.h) say of an event, written and read.
 *
 * Reading checks all that can be checked of a part by itself: every record decodes, changes are of this event
 * and numbered one after another, personal data are of the orders that begin beside them. Whether the changes
 * follow from each other is a replay's affair (verify/replay.h).
 */
#ifndef TRANSFER_EVENT_FILE_H
#define TRANSFER_EVENT_FILE_H

#include "change/change.h"
#include "domain/layout.h"
#include "store/store.h"
#include "transfer/pack.h"

/* Changes of one block; a group of an import never spans two. */
enum { BLOCK_CHANGES = 256 };

struct event_head {
    struct event_id event_id;
    struct venue_id venue_id;
    uint64_t changes;   /* how many: the seq of the newest */
    struct digest hash; /* of the newest */
    int64_t exported_ms;
    const char *slug, *name;
    const char *version; /* of the program that wrote the file */
};

/* ---- writing: in this order; layout once, changes and personal again and again, both each time ---- */

/* The first block. */
void event_file_put_head(struct pack_writer *w, const struct event_head *head);
/* The venue. */
void event_file_put_layout(struct pack_writer *w, const struct layout *layout);
/* At most BLOCK_CHANGES, in order. */
void event_file_put_changes(struct pack_writer *w, struct change *const *changes, uint32_t count);
/* Of the orders that these changes created, in their order; those of whom nothing is known may be left out.
 */
void event_file_put_personal(struct pack_writer *w, const struct personal_record *records, size_t count);

/* ---- reading ---- */

struct event_file {
    struct pack_reader pack;
    struct arena arena; /* head */
    struct event_head head;
    struct layout *layout;
    uint64_t seq;       /* of the newest change that was read */
    const char *reason; /* after BOX_ECORRUPT: what is wrong with the block at pack.offset */
};

/* One block of changes and what belongs to it: the arena's, but the changes' events. */
struct event_part {
    struct change **changes;
    uint32_t count; /* 0: the file has ended, with all changes that its head says */
    struct personal_record *personals;
    size_t personal_count;
};

/*
 * Begin to read at the file's start: its head and layout. event_file_close() in any case.
 * Returns 0; BOX_ESYNTAX (no such file), BOX_ENEWER, BOX_ECORRUPT, BOX_EIO.
 */
int event_file_open(struct event_file *f, FILE *file);
/* The next part. Returns 0, BOX_ECORRUPT, BOX_ENEWER, BOX_EIO; @ret_part is empty then. */
int event_file_next(struct event_file *f, struct arena *arena, struct event_part *ret_part);
/* Drop the events of a part's changes; its memory is the arena's. */
void event_part_done(struct event_part *part);
/* Free everything; the FILE stays open. */
void event_file_close(struct event_file *f);

#endif
