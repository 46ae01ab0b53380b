#include "cluster/members.h"
#include <string.h>

static struct member *find(const struct members *m, const struct uuid *id)
{
    for (size_t i = 0; i < m->count; i++)
        if (uuid_equal(&m->list[i].row.server_id, id))
            return (struct member *)&m->list[i];
    return NULL;
}

/* How many of the rows are of servers that began after @row's: those have the places. */
static size_t count_younger(const struct server_row *rows, size_t count, const struct server_row *row)
{
    size_t younger = 0;
    for (size_t i = 0; i < count; i++) {
        int order = uuid_compare(&rows[i].server_id, &row->server_id);
        younger +=
            rows[i].started_ms > row->started_ms || (rows[i].started_ms == row->started_ms && order > 0);
    }
    return younger;
}

static struct member read_row(const struct members *m, const struct server_row *row, int64_t now_us)
{
    const struct member *known = find(m, &row->server_id);
    if (!known)
        return (struct member){.row = *row, .beat_us = now_us, .live = true};
    struct member next = *known;
    bool grew = row->beat > known->row.beat;
    if (grew) {
        next.beat_us = now_us;
        next.live = true;
    }
    if (grew || row->beat == known->row.beat)
        next.row = *row;
    return next;
}

void members_read(struct members *m, const struct uuid *self, const struct server_row *rows, size_t count,
                  int64_t now_us)
{
    static _Thread_local struct member next[LIMIT_CLUSTER_ROWS];
    size_t n = 0;
    for (size_t i = 0; i < count && n < LIMIT_CLUSTER_ROWS; i++) {
        if (uuid_equal(&rows[i].server_id, self))
            continue;
        if (count > LIMIT_CLUSTER_ROWS && count_younger(rows, count, &rows[i]) >= LIMIT_CLUSTER_ROWS)
            continue;
        next[n++] = read_row(m, &rows[i], now_us);
    }
    memcpy(m->list, next, n * sizeof next[0]);
    m->count = n;
}

bool members_age(struct members *m, int64_t now_us)
{
    bool changed = false;
    for (size_t i = 0; i < m->count; i++) {
        struct member *member = &m->list[i];
        if (!member->live || now_us - member->beat_us <= m->lease_us)
            continue;
        member->live = false;
        changed = true;
    }
    return changed;
}

void members_gone(struct members *m, const struct uuid *id)
{
    struct member *member = find(m, id);
    if (member)
        member->live = false;
}

void members_unfit(struct members *m, const struct uuid *id)
{
    struct member *member = find(m, id);
    if (member)
        member->row.fit = false;
}

const struct member *members_find(const struct members *m, const struct uuid *id)
{
    return find(m, id);
}

bool members_live(const struct members *m, const struct uuid *id)
{
    const struct member *member = find(m, id);
    return member && member->live;
}

size_t members_fit(const struct members *m, struct uuid *ret_ids)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count && n < LIMIT_CLUSTER_SERVERS; i++)
        if (m->list[i].live && m->list[i].row.fit)
            ret_ids[n++] = m->list[i].row.server_id;
    return n;
}
