/*
 * Mailbox: many threads post, one takes; an eventfd wakes the taker, so that it can wait for mail and for
 * sockets with one epoll. Messages are embedded in the sender's object (no allocation). Order of one sender
 * is kept.
 *
 * How: posts push onto an atomic list; the eventfd is written only when the list was empty, so that a busy
 * taker costs its senders no system call. mailbox_take() clears the eventfd BEFORE it takes the list: a post
 * in between leaves the eventfd set and the taker comes once for nothing, but never sleeps with mail.
 */
#ifndef BASE_MAILBOX_H
#define BASE_MAILBOX_H

#include <stdatomic.h>
#include <stdint.h>

struct mail {
    struct mail *next; /* the mailbox's while posted */
};

struct mailbox {
    _Atomic(struct mail *) head; /* newest first */
    int fd;                      /* eventfd, readable when there may be mail */
};

/* Returns 0 or BOX_EIO (no file descriptor). */
int mailbox_init(struct mailbox *m);
/* Must be empty, and every mailbox_post() must have returned. */
void mailbox_done(struct mailbox *m);
/* Post; never blocks. Thread: any. Ownership: @mail is the mailbox's until taken. */
void mailbox_post(struct mailbox *m, struct mail *mail);
/* Take all, oldest first, linked by next; NULL when empty. Never blocks. Thread: the taker. */
struct mail *mailbox_take(struct mailbox *m);
/*
 * Wait until the eventfd is readable or @timeout_us passed (-1: for ever, 0: just look); a signal may end it
 * early. Thread: the taker.
 */
void mailbox_wait(struct mailbox *m, int64_t timeout_us);

#endif
