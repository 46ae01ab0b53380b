/* How RocksDB is set up: one place for every option, with the reason. */
#ifndef STORE_ROCKSDB_OPTIONS_H
#define STORE_ROCKSDB_OPTIONS_H

#include "store/kv/kv.h"
#include "store/rocksdb/store_rocksdb.h"
#include <rocksdb/c.h>

/* The column families: "default", which RocksDB insists on and nothing uses, then one for each table. */
enum { FAMILIES = TABLES + 1, FAMILY_DEFAULT = TABLES };

struct rocksdb_setup {
    rocksdb_options_t *db;
    rocksdb_options_t *families[FAMILIES];
    const char *names[FAMILIES];
    rocksdb_cache_t *cache;
    rocksdb_compactionfilter_t *expiry;
    rocksdb_writeoptions_t *synced;
    rocksdb_readoptions_t *newest; /* point reads without a snapshot */
};

/* Make everything from @options; setup_done frees it. */
void rocksdb_setup_init(struct rocksdb_setup *setup, const struct store_rocksdb_options *options);
/* Open at the last whole record of the log (or not): only after torn_tail.h has said that nothing follows it.
 */
void rocksdb_setup_cut_tail(struct rocksdb_setup *setup, bool cut);
/* After the last database that used it was closed. */
void rocksdb_setup_done(struct rocksdb_setup *setup);

#endif
