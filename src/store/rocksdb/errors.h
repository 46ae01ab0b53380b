/* What RocksDB says, as a code and one line that tells what to do. The only place that knows its texts. */
#ifndef STORE_ROCKSDB_ERRORS_H
#define STORE_ROCKSDB_ERRORS_H

#include <stddef.h>

enum { REASON_BYTES = 512 };

enum attempt {
    ATTEMPT_OPEN,
    ATTEMPT_READ,
    ATTEMPT_WRITE,
};

/*
 * Translate and free() @error, which is not NULL. @folder is named in the reason.
 * Returns BOX_ELOCKED, BOX_ECORRUPT or BOX_EIO.
 */
int rocksdb_error(enum attempt attempt, const char *folder, char *error, char ret_reason[REASON_BYTES]);

/* A reason made from errno. Returns BOX_EIO. */
int rocksdb_errno(const char *folder, int error, char ret_reason[REASON_BYTES]);

#endif
