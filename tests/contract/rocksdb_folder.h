/* A folder for a test of the embedded store: made, opened, removed. */
#ifndef CONTRACT_ROCKSDB_FOLDER_H
#define CONTRACT_ROCKSDB_FOLDER_H

#include "contract/world.h"
#include "store/rocksdb/store_rocksdb.h"
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

/* RocksDB is not built with ThreadSanitizer, which therefore does not see what its threads do in order. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:librocksdb.so\ncalled_from_lib:libstdc++.so\nrace:librocksdb.so\nmutex:"
           "librocksdb.so\n";
}

static char folder[512]; /* of the running test */
static size_t write_buffer_bytes;

static inline void name_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    static char base[400];
    snprintf(base, sizeof(base), "%s/boxoffice-store-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(base));
    snprintf(folder, sizeof(folder), "%s/data", base);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

static inline void remove_folder(void)
{
    char base[512];
    snprintf(base, sizeof(base), "%s", folder);
    *strrchr(base, '/') = '\0';
    assert_int_equal(nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline int try_open(const char *path, struct store **ret_store, const char **ret_reason)
{
    struct store_rocksdb_options options = {
        .path = path, .block_cache_bytes = 1 << 20, .write_buffer_bytes = write_buffer_bytes};
    return store_rocksdb_open(&options, ret_store, ret_reason);
}

static inline struct store *open_folder(void)
{
    struct store *s = NULL;
    const char *reason = "";
    int ret = try_open(folder, &s, &reason);
    if (ret)
        print_error("%s\n", reason);
    assert_int_equal(ret, 0);
    return s;
}

#endif
