/*
 * RocksDB's options.
 *
 * Recovery of the write-ahead log: kTolerateCorruptedTailRecords. Every write is synced before the next one
 * begins and before it is answered, so a power loss can only leave the last record of the log incomplete, and
 * that one was never answered: it is dropped. A record that is there but does not match its checksum may be
 * damage to something that was answered: the open fails, and torn_tail.c finds out whether that record was
 * the last one too (a power loss can leave holes in it); only then the log is opened up to it, with
 * kPointInTimeRecovery. That mode is RocksDB's own choice, but by itself it ends at damage anywhere in
 * silence and so forgets sales that were answered. kAbsoluteConsistency refuses a torn tail too, that is,
 * every start after a power loss in the wrong microsecond; kSkipAnyCorruptedRecords goes on behind a hole.
 * What none of them sees, a log file cut short while a later file survived, shows as a gap in the commit
 * numbers, which kv_store.c looks for. (RocksDB's own check for it, track_and_verify_wals_in_manifest, gives
 * false alarms in this version.)
 *
 * After a failed sync nobody knows what is on disk. Recovery writes what it read from the log into tables and
 * syncs those (avoid_flush_during_recovery is left off), so that after a reopen what is readable is durable
 * too.
 *
 * Log files are not recycled (recycle_log_file_num): to write over a file whose size stays would spare the
 * file system's journal at each sync. But behind the newest record there would be old ones, so that the end
 * of the log looks like damage: RocksDB turns it off under every mode but kSkipAnyCorruptedRecords.
 *
 * RocksDB's own log (LOG) stays empty. Debian builds the library with its assertions on, and to log a line
 * after one could not be written is one of them: on a full disk, a line about the full disk would end the
 * process. What goes wrong reaches us as the error of a call anyway.
 *
 * No recovery by RocksDB's own thread (max_bgerror_resume_count 0): after an error the database is closed and
 * opened.
 *
 * No atomic_flush: with assertions on, its way back from a table that could not be written ends the process
 * (families that had nothing to write). It is not needed: every write goes through the one log, closed logs
 * are synced before a table is written from them, and a start replays the log for each family from where its
 * tables end.
 */
#include "store/rocksdb/options.h"
#include "base/clock.h"
#include "base/must.h"
#include "store/kv/format.h"
#include <stdio.h>

enum {
    TOLERATE_TORN_TAIL = 0, /* kTolerateCorruptedTailRecords */
    CUT_AT_DAMAGE = 2,      /* kPointInTimeRecovery */
    INFO_LOG_FATAL = 4,
    POINT_BLOCK_BYTES = 4096,
    SCAN_BLOCK_BYTES = 16384,
    BLOOM_BITS = 10,
    BACKGROUND_JOBS = 2,
    OPEN_FILES = 256,
};

static const size_t DEFAULT_CACHE = 64u << 20, DEFAULT_WRITE_BUFFER = 128u << 20;

/* Kept an hour longer than it is valid, so that a clock that was set back finds what it still wants. */
static const int64_t EXPIRY_GRACE_MS = 3600 * 1000;

/* For options that have no setter in the C interface. Takes @o over. */
static rocksdb_options_t *with_text(rocksdb_options_t *o, const char *text)
{
    char *error = NULL;
    rocksdb_options_t *with = rocksdb_options_create();
    rocksdb_get_options_from_string(o, text, with, &error);
    must(!error);
    rocksdb_options_destroy(o);
    return with;
}

/* ---- idempotency records are dropped when a compaction meets them after their time ---- */

static unsigned char expired(void *state, int level, const char *key, size_t key_size, const char *value,
                             size_t size, char **new_value, size_t *new_size, unsigned char *changed)
{
    (void)state, (void)level, (void)key, (void)key_size, (void)new_value, (void)new_size, (void)changed;
    struct clock clock;
    int64_t expires_ms;
    clock_init_system(&clock);
    return idem_expires_ms(value, size, &expires_ms) &&
           expires_ms + EXPIRY_GRACE_MS < clock_wall_us(&clock) / 1000;
}

static const char *expiry_name(void *state)
{
    (void)state;
    return "boxoffice.idempotency";
}

static void nothing_to_free(void *state)
{
    (void)state;
}

/* ---- families ---- */

/*
 * How many bytes of a key say where in a memtable it belongs, roughly; 0 where keys only ever go up.
 *
 * A memtable is a skip list, and to find a key's place in it is most of what a write costs. RocksDB begins at
 * the last insertion's place, which is right for a log; what belongs elsewhere it looks for from the top.
 * With a prefix it remembers the last place for each prefix, and climbs from there only as far as it must.
 * That pays where keys with one prefix are few: to climb far is dearer than to begin at the top. So seats go
 * by 256, and holds and orders by 64 seqs of their event: new ones at the one end, those whose time has come
 * at the other. A prefix costs some 300 bytes of the memtable.
 */
static unsigned hint_bytes(enum table t)
{
    enum { SEAT_256 = ID_BYTES + 3, SEQ_64 = 11 /* see domain/ids.h */ };
    switch (t) {
    case TABLE_TICKETS:
    case TABLE_ORDER_QUEUE:
        return SEAT_256;
    case TABLE_HOLDS:
    case TABLE_ORDERS:
        return SEQ_64;
    case TABLE_EVENTS:
    case TABLE_CHANGES_BY_EVENT:
        return ID_BYTES; /* the state anew, or the next seq */
    default:
        return 0;
    }
}

