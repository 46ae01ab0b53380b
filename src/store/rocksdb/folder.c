/*
 * Whose folder is it?
 *   - no CURRENT in it: new, if it is empty but for what an interrupted first start (or the server's own
 *     key file) left; damaged, if there are tables or logs as well (RocksDB would begin anew beside them);
 *     anything else is somebody else's.
 *   - CURRENT: a RocksDB. Ours if its column families are ours; damaged, if there is no log at all (an open
 *     database always has one and leaves it; without it RocksDB would go on from the tables in silence).
 *     With only "default", RocksDB was interrupted before it made the others: ours if nothing is in it. With
 *     others beside ours: another version's, if its format says so.
 */
#include "store/rocksdb/folder.h"
#include "base/error.h"
#include "base/must.h"
#include "store/kv/format.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char PROBE[] = "probe.tmp";
enum { PROBE_BYTES = 1 << 20 };

static int refuse(const char *path, char ret_reason[REASON_BYTES])
{
    snprintf(ret_reason, REASON_BYTES,
             "%.200s is not empty and is not a boxoffice data folder; name an empty or a new folder", path);
    return BOX_EIO;
}

static int damaged(const char *path, const char *missing, char ret_reason[REASON_BYTES])
{
    snprintf(ret_reason, REASON_BYTES, "%.200s is damaged (its %s is missing); restore a backup", path,
             missing);
    return BOX_ECORRUPT;
}

/* ---- making it ---- */

