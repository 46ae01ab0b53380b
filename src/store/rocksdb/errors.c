#include "store/rocksdb/errors.h"
#include "base/error.h"
#include "base/must.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RocksDB's texts carry the system's (strerror), which is how the errors of interest are told apart. */
static bool says(const char *error, const char *text)
{
    return strstr(error, text) != NULL;
}

static bool is_lock(const char *error)
{
    return says(error, "lock file") || says(error, "lock hold by current process") ||
           says(error, "While lock");
}

/* One line, and not endless. */
static void flatten(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

static const char *const CANNOT_WRITE[] = {
    "No space left on device", "Disk quota exceeded", "Read-only file system", "Permission denied",
    "Too many open files",     "File too large",      "Input/output error",
};

static const char *advice(const char *what)
{
    if (strcmp(what, "No space left on device") == 0 || strcmp(what, "Disk quota exceeded") == 0)
        return "free some space and start again";
    if (strcmp(what, "Permission denied") == 0)
        return "make the folder and its files writable for this user";
    if (strcmp(what, "Too many open files") == 0)
        return "raise the open-file limit (ulimit -n)";
    if (strcmp(what, "Input/output error") == 0)
        return "the disk may be failing; look at the system's log";
    if (strcmp(what, "Not a directory") == 0 || strcmp(what, "File name too long") == 0)
        return "name another folder";
    return "make the folder writable or name another one";
}

static int cannot_write(const char *folder, const char *what, char ret_reason[REASON_BYTES])
{
    snprintf(ret_reason, REASON_BYTES, "cannot write to %.200s: %s; %s", folder, what, advice(what));
    return BOX_EIO;
}

int rocksdb_errno(const char *folder, int error, char ret_reason[REASON_BYTES])
{
    char text[128];
    return cannot_write(folder, strerror_r(error, text, sizeof(text)), ret_reason);
}

static int translate(enum attempt attempt, const char *folder, const char *error,
                     char ret_reason[REASON_BYTES])
{
    if (is_lock(error) && !says(error, "Permission denied") && !says(error, "Read-only")) {
        snprintf(ret_reason, REASON_BYTES,
                 "%.200s is in use by another process; stop it or name another folder", folder);
        return BOX_ELOCKED;
    }
    for (size_t i = 0; i < sizeof(CANNOT_WRITE) / sizeof(*CANNOT_WRITE); i++)
        if (says(error, CANNOT_WRITE[i]))
            return cannot_write(folder, CANNOT_WRITE[i], ret_reason);
    /* The folder is there; a file that should be in it is not. */
    bool missing = attempt == ATTEMPT_OPEN && says(error, "No such file or directory");
    if (missing || strncmp(error, "Corruption", strlen("Corruption")) == 0) {
        snprintf(ret_reason, REASON_BYTES, "%.150s is damaged (%.200s); restore a backup", folder, error);
        return BOX_ECORRUPT;
    }
    snprintf(ret_reason, REASON_BYTES, "cannot %s %.200s: %.200s",
             attempt == ATTEMPT_OPEN   ? "open"
             : attempt == ATTEMPT_READ ? "read"
                                       : "write to",
             folder, error);
    return BOX_EIO;
}

int rocksdb_error(enum attempt attempt, const char *folder, char *error, char ret_reason[REASON_BYTES])
{
    must(error);
    int ret = translate(attempt, folder, error, ret_reason);
    flatten(ret_reason);
    free(error);
    return ret;
}
