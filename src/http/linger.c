/*
 * Closing after an answer that the client did not wait for. Where input is left unread, closing a socket
 * resets the connection, and the reset may overtake the answer: a client that is still sending its 5 MiB
 * would see "connection reset" rather than 413. So our side is shut down, and what comes is read and thrown
 * away until the client has closed, too, or for some seconds (the state's deadline).
 */
#include "http/internal.h"
#include <sys/socket.h>

enum {
    LINGERS = 64, /* at once in a loop; more are closed the hard way */
    WASTE = 64 << 10,
};

bool http_linger_begin(struct http_conn *c)
{
    if (c->loop->linger_count == LINGERS || c->loop->stopping)
        return false;
    c->loop->linger_count++;
    shutdown(c->fd, SHUT_WR); /* the answer has its end */
    http_in_done(c);
    http_conn_enter(c, HTTP_LINGER);
    return true;
}

bool http_linger_read(struct http_conn *c)
{
    char waste[WASTE];
    ssize_t got = http_conn_recv(c, waste, sizeof waste);
    c->gone |= got < 0;
    return got != 0;
}
