#include "load/fetch.h"
#include "load/conn.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 120, READ_BYTES = 256 * 1024 };

void fetcher_open(struct fetcher *f, const struct sockaddr_in *address, const char *host, const char *key)
{
    *f = (struct fetcher){.address = *address, .host = host, .key = key, .fd = -1};
}

static void disconnect(struct fetcher *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

void fetcher_close(struct fetcher *f)
{
    disconnect(f);
    buf_done(&f->request);
    buf_done(&f->received);
}

static bool send_all(struct fetcher *f)
{
    for (size_t at = 0; at < f->request.size;) {
        ssize_t n = send(f->fd, f->request.data + at, f->request.size - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* Receive until head and body are there. Returns the size of the head, 0 when the connection is lost. */
static size_t receive_all(struct fetcher *f, struct reply *ret)
{
    size_t head = 0, wanted = SIZE_MAX;
    buf_reset(&f->received);
    while (f->received.size < wanted) {
        ssize_t n = recv(f->fd, buf_reserve(&f->received, READ_BYTES), READ_BYTES - 1, 0);
        if (n <= 0)
            return 0;
        f->received.size += (size_t)n;
        f->received.data[f->received.size] = 0;
        const char *end = head ? NULL : strstr(f->received.data, "\r\n\r\n");
        if (!end)
            continue;
        head = (size_t)(end + 4 - f->received.data);
        char saved = f->received.data[head];
        f->received.data[head] = 0;
        if (!wire_read_head(f->received.data, ret))
            return 0;
        f->received.data[head] = saved;
        wanted = head + ret->body_bytes;
    }
    return head;
}

static size_t exchange(struct fetcher *f, struct reply *ret)
{
    if (f->fd < 0) {
        const struct timeval patience = {.tv_sec = PATIENCE_S};
        f->fd = connect_and_wait(&f->address);
        if (f->fd < 0)
            return 0;
        setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    size_t head = send_all(f) ? receive_all(f, ret) : 0;
    if (!head || ret->closes)
        disconnect(f);
    return head;
}

static int call(struct fetcher *f, const struct wire_request *request, struct reply *ret)
{
    bool reused = f->fd >= 0;
    wire_write(&f->request, request);
    size_t head = exchange(f, ret);
    if (!head && reused && strcmp(request->method, "GET") == 0) /* the server had closed an idle connection */
        head = exchange(f, ret);
    if (!head) {
        snprintf(f->error, sizeof f->error, "%s %s: no answer from the server: %s", request->method,
                 request->path, strerror(errno));
        return -1;
    }
    ret->body = f->received.data + head;
    ret->kept = ret->body_bytes;
    if (ret->status / 100 != 2) {
        snprintf(f->error, sizeof f->error, "%s %s was answered %u: %.200s", request->method, request->path,
                 ret->status, ret->body);
        return -1;
    }
    return 0;
}

int fetch(struct fetcher *f, const char *method, const char *path, const char *body, struct reply *ret)
{
    const struct wire_request request = {
        .method = method, .path = path, .host = f->host, .token = f->key, .body = body};
    return call(f, &request, ret);
}

int fetch_as(struct fetcher *f, const char *path, const char *accept, struct reply *ret)
{
    char header[100];
    snprintf(header, sizeof header, "Accept: %s\r\n", accept);
    const struct wire_request request = {
        .method = "GET", .path = path, .host = f->host, .token = f->key, .headers = header};
    return call(f, &request, ret);
}

int fetch_json(struct fetcher *f, const char *path, struct arena *arena, struct json_in *ret_in,
               struct reply *ret)
{
    *ret_in = (struct json_in){0};
    if (fetch(f, "GET", path, NULL, ret))
        return -1;
    if (json_in_parse(ret_in, arena, ret->body, ret->kept)) {
        snprintf(f->error, sizeof f->error, "GET %s was answered with broken JSON: %s", path, ret_in->detail);
        return -1;
    }
    return 0;
}
