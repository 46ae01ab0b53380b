/*
 * The embedded store, on RocksDB: a column family per table of the data model, one WriteBatch and one sync
 * per commit.
 */
#ifndef STORE_ROCKSDB_H
#define STORE_ROCKSDB_H

#include "store/store.h"

struct store_rocksdb_options {
    const char *path;          /* the data folder; an absent one is made (mode 0700) when its parent exists */
    size_t block_cache_bytes;  /* 0: 64 MiB */
    size_t write_buffer_bytes; /* of all column families together; 0: 128 MiB */
};

/*
 * Open or make a store. *ret_reason (static or thread-local text) says in one line what to do when it fails.
 * Returns 0; BOX_ELOCKED (another process has it open); BOX_ENEWER or BOX_EOLDER (made by another version);
 * BOX_ECORRUPT (damaged: anything but a torn tail of the log); BOX_EIO (no such parent, not writable, disk
 * full).
 */
int store_rocksdb_open(const struct store_rocksdb_options *options, struct store **ret_store,
                       const char **ret_reason);

#endif
