/* The data folder: is there one, and is it ours? Looked at before RocksDB writes anything into it. */
#ifndef STORE_ROCKSDB_FOLDER_H
#define STORE_ROCKSDB_FOLDER_H

#include "store/rocksdb/errors.h"
#include "store/rocksdb/options.h"

/*
 * Make the folder when it is absent and its parent is there; refuse one that has something else in it.
 * Returns 0, BOX_ENEWER, BOX_ECORRUPT or BOX_EIO.
 */
int rocksdb_folder_prepare(const struct rocksdb_setup *setup, const char *path,
                           char ret_reason[REASON_BYTES]);

/*
 * Make sure that the folder can be written and has a little room, before RocksDB leaves half of a start in
 * it. Returns 0 or BOX_EIO.
 */
int rocksdb_folder_probe(const char *path, char ret_reason[REASON_BYTES]);

#endif
