#include "contract/faults.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool on, met, tearing;
    char folder[512];
    unsigned left;
    enum fault_kind kind;
} faults;

void faults_on(const char *folder, unsigned n, enum fault_kind kind)
{
    pthread_mutex_lock(&mtx);
    snprintf(faults.folder, sizeof(faults.folder), "%s/", folder);
    faults.left = n;
    faults.kind = kind;
    faults.met = faults.tearing = false;
    faults.on = true;
    pthread_mutex_unlock(&mtx);
}

bool faults_off(void)
{
    pthread_mutex_lock(&mtx);
    faults.on = false;
    bool met = faults.met;
    pthread_mutex_unlock(&mtx);
    return met;
}

bool faults_met(void)
{
    pthread_mutex_lock(&mtx);
    bool met = faults.met;
    pthread_mutex_unlock(&mtx);
    return met;
}

static bool below_folder(const char *path)
{
    return strncmp(path, faults.folder, strlen(faults.folder)) == 0;
}

static bool fd_below_folder(int fd)
{
    char link[64], path[1024];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    long size = syscall(SYS_readlink, link, path, sizeof(path) - 2);
    if (size < 0)
        return false;
    path[size] = '/'; /* the folder itself counts too */
    path[size + 1] = '\0';
    return below_folder(path);
}

/* Called for a call that counts. Returns the error it is to fail with, or 0. */
static int next_error(void)
{
    if (faults.left > 1) {
        faults.left--;
        return 0;
    }
    if (faults.left == 0 && faults.kind != FAULT_STICKY)
        return 0;
    faults.left = 0;
    faults.met = true;
    return faults.kind == FAULT_STICKY ? ENOSPC : EIO;
}

static int error_for_fd(int fd)
{
    int error = 0;
    pthread_mutex_lock(&mtx);
    if (faults.on && fd_below_folder(fd))
        error = next_error();
    pthread_mutex_unlock(&mtx);
    return error;
}

/* How much of a write of @size bytes to let through: all, half, or -1 for none. */
static ssize_t let_through(int fd, size_t size, int *ret_error)
{
    ssize_t n = (ssize_t)size;
    pthread_mutex_lock(&mtx);
    if (faults.on && fd_below_folder(fd)) {
        bool first = !faults.met;
        *ret_error = faults.tearing ? EIO : next_error();
        if (faults.tearing || (*ret_error && (faults.kind != FAULT_TORN || size < 2)))
            n = -1;
        else if (*ret_error && first)
            n = (ssize_t)size / 2;
        faults.tearing = n > 0 && *ret_error != 0;
    }
    pthread_mutex_unlock(&mtx);
    return n;
}

static int fail_with(int error)
{
    errno = error;
    return -1;
}

ssize_t write(int fd, const void *data, size_t size)
{
    int error = 0;
    ssize_t n = let_through(fd, size, &error);
    return n < 0 ? fail_with(error) : (ssize_t)syscall(SYS_write, fd, data, (size_t)n);
}

/* No power is lost in a test: a sync that need not fail need not happen either. */
int fdatasync(int fd)
{
    int error = error_for_fd(fd);
    return error ? fail_with(error) : 0;
}

int fsync(int fd)
{
    int error = error_for_fd(fd);
    return error ? fail_with(error) : 0;
}

int rename(const char *from, const char *to)
{
    int error = 0;
    pthread_mutex_lock(&mtx);
    if (faults.on && below_folder(to))
        error = next_error();
    pthread_mutex_unlock(&mtx);
    return error ? fail_with(error) : (int)syscall(SYS_rename, from, to);
}
