/* What RocksDB says, as one line that tells what to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "store/rocksdb/errors.h"
#include <errno.h>
#include <string.h>

static void says(enum attempt attempt, const char *error, int code, const char *want)
{
    char reason[REASON_BYTES];
    char *copy = strdup(error);
    assert_non_null(copy);
    assert_int_equal(rocksdb_error(attempt, "DIR", copy, reason), code);
    assert_non_null(strstr(reason, want));
    assert_non_null(strstr(reason, "DIR"));
    assert_null(strchr(reason, '\n'));
}

static void translated(void **state)
{
    (void)state;
    says(ATTEMPT_OPEN, "IO error: While lock file: DIR/LOCK: Resource temporarily unavailable", BOX_ELOCKED,
         "in use by another process");
    says(ATTEMPT_OPEN,
         "IO error: lock hold by current process, acquire time 1 acquiring thread 2: DIR/LOCK: No locks "
         "available",
         BOX_ELOCKED, "in use by another process");
    says(ATTEMPT_WRITE,
         "IO error: No space left on device: While appending to file: DIR/000004.log: No space "
         "left on device",
         BOX_EIO, "cannot write to DIR: No space left on device; free some space and start again");
    says(ATTEMPT_OPEN, "IO error: While open a file for lock: DIR/LOCK: Permission denied", BOX_EIO,
         "cannot write to DIR: Permission denied");
    says(ATTEMPT_OPEN, "IO error: While open a file for lock: DIR/LOCK: Read-only file system", BOX_EIO,
         "Read-only file system");
    says(ATTEMPT_OPEN, "Corruption: checksum mismatch\nin two lines", BOX_ECORRUPT, "is damaged");
    says(ATTEMPT_READ, "Something new", BOX_EIO, "cannot read DIR: Something new");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char reason[REASON_BYTES], folder[2000];
    memset(folder, 'x', sizeof(folder) - 1);
    folder[sizeof(folder) - 1] = '\0';
    assert_int_equal(rocksdb_error(ATTEMPT_OPEN, folder, strdup(folder), reason), BOX_EIO);
    assert_true(strlen(reason) < REASON_BYTES);
    assert_int_equal(rocksdb_errno(folder, ENOSPC, reason), BOX_EIO);
    assert_non_null(strstr(reason, "free some space"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(translated),
        cmocka_unit_test(long_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
