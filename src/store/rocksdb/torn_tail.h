/* Is the damage in the write-ahead log a torn tail: a last record that a power loss left incomplete? */
#ifndef STORE_ROCKSDB_TORN_TAIL_H
#define STORE_ROCKSDB_TORN_TAIL_H

#include <stdbool.h>

/*
 * Look at the log files of a folder whose open failed (nobody has it open). Returns true when all damage is
 * in the newest file that has anything, and no record begins after it. False also when there is no damage or
 * the files cannot be read.
 */
bool rocksdb_tail_is_torn(const char *folder);

#endif
