/*
 * Members: which servers there are, and which of them live.
 *
 * Every server writes a row with every beat and reads all. A server whose beat has not grown for a lease's
 * length of *our* monotonic clock is dead: no two clocks are compared, and what another one's clock says does
 * not matter. One that was never seen before gets a whole lease: it may be a row that a dead one has left, or
 * it may be quite new. So nobody is thought dead who was alive a lease ago, and everybody who is dead is
 * known to be after a lease and a beat.
 *
 * A thing of pure bookkeeping: no thread, no store.
 */
#ifndef CLUSTER_MEMBERS_H
#define CLUSTER_MEMBERS_H

#include "base/params.h"
#include "store/store.h"

struct member {
    struct server_row row;
    int64_t beat_us; /* our monotonic time when its beat was seen to have grown */
    bool live;
};

struct members {
    struct member list[LIMIT_CLUSTER_ROWS]; /* without the server itself */
    size_t count;
    int64_t lease_us;
};

/*
 * Take over what was read at @now_us: rows come and go, beats grow. @self is left out; so are rows beyond the
 * limit, the oldest servers first.
 */
void members_read(struct members *m, const struct uuid *self, const struct server_row *rows, size_t count,
                  int64_t now_us);
/* Declare dead whose lease is over at @now_us. Returns true if there was one. */
bool members_age(struct members *m, int64_t now_us);
/* It is known to be dead: another process has its address. */
void members_gone(struct members *m, const struct uuid *id);
/* It says itself that it is not fit any more. */
void members_unfit(struct members *m, const struct uuid *id);
/* The one with this id, or NULL. */
const struct member *members_find(const struct members *m, const struct uuid *id);
bool members_live(const struct members *m, const struct uuid *id);
/* The ids of those who live and are fit. Returns how many; @ret_ids has LIMIT_CLUSTER_SERVERS places. */
size_t members_fit(const struct members *m, struct uuid *ret_ids);

#endif
