/*
 * A consumer of the change log of order_queue that reads straight from the cluster: ScyllaDB's own CDC log,
 * or the one of the same form that boxoffice fills on Apache Cassandra. `boxoffice cdc tail --store` is made
 * of it. Needs no server of boxoffice's, and nothing of the store but the log's tables.
 *
 *                     +-- no checkpoint, no generation yet: ask again
 *                     v
 *     BEGIN --> WINDOW <---+   rows of [at, to) of all streams, sorted, through cdc_checkouts, handed out
 *                 |        |
 *                 | at = end of the generation
 *                 +--------+   only now the next one is opened
 *
 * Everything of a window is read before anything of it is handed out, so that rows come in the order of their
 * time over all streams, and one place (generation, time) is the whole checkpoint: no stream is ahead of
 * another. A window never reaches nearer to now than the safety interval (cdc_window.h). What comes twice is
 * left out (cdc_checkouts.h); so that this holds over a restart, the time just before the checkpoint is read
 * again without handing it out.
 *
 * Each row is handed out exactly once while the consumer runs, and after a restart from the checkpoint from
 * the last consumer_save() on: what was handed out after it comes again, which is at-least-once as any log
 * is. What is written later than the safety interval after its own time is never seen. Sequence numbers do
 * not show that by themselves, because changes of a seat in no checkout have numbers, too.
 */
#ifndef STORE_CQL_CONSUMER_H
#define STORE_CQL_CONSUMER_H

#include "base/clock.h"
#include "store/cql/cdc_source.h"

/* What the tables of a cluster are called; a NULL is found out. Names may have a keyspace before a dot. */
struct consumer_tables {
    const char *log;         /* order_queue_scylla_cdc_log */
    const char *generations; /* ScyllaDB: system_distributed.cdc_generation_timestamps or
                                system.cdc_timestamps; Cassandra: cdc_generations */
    const char *streams;     /* ScyllaDB: system_distributed.cdc_streams_descriptions_v2 or
                                system.cdc_streams; Cassandra: cdc_streams */
    const char *expiries;    /* ScyllaDB: order_queue_expiries; Cassandra: none; "": none */
};

struct consumer_cluster {
    const char *url;                         /* cql://HOST[:PORT][,HOST[:PORT]]/KEYSPACE */
    const char *local_dc;                    /* or NULL */
    const char *user, *password;             /* or NULL */
    const char *tls_ca, *tls_cert, *tls_key; /* PEM files or NULL */
    struct consumer_tables tables;
};

enum { CONSUMER_REASON = 320 };
/*
 * Connect. Makes nothing in the cluster. @ret_reason: one line that says what is wrong. Returns 0,
 * BOX_EUNAVAILABLE, BOX_EUNAUTHORIZED, BOX_EINVALID (URL, a table that is not there), BOX_ENOSYS (built
 * without cluster support).
 */
int consumer_source_open(const struct consumer_cluster *cluster, struct cdc_source **ret_source,
                         char ret_reason[CONSUMER_REASON]);

struct consumer_options {
    const char *checkpoint; /* where to go on and to save; NULL: nowhere */
    bool from_start;        /* without a checkpoint: all that is in the log; else what comes from now on */
    int64_t safety_us;
    int64_t memory_us; /* how long a row may come again; also how much is read again after a start */
    size_t limit;      /* rows of a window, roughly; only a single moment can have more */
};

struct consumer;
/* @source is the consumer's and is closed with it; options and clock are borrowed. Reads nothing yet. */
struct consumer *consumer_new(struct cdc_source *source, const struct consumer_options *options,
                              const struct clock *clock);
void consumer_free(struct consumer *c);

struct consumer_row {
    struct cdc_row row; /* of an end in ScyllaDB's log seq is 0 and outcome OUTCOME_NONE: it does not have
                           them; started_ms 0, hold nil: nobody knows */
    struct cdc_stream stream;
};

struct consumer_batch {
    const struct consumer_row *rows; /* lent until the next step */
    size_t count;
    int64_t wait_ms; /* until the next step has something to do; 0: at once */
};
/*
 * Do one thing: read a window, or open a generation. Blocks while it reads. What may pass is tried again by a
 * later step (consumer_trouble() says what it is); wait_ms then grows from 100 ms to 30 s.
 * Returns 0 or a lasting fault (consumer_trouble()); then nothing was lost, and the consumer can be freed.
 */
int consumer_step(struct consumer *c, struct consumer_batch *ret_batch);
/* Why the last step got nothing, NULL when it is well. Lent until the next step. */
const char *consumer_trouble(const struct consumer *c);
/*
 * Keep in the cluster how far rows were handed out: call it when those of the last batch are safe. Nothing
 * to do without a name for it, or when nothing is new. Returns 0, BOX_EUNAVAILABLE, BOX_EIO.
 */
int consumer_save(struct consumer *c);
/* How far it has come: every row before this time was handed out. */
int64_t consumer_place_us(const struct consumer *c);
/* Rows left out because they had come before; rows that cannot be boxoffice's. */
void consumer_left_out(const struct consumer *c, uint64_t *ret_repeated, uint64_t *ret_strange);

#endif
