/*
 * The last record of a log need not be cut off cleanly by a power loss: the file system may have made the
 * file longer before all of the record's pages were on disk, and those then read as zeros or as what was
 * there before. RocksDB cannot tell that from damage to an old record. We can: each write is synced before
 * the next one begins, so that when a record is incomplete, no record after it can ever have been begun. So
 * the log is read as RocksDB reads it; where the first bad record begins, every later byte is tried as the
 * beginning of a record. If one is found, the bad one was once whole, and something that was answered is
 * damaged.
 *
 * The format (db/log_format.h of RocksDB): blocks of 32 KiB, in them fragments: crc32c of type and data,
 * masked, 4 bytes | length, 2 | type, 1 | data; little-endian. A record is one FULL fragment, or FIRST, any
 * MIDDLE, LAST, each in a block of its own. The end of a block that has no room for a fragment's head is
 * zeros.
 */
#include "store/rocksdb/torn_tail.h"
#include "base/must.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    BLOCK = 32768,
    HEAD = 7,
    FULL = 1,
    FIRST = 2,
    MIDDLE = 3,
    LAST = 4,
    BATCH_HEAD = 12, /* a write batch is never shorter */
};

/* ---- checksums ---- */

static uint32_t crc32c(const uint8_t *data, size_t size)
{
    static const uint32_t polynomial = 0x82f63b78; /* Castagnoli, reflected */
    static _Thread_local uint32_t table[256];
    for (uint32_t i = 0; !table[255] && i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = v & 1 ? v >> 1 ^ polynomial : v >> 1;
        table[i] = v;
    }
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++)
        crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}

/* As it is stored: so that checksums of data that has checksums in it stay good. */
static uint32_t masked(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

static uint32_t load_le(const uint8_t *p, unsigned bytes)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint32_t)p[i] << (8 * i);
    return v;
}

/* ---- one file ---- */

struct log_file {
    const uint8_t *data;
    size_t size;
};

/* Returns the type of the whole, good fragment at @at, and where it ends; 0 if there is none. */
static uint8_t good_fragment(const struct log_file *f, size_t at, size_t *ret_end)
{
    size_t block_end = (at / BLOCK + 1) * BLOCK;
    if (at + HEAD > f->size || at + HEAD > block_end)
        return 0;
    const uint8_t *head = f->data + at;
    size_t size = load_le(head + 4, 2), end = at + HEAD + size;
    uint8_t type = head[6];
    if (type < FULL || type > LAST || end > f->size || end > block_end)
        return 0;
    if (load_le(head, 4) != masked(crc32c(head + 6, size + 1)))
        return 0;
    *ret_end = end;
    return type;
}

/* Skip the end of a block that has no room for a head. */
static size_t next_fragment(size_t at)
{
    size_t left = BLOCK - at % BLOCK;
    return left < HEAD ? at + left : at;
}

/* Where the first record that is not whole and good begins; the file's size when all are. */
static size_t first_bad(const struct log_file *f)
{
    size_t record = 0, at = 0;
    bool inside = false;
    while (at < f->size) {
        uint8_t type = good_fragment(f, at, &at);
        bool fits = inside ? type == MIDDLE || type == LAST : type == FULL || type == FIRST;
        if (!fits)
            return record;
        inside = type == FIRST || type == MIDDLE;
        at = next_fragment(at);
        if (!inside)
            record = at;
    }
    return inside ? record : f->size;
}

/* True if some record begins behind @at. What begins a record is long enough for a batch. */
static bool record_begins_after(const struct log_file *f, size_t at)
{
    for (at++; at + HEAD + BATCH_HEAD <= f->size; at++) {
        uint8_t type = f->data[at + 6];
        size_t end;
        if ((type == FULL || type == FIRST) && load_le(f->data + at + 4, 2) >= BATCH_HEAD &&
            good_fragment(f, at, &end))
            return true;
    }
    return false;
}

enum verdict { WHOLE, EMPTY, TORN, DAMAGED };

static enum verdict judge(const struct log_file *f)
{
    size_t bad = first_bad(f);
    if (f->size == 0)
        return EMPTY;
    if (bad >= f->size)
        return WHOLE;
    return record_begins_after(f, bad) ? DAMAGED : TORN;
}

static enum verdict judge_file(const char *folder, unsigned long number)
{
    char path[4096];
    struct stat st;
    enum verdict verdict = DAMAGED;
    if (snprintf(path, sizeof(path), "%s/%06lu.log", folder, number) >= (int)sizeof(path))
        return DAMAGED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return DAMAGED;
    if (fstat(fd, &st) == 0 && st.st_size == 0)
        verdict = EMPTY;
    else if (st.st_size > 0) {
        struct log_file f = {.size = (size_t)st.st_size};
        void *data = mmap(NULL, f.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            f.data = data;
            verdict = judge(&f);
            munmap(data, f.size);
        }
    }
    close(fd);
    return verdict;
}

/* ---- all files ---- */

struct numbers {
    unsigned long items[64]; /* a store has two or three logs */
    size_t count;
};

static bool collect_logs(const char *folder, struct numbers *ret)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return false;
    bool all = true;
    for (const struct dirent *d; (d = readdir(dir));) {
        char *end;
        unsigned long number = strtoul(d->d_name, &end, 10);
        if (end == d->d_name || strcmp(end, ".log") != 0)
            continue;
        if (ret->count < sizeof(ret->items) / sizeof(*ret->items))
            ret->items[ret->count++] = number;
        else
            all = false;
    }
    closedir(dir);
    return all;
}

static int newest_first(const void *a, const void *b)
{
    unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

bool rocksdb_tail_is_torn(const char *folder)
{
    struct numbers logs = {.count = 0};
    enum verdict verdict = EMPTY;
    size_t i = 0;
    must(folder);
    if (!collect_logs(folder, &logs))
        return false;
    qsort(logs.items, logs.count, sizeof(*logs.items), newest_first);
    for (; verdict == EMPTY && i < logs.count; i++)
        verdict = judge_file(folder, logs.items[i]);
    if (verdict != TORN)
        return false;
    for (verdict = WHOLE; i < logs.count && (verdict == WHOLE || verdict == EMPTY); i++)
        verdict = judge_file(folder, logs.items[i]);
    return verdict == WHOLE || verdict == EMPTY;
}