/* The new name must survive a power loss as what is then put into it does. */
static void sync_parent(const char *path)
{
    char parent[4096];
    if (snprintf(parent, sizeof(parent), "%s/..", path) >= (int)sizeof(parent))
        return;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static int make_folder(const char *path, char ret_reason[REASON_BYTES])
{
    if (mkdir(path, 0700) == 0) {
        sync_parent(path);
        return 0;
    }
    int error = errno;
    struct stat st;
    if (error == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    if (error == EEXIST)
        snprintf(ret_reason, REASON_BYTES, "%.200s is not a folder; name another one", path);
    else if (error == ENOENT)
        snprintf(ret_reason, REASON_BYTES,
                 "the folder that %.200s should be made in does not exist; make it first", path);
    else
        rocksdb_errno(path, error, ret_reason);
    return BOX_EIO;
}

/* ---- a folder without a database ---- */

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* Names that a first start makes before there is a CURRENT. */
static bool may_be_there(const char *name)
{
    const char *dot = strrchr(name, '.');
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0 ||
           begins(name, "api-key") || strcmp(name, PROBE) == 0 || strcmp(name, "LOCK") == 0 ||
           strcmp(name, "LOG") == 0 || begins(name, "LOG.old.") || strcmp(name, "IDENTITY") == 0 ||
           begins(name, "MANIFEST-") || begins(name, "OPTIONS-") || (dot && strcmp(dot, ".dbtmp") == 0);
}

/* Of a database that was in use: a table, or a log. The first one is made after CURRENT is there to stay. */
static bool is_data(const char *name)
{
    size_t digits = strspn(name, "0123456789");
    return digits && (strcmp(name + digits, ".sst") == 0 || strcmp(name + digits, ".log") == 0);
}

static int check_new(const char *path, char ret_reason[REASON_BYTES])
{
    DIR *dir = opendir(path);
    if (!dir)
        return rocksdb_errno(path, errno, ret_reason);
    bool ours = true, data = false;
    for (const struct dirent *d; (d = readdir(dir));) {
        data = data || is_data(d->d_name);
        ours = ours && (is_data(d->d_name) || may_be_there(d->d_name));
    }
    closedir(dir);
    if (!ours)
        return refuse(path, ret_reason);
    if (!data)
        return 0;
    return damaged(path, "file CURRENT", ret_reason);
}

/* ---- a folder with one ---- */

static bool is_known(const struct rocksdb_setup *setup, const char *name)
{
    for (unsigned i = 0; i < FAMILIES; i++)
        if (strcmp(setup->names[i], name) == 0)
            return true;
    return false;
}

static bool has_name(char **names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Open some families only to look. NULL when that fails. */
static rocksdb_t *open_to_look(const struct rocksdb_setup *setup, const char *path, int count,
                               const char *const *names, rocksdb_column_family_handle_t **handles)
{
    char *error = NULL;
    const rocksdb_options_t *options[2] = {setup->families[FAMILY_DEFAULT], setup->families[TABLE_META]};
    rocksdb_t *db = rocksdb_open_for_read_only_column_families(setup->db, path, count, names, options,
                                                               handles, 0, &error);
    free(error);
    return error ? NULL : db;
}

static bool default_is_empty(const struct rocksdb_setup *setup, const char *path)
{
    const char *names[] = {"default"};
    rocksdb_column_family_handle_t *handles[1];
    rocksdb_t *db = open_to_look(setup, path, 1, names, handles);
    if (!db)
        return false;
    rocksdb_iterator_t *it = rocksdb_create_iterator(db, setup->newest);
    rocksdb_iter_seek_to_first(it);
    bool empty = !rocksdb_iter_valid(it);
    rocksdb_iter_destroy(it);
    rocksdb_column_family_handle_destroy(handles[0]);
    rocksdb_close(db);
    return empty;
}

/* The format number in a folder of ours; 0 when there is none to be read. */
static uint32_t read_format(const struct rocksdb_setup *setup, const char *path)
{
    const char *names[] = {"default", table_name(TABLE_META)};
    rocksdb_column_family_handle_t *handles[2];
    rocksdb_t *db = open_to_look(setup, path, 2, names, handles);
    if (!db)
        return 0;
    char *error = NULL;
    size_t size = 0;
    char *value = rocksdb_get_cf(db, setup->newest, handles[1], "format", strlen("format"), &size, &error);
    uint32_t format = value && size == 4 ? load_u32((uint8_t *)value) : 0;
    free(value);
    free(error);
    rocksdb_column_family_handle_destroy(handles[0]);
    rocksdb_column_family_handle_destroy(handles[1]);
    rocksdb_close(db);
    return format;
}

static int check_log(const char *path, char ret_reason[REASON_BYTES])
{
    DIR *dir = opendir(path);
    if (!dir)
        return rocksdb_errno(path, errno, ret_reason);
    bool log = false;
    for (const struct dirent *d; (d = readdir(dir));) {
        const char *dot = strrchr(d->d_name, '.');
        log = log || (is_data(d->d_name) && strcmp(dot, ".log") == 0);
    }
    closedir(dir);
    return log ? 0 : damaged(path, "log", ret_reason);
}

static int check_names(const struct rocksdb_setup *setup, const char *path, char **names, size_t count,
                       char ret_reason[REASON_BYTES])
{
    bool unknown = false;
    for (size_t i = 0; i < count; i++)
        unknown = unknown || !is_known(setup, names[i]);
    bool meta = has_name(names, count, table_name(TABLE_META));
    if (!unknown && meta)
        return check_log(path, ret_reason);
    if (!unknown && default_is_empty(setup, path))
        return 0;
    const char *reason;
    uint32_t format = unknown && meta ? read_format(setup, path) : 0;
    int ret = format ? format_check(format, &reason) : 0;
    if (ret) {
        snprintf(ret_reason, REASON_BYTES, "%.200s: %s", path, reason);
        return ret;
    }
    snprintf(ret_reason, REASON_BYTES,
             "%.200s has a database that is another program's, or damaged; name another folder or restore a "
             "backup",
             path);
    return BOX_EIO;
}

static int check_database(const struct rocksdb_setup *setup, const char *path, char ret_reason[REASON_BYTES])
{
    char *error = NULL;
    size_t count = 0;
    char **names = rocksdb_list_column_families(setup->db, path, &count, &error);
    int ret = error ? rocksdb_error(ATTEMPT_OPEN, path, error, ret_reason)
                    : check_names(setup, path, names, count, ret_reason);
    rocksdb_list_column_families_destroy(names, count); /* also after an error: then it has room for none */
    return ret;
}

/* ---- is there room? ---- */

static int write_probe(const char *file)
{
    static const char zeros[4096];
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int error = 0;
    if (fd < 0)
        return errno;
    for (size_t done = 0; !error && done < PROBE_BYTES; done += sizeof(zeros)) {
        ssize_t n = write(fd, zeros, sizeof(zeros));
        if (n != (ssize_t)sizeof(zeros))
            error = n < 0 ? errno : ENOSPC;
    }
    if (!error && fdatasync(fd) != 0)
        error = errno;
    close(fd);
    unlink(file);
    return error;
}

int rocksdb_folder_probe(const char *path, char ret_reason[REASON_BYTES])
{
    char file[4096];
    if (snprintf(file, sizeof(file), "%s/%s", path, PROBE) >= (int)sizeof(file))
        return rocksdb_errno(path, ENAMETOOLONG, ret_reason);
    int error = write_probe(file);
    return error ? rocksdb_errno(path, error, ret_reason) : 0;
}

/* ---- all of it ---- */

int rocksdb_folder_prepare(const struct rocksdb_setup *setup, const char *path, char ret_reason[REASON_BYTES])
{
    char current[4096];
    int ret = make_folder(path, ret_reason);
    if (ret)
        return ret;
    if (snprintf(current, sizeof(current), "%s/CURRENT", path) >= (int)sizeof(current))
        return rocksdb_errno(path, ENAMETOOLONG, ret_reason);
    if (access(current, F_OK) == 0)
        return check_database(setup, path, ret_reason);
    if (errno != ENOENT)
        return rocksdb_errno(path, errno, ret_reason);
    return check_new(path, ret_reason);
}
