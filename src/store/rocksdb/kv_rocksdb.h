/* The key-value backend on RocksDB. */
#ifndef STORE_KV_ROCKSDB_H
#define STORE_KV_ROCKSDB_H

#include "store/kv/kv.h"
#include "store/rocksdb/errors.h"
#include "store/rocksdb/store_rocksdb.h"

/* Open or make the folder's database. Returns 0, BOX_ELOCKED, BOX_ENEWER, BOX_ECORRUPT, BOX_EIO with a
 * reason. */
int kv_rocksdb_open(const struct store_rocksdb_options *options, struct kv **ret_kv,
                    char ret_reason[REASON_BYTES]);

#endif
