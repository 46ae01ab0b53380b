#include "base/mailbox.h"
#include "base/error.h"
#include "base/must.h"
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int mailbox_init(struct mailbox *m)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return BOX_EIO;
    atomic_init(&m->head, NULL);
    m->fd = fd;
    return 0;
}

void mailbox_done(struct mailbox *m)
{
    must(atomic_load_explicit(&m->head, memory_order_acquire) == NULL);
    must(close(m->fd) == 0);
    m->fd = -1;
}

/* EAGAIN means that the counter is full: then the taker has been told already. */
static void wake(int fd)
{
    uint64_t one = 1;
    ssize_t written;
    do
        written = write(fd, &one, sizeof(one));
    while (written < 0 && errno == EINTR);
    must(written == sizeof(one) || errno == EAGAIN);
}

void mailbox_post(struct mailbox *m, struct mail *mail)
{
    struct mail *head = atomic_load_explicit(&m->head, memory_order_relaxed);
    do
        mail->next = head;
    while (!atomic_compare_exchange_weak_explicit(&m->head, &head, mail, memory_order_release,
                                                  memory_order_relaxed));
    /* From here on @mail is the taker's and may be gone. */
    if (!head)
        wake(m->fd);
}

struct mail *mailbox_take(struct mailbox *m)
{
    uint64_t count;
    ssize_t got;
    do
        got = read(m->fd, &count, sizeof(count));
    while (got < 0 && errno == EINTR);
    must(got == sizeof(count) || errno == EAGAIN);

    struct mail *newest = atomic_exchange_explicit(&m->head, NULL, memory_order_acquire);
    struct mail *oldest = NULL;
    while (newest) {
        struct mail *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void mailbox_wait(struct mailbox *m, int64_t timeout_us)
{
    struct pollfd pollfd = {.fd = m->fd, .events = POLLIN};
    struct timespec timeout = {.tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000};
    int ready = ppoll(&pollfd, 1, timeout_us < 0 ? NULL : &timeout, NULL);
    must(ready >= 0 || errno == EINTR);
}
