/*
 * Server-Sent Events as they come off the socket: the head of the answer, chunks if it is chunked, lines.
 * Lines end with
 * "\n" and a message with an empty line; `data` of several lines is not joined (nobody here sends it).
 *
 * Thread: one at a time.
 */
#ifndef LOAD_SSE_H
#define LOAD_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of one answer with a stream of events, as they come. Begins as zeros. */
struct sse {
    char *data; /* decoded bytes of a message that is not complete, terminated by 0 */
    size_t size, room;
    bool in_body, chunked;
    int phase; /* of the chunk */
    size_t chunk_left;
};

struct sse_message {
    uint64_t id;
    char event[16];   /* empty where it has none: a comment, or the id alone */
    const char *data; /* terminated by 0, lent until the call ends */
    int64_t retry_ms; /* -1: not given */
};

/* Forget everything (another connection begins). */
void sse_reset(struct sse *s);
/* Free the memory. */
void sse_done(struct sse *s);
/*
 * Take @size bytes; message() is called for each message that is complete. Returns false when the answer is
 * not 200; its beginning is in s->data then.
 */
bool sse_feed(struct sse *s, const char *bytes, size_t size,
              void (*message)(void *ctx, const struct sse_message *m), void *ctx);

#endif
