/*
 * Homes: which server an event belongs to, by rendezvous hashing.
 *
 * Each server has a weight for each event, a hash of both ids; the heaviest server wins. So everybody who
 * knows the same servers names the same winner, without a word between them, and each server wins about the
 * same number of events. When a server comes, it takes some from each of the others; when one goes, only its
 * own events move. What order the servers stand in does not matter.
 */
#ifndef CLUSTER_HOMES_H
#define CLUSTER_HOMES_H

#include "base/uuid.h"
#include "domain/ids.h"
#include <stddef.h>

/* The winner among @servers, or NULL when there is none. */
const struct uuid *homes_winner(const struct uuid *servers, size_t count, const struct event_id *event);

#endif
