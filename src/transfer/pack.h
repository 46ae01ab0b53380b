/*
 * Pack: the file in which an event travels from one store to another.
 *
 *   "boxoffice event\n" | u32 version (1)
 *   block, again and again:  u8 kind | u32 size | size bytes | digest, 32 bytes
 *   the last block is PACK_END, without bytes; nothing follows it
 *
 * digest = BLAKE2b-256(the block before's digest | kind, size, bytes); before the first block stands that of
 * the 20 bytes at the start. So a block vouches for all before it: one that was altered, left out, moved or
 * put in from another file is found where it stands, and a file without PACK_END was cut. It is a check
 * against damage, no signature: who can write the file can write the digests.
 *
 *   HEAD      1   one, the first: event id 16 | venue id 16 | u64 changes | hash of the newest 32 |
 *                 i64 exported ms | text slug | text name | text version of the program
 *   LAYOUT    2   one, then: layout_encode()
 *   CHANGES   3   again and again, in the order of their seq: bytes (varint size, change_encode()), several
 *   PERSONAL  4   one after each CHANGES, for the orders that it begins: order id 16 | u8 bits 1 name, 2
 * e-mail, 4 payment reference | a text for each bit, in this order; several or none END       5
 *
 * Integers big-endian, text and varint as in base/bytes.h.
 *
 * Thread: one at a time.
 */
#ifndef TRANSFER_PACK_H
#define TRANSFER_PACK_H

#include "base/buf.h"
#include "base/hash.h"
#include <stdio.h>

enum pack_kind { PACK_HEAD = 1, PACK_LAYOUT = 2, PACK_CHANGES = 3, PACK_PERSONAL = 4, PACK_END = 5 };

struct pack_writer {
    FILE *file;       /* the caller's */
    struct buf block; /* the one that is being made */
    struct digest digest;
    int error; /* the first that was met: nothing is written after it */
};

/* Begin a file. Errors are kept: pack_write_end() tells. */
void pack_write_begin(struct pack_writer *w, FILE *file);
/* Begin a block: its bytes are appended to the buffer that is returned, until pack_block_end(). */
struct buf *pack_block(struct pack_writer *w, enum pack_kind kind);
/* Write the block that was begun; it must not be larger than LIMIT_EXPORT_BLOCK_BYTES. */
void pack_block_end(struct pack_writer *w);
/* Write PACK_END and free the buffer. The file is flushed, not synced. Returns 0 or BOX_EIO (errno says
 * why, unless the file was closed in between). */
int pack_write_end(struct pack_writer *w);

struct pack_reader {
    FILE *file;       /* the caller's */
    struct buf block; /* kind, size, bytes */
    struct digest digest;
    long offset; /* where the newest block begins */
    bool ended;  /* PACK_END was read, and nothing follows it */
};

/*
 * Begin to read at the file's start. Returns 0; BOX_ESYNTAX (no such file), BOX_ENEWER (a later version's),
 * BOX_EIO. pack_read_done() in any case.
 */
int pack_read_begin(struct pack_reader *r, FILE *file);
/*
 * The next block: its kind and bytes, lent until the next call. PACK_END is given once, and only if nothing
 * follows it. Returns 0; BOX_ECORRUPT (damaged or cut: at r->offset), BOX_EIO. Not after an error or the end.
 */
int pack_next(struct pack_reader *r, enum pack_kind *ret_kind, const void **ret_bytes, size_t *ret_size);
/* Free the memory; the file stays open. */
void pack_read_done(struct pack_reader *r);

#endif
