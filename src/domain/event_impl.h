/* Private to domain/event*.c: an event with its reference count and its memory. */
#ifndef DOMAIN_EVENT_IMPL_H
#define DOMAIN_EVENT_IMPL_H

#include "base/arena.h"
#include "domain/event.h"
#include <stdatomic.h>

struct event_box {
    struct event event; /* first: a pointer to it is a pointer to the box */
    atomic_uint refs;
    struct arena arena; /* text and prices */
};

/* An empty event with one reference, to be filled in before anybody else sees it. */
struct event_box *event_box_new(void);

#endif
