/*
 * Bytes that are made once and sent many times. Where they are many they lie in a file that has no name and
 * no disk (memfd), which is mapped: then the kernel sends the pages as they are (sendfile), and copies
 * nothing. Below FILE_LEAST a copy is cheaper than the second system call. As each file is a descriptor, only
 * so many have one at a time; the others are sent like any bytes.
 */
#include "base/must.h"
#include "http/internal.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILE_LEAST = 64 << 10, FILES = 128 };

static atomic_uint files;

static bool write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written <= 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

/* A mapped file with these bytes. Returns its descriptor and *ret_data, or -1. */
static int make_file(const char *data, size_t size, const char **ret_data)
{
    int fd = memfd_create("boxoffice-page", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    void *mapped = write_all(fd, data, size) ? mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (mapped == MAP_FAILED) {
        close(fd);
        return -1;
    }
    *ret_data = mapped;
    return fd;
}

void http_bytes_init(struct http_bytes *b, char *data, size_t size)
{
    *b = (struct http_bytes){.data = data, .size = size, .fd = -1};
    if (size < FILE_LEAST)
        return;
    if (atomic_fetch_add(&files, 1) < FILES)
        b->fd = make_file(data, size, &b->data);
    if (b->fd < 0)
        atomic_fetch_sub(&files, 1);
    else
        free(data);
}

void http_bytes_done(struct http_bytes *b)
{
    if (b->fd < 0) {
        free((char *)(uintptr_t)b->data);
        return;
    }
    munmap((void *)(uintptr_t)b->data, b->size);
    close(b->fd);
    atomic_fetch_sub(&files, 1);
}