static rocksdb_options_t *with_hint(rocksdb_options_t *o, unsigned bytes)
{
    char text[80];
    if (bytes == 0)
        return o;
    snprintf(text, sizeof(text), "memtable_insert_with_hint_prefix_extractor=fixed:%u", bytes);
    return with_text(o, text);
}

/* Read by key: a filter says "not there" without touching the disk. */
static bool by_key(enum table t)
{
    switch (t) {
    case TABLE_VENUES:
    case TABLE_EVENTS:
    case TABLE_ORDERS:
    case TABLE_HOLDS:
    case TABLE_PERSONAL:
    case TABLE_IDEMPOTENCY:
        return true;
    default:
        return false;
    }
}

static rocksdb_options_t *family_options(const struct rocksdb_setup *setup, bool point, size_t write_buffer)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(table, setup->cache);
    rocksdb_block_based_options_set_format_version(table, 5);
    rocksdb_block_based_options_set_block_size(table, point ? POINT_BLOCK_BYTES : SCAN_BLOCK_BYTES);
    /* Filters and indexes count against the cache, so memory has one bound; those of the newest files stay.
     */
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    if (point)
        rocksdb_block_based_options_set_filter_policy(table,
                                                      rocksdb_filterpolicy_create_bloom_full(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(o, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_compression(o, rocksdb_lz4_compression);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
    rocksdb_options_set_write_buffer_size(o, write_buffer); /* the common bound below comes first */
    rocksdb_options_set_max_write_buffer_number(o, 4);
    return o;
}

static void init_families(struct rocksdb_setup *setup, size_t write_buffer)
{
    for (enum table t = 0; t < TABLES; t++) {
        setup->names[t] = table_name(t);
        setup->families[t] = with_hint(family_options(setup, by_key(t), write_buffer), hint_bytes(t));
    }
    setup->names[FAMILY_DEFAULT] = "default";
    setup->families[FAMILY_DEFAULT] = family_options(setup, false, write_buffer);

    /* Looked up by the writer for every command with a key, nearly always in vain: let memory say no as well.
     */
    rocksdb_options_t *idem = setup->families[TABLE_IDEMPOTENCY];
    setup->expiry = rocksdb_compactionfilter_create(NULL, nothing_to_free, expired, expiry_name);
    rocksdb_options_set_compaction_filter(idem, setup->expiry);
    rocksdb_options_set_memtable_whole_key_filtering(idem, 1);
    rocksdb_options_set_memtable_prefix_bloom_size_ratio(idem, 0.02);
}

static rocksdb_options_t *db_options(size_t write_buffer)
{
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_options_set_create_missing_column_families(o, 1);
    rocksdb_options_set_wal_recovery_mode(o, TOLERATE_TORN_TAIL);
    rocksdb_options_set_allow_concurrent_memtable_write(o, 0); /* one writer: the simpler insert is faster */
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_db_write_buffer_size(o, write_buffer);
    /* Bounds how long a start replays. */
    rocksdb_options_set_max_total_wal_size(o, 2 * (uint64_t)write_buffer);
    rocksdb_options_set_max_background_jobs(o, BACKGROUND_JOBS);
    rocksdb_options_set_max_open_files(o, OPEN_FILES);
    rocksdb_options_set_max_file_opening_threads(
        o, 1); /* else sixteen are started for each family at each open */
    /* Tables go to disk bit by bit, not in the way of a commit. */
    rocksdb_options_set_bytes_per_sync(o, 1u << 20);
    rocksdb_options_set_info_log_level(o, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(o, 2);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_stats_persist_period_sec(o, 0);
    return with_text(o, "max_bgerror_resume_count=0");
}

void rocksdb_setup_init(struct rocksdb_setup *setup, const struct store_rocksdb_options *options)
{
    size_t cache = options->block_cache_bytes ? options->block_cache_bytes : DEFAULT_CACHE;
    size_t write_buffer = options->write_buffer_bytes ? options->write_buffer_bytes : DEFAULT_WRITE_BUFFER;
    *setup = (struct rocksdb_setup){.cache = rocksdb_cache_create_lru(cache)};
    setup->db = db_options(write_buffer);
    init_families(setup, write_buffer);
    setup->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(setup->synced, 1);
    setup->newest = rocksdb_readoptions_create();
}

void rocksdb_setup_cut_tail(struct rocksdb_setup *setup, bool cut)
{
    rocksdb_options_set_wal_recovery_mode(setup->db, cut ? CUT_AT_DAMAGE : TOLERATE_TORN_TAIL);
}

void rocksdb_setup_done(struct rocksdb_setup *setup)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        rocksdb_options_destroy(setup->families[i]);
    rocksdb_options_destroy(setup->db);
    rocksdb_writeoptions_destroy(setup->synced);
    rocksdb_readoptions_destroy(setup->newest);
    rocksdb_compactionfilter_destroy(setup->expiry);
    rocksdb_cache_destroy(setup->cache);
}
