#include "cluster/homes.h"
#include "base/hash.h"
#include <string.h>

static uint64_t weight(const struct uuid *server, const struct event_id *event)
{
    uint8_t both[32];
    memcpy(both, server->b, 16);
    memcpy(both + 16, event->u.b, 16);
    return hash64(both, sizeof both);
}

const struct uuid *homes_winner(const struct uuid *servers, size_t count, const struct event_id *event)
{
    const struct uuid *winner = NULL;
    uint64_t heaviest = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t w = weight(&servers[i], event);
        /* Of two that weigh the same (2^-64) the smaller id, so that the order does not matter. */
        bool wins = !winner || w > heaviest || (w == heaviest && uuid_compare(&servers[i], winner) < 0);
        if (wins) {
            winner = &servers[i];
            heaviest = w;
        }
    }
    return winner;
}
