#include "base/must.h"
#include "load/sale.h"
#include <stdlib.h>
#include <string.h>

void picture_open(struct picture *p, uint32_t seats)
{
    *p = (struct picture){.seats = seats, .bits = calloc(seats / 4 + 1, 1)};
    must(p->bits);
}

void picture_close(struct picture *p)
{
    free(p->bits);
}

void picture_take(struct picture *p, const struct reply *reply)
{
    if (reply->error != WIRE_OK || reply->status != 200 || reply->kept != (p->seats + 3) / 4 ||
        reply->change_seq < p->seq)
        return;
    memcpy(p->bits, reply->body, reply->kept);
    p->seq = reply->change_seq;
}

static void set(struct picture *p, unsigned long seat, unsigned long status)
{
    if (seat >= p->seats || status >= SEAT_STATUSES)
        return;
    unsigned shift = seat % 4 * 2;
    p->bits[seat / 4] = (uint8_t)((p->bits[seat / 4] & ~(3u << shift)) | status << shift);
}

void picture_change(struct picture *p, uint64_t seq, const char *text)
{
    const char *at = seq > p->seq ? strstr(text, "\"changes\":[") : NULL;
    if (!at)
        return;
    for (at += 11; *at == '[';) {
        char *end;
        unsigned long seat = strtoul(at + 1, &end, 10),
                      status = *end == ',' ? strtoul(end + 1, &end, 10) : SEAT_STATUSES;
        set(p, seat, status);
        at = end + strspn(end, "],");
    }
    p->seq = seq;
}

bool picture_is_free(const struct picture *p, uint32_t seat)
{
    return (p->bits[seat / 4] >> seat % 4 * 2 & 3) == SEAT_AVAILABLE;
}

/* The first run of @count free seats among those from @from to before @end. */
static bool find_run(const struct picture *p, uint32_t from, uint32_t end, unsigned count,
                     uint32_t *ret_first)
{
    unsigned run = 0;
    for (uint32_t seat = from; seat < end && seat < p->seats; seat++) {
        run = picture_is_free(p, seat) ? run + 1 : 0;
        if (run == count) {
            *ret_first = seat + 1 - count;
            return true;
        }
    }
    return false;
}

bool picture_find(const struct picture *p, unsigned block, unsigned row, unsigned seat, unsigned count,
                  uint32_t *ret_first)
{
    unsigned blocks = (p->seats + BLOCK_SEATS - 1) / BLOCK_SEATS;
    for (unsigned i = 0; i < blocks * BLOCK_ROWS; i++) {
        unsigned b = (block + i / BLOCK_ROWS) % blocks, r = (row + i) % BLOCK_ROWS;
        uint32_t first = b * BLOCK_SEATS + r * ROW_SEATS, end = first + ROW_SEATS;
        if (find_run(p, first + seat, end, count, ret_first) || find_run(p, first, end, count, ret_first))
            return true;
    }
    return false;
}
