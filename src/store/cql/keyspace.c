/*
 * The keyspace: made when there is none, else looked at. Where the copies lie decides what the loss of a node
 * or of a data centre costs, so that what looks wrong is said at every start.
 */
#include "base/must.h"
#include "store/cql/opening.h"
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES = 3 };

/* How an existing keyspace keeps its copies. */
struct replication {
    char class[128];
    long local_copies; /* in the local data centre (SimpleStrategy: anywhere) */
};

/* ---- reading: a map<text, text> ---- */

struct map_reader {
    const uint8_t *next, *end;
};

static bool read_size(struct map_reader *r, size_t *ret_size)
{
    uint32_t size;
    if (r->end - r->next < (ptrdiff_t)sizeof(size))
        return false;
    memcpy(&size, r->next, sizeof(size));
    r->next += sizeof(size);
    *ret_size = be32toh(size);
    return *ret_size <= INT32_MAX;
}

/* A text, cut to what fits. */
static bool read_text(struct map_reader *r, char *ret, size_t size)
{
    size_t length;
    if (!read_size(r, &length) || (size_t)(r->end - r->next) < length)
        return false;
    snprintf(ret, size, "%.*s", (int)length, (const char *)r->next);
    r->next += length;
    return true;
}

static bool read_replication(const uint8_t *data, size_t size, const char *local_dc, struct replication *ret)
{
    size_t entries;
    *ret = (struct replication){.local_copies = 0};
    if (!data)
        return false;
    struct map_reader r = {.next = data, .end = data + size};
    if (!read_size(&r, &entries))
        return false;
    for (size_t i = 0; i < entries; i++) {
        char key[128], value[128];
        if (!read_text(&r, key, sizeof(key)) || !read_text(&r, value, sizeof(value)))
            return false;
        if (strcmp(key, "class") == 0)
            snprintf(ret->class, sizeof(ret->class), "%s", value);
        else if (strcmp(key, local_dc) == 0 || strcmp(key, "replication_factor") == 0)
            ret->local_copies = strtol(value, NULL, 10);
    }
    return true;
}

/* ---- judging ---- */

static int judge(struct opening *o, const struct replication *r)
{
    const struct cql_topology *t = &o->topology;
    bool simple = strstr(r->class, "SimpleStrategy") != NULL;
    if (r->local_copies <= 0 && (simple || strstr(r->class, "NetworkTopologyStrategy")))
        return opening_refuse(
            o, BOX_EINVALID,
            "the keyspace %s keeps no copy in the data centre %s, whose nodes would decide; "
            "change its replication, or name another by --local-dc",
            o->s->keyspace, t->local_dc);
    if (!(simple && t->other_nodes) && (unsigned long)r->local_copies / 2 + 1 > t->nodes)
        return opening_refuse(
            o, BOX_EINVALID,
            "the keyspace %s keeps %ld copies, %ld of which must answer, and the data centre %s has "
            "%u node%s; add nodes, or change its replication",
            o->s->keyspace, r->local_copies, r->local_copies / 2 + 1, t->local_dc, t->nodes,
            t->nodes == 1 ? "" : "s");
    unsigned nodes = t->nodes + t->other_nodes;
    if (simple && nodes > 1)
        opening_note(o, "the keyspace %s has SimpleStrategy, which knows no data centres and racks",
                     o->s->keyspace);
    if (r->local_copies == 1 && nodes > 1)
        opening_note(o, "the keyspace %s keeps one copy only: when its node is lost, so are its data",
                     o->s->keyspace);
    return 0;
}

/* ---- making ---- */

/* {'class': 'NetworkTopologyStrategy', 'dc': '3'} */
static void default_replication(const struct cql_topology *t, struct buf *ret)
{
    unsigned copies = t->nodes < COPIES ? t->nodes : COPIES;
    buf_adds(ret, "{'class': 'NetworkTopologyStrategy', '");
    for (const char *p = t->local_dc; *p; p++) {
        if (*p == '\'')
            buf_addc(ret, '\'');
        buf_addc(ret, *p);
    }
    buf_printf(ret, "': '%u'}", copies ? copies : 1);
}

static int make(struct opening *o)
{
    struct buf replication = {0}, text = {0};
    struct cql_error error;
    if (o->options->replication)
        buf_adds(&replication, o->options->replication);
    else
        default_replication(&o->topology, &replication);
    buf_addc(&replication, '\0');
    schema_create_keyspace(o->s->keyspace, replication.data, &text);
    buf_addc(&text, '\0');
    enum cql_kind kind = cql_query(o->s->session, text.data, CQL_SCHEMA_MS, NULL, &error);
    int ret = 0;
    if (kind == CQL_OK || kind == CQL_EXISTS)
        opening_note(o, "made the keyspace %s with replication %s%s", o->s->keyspace, replication.data,
                     !o->options->replication && o->topology.nodes < COPIES
                         ? ": as many copies as there are nodes; add nodes and raise it to 3"
                         : "");
    else
        ret = opening_error(o, "CREATE KEYSPACE", &error);
    buf_done(&text);
    buf_done(&replication);
    return ret;
}

/* Look it up. *ret_known: its replication is of a form that is understood. Returns 0, BOX_ENOTFOUND (there is
 * none; not said) or an error. */
static int look(struct opening *o, struct replication *ret, bool *ret_known)
{
    char text[256];
    struct cql_result *result;
    struct cql_error error;
    snprintf(text, sizeof(text), "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = '%s'",
             o->s->keyspace);
    if (cql_query(o->s->session, text, CQL_TRY_MS, &result, &error) != CQL_OK)
        return opening_error(o, "reading system_schema.keyspaces", &error);
    bool found = cql_rows(result) > 0;
    if (found) {
        struct cql_row row = cql_row_at(result, 0);
        size_t size;
        const uint8_t *data = row_blob(&row, "replication", &size);
        *ret_known = read_replication(data, size, o->topology.local_dc, ret);
    }
    cql_result_free(result);
    return found ? 0 : BOX_ENOTFOUND;
}

int opening_keyspace(struct opening *o)
{
    struct replication r;
    bool known = false;
    if (o->options->replication && !schema_replication_valid(o->options->replication))
        return opening_refuse(o, BOX_EINVALID,
                              "the replication must be a CQL map, e.g. {'class': 'NetworkTopologyStrategy', "
                              "'datacenter1': '3'}");
    int ret = look(o, &r, &known);
    if (ret == BOX_ENOTFOUND && o->options->existing)
        return opening_refuse(o, BOX_ENOTFOUND, "there is no keyspace %s", o->s->keyspace);
    if (ret == BOX_ENOTFOUND) {
        ret = make(o);
        if (!ret)
            ret = look(o, &r, &known); /* --replication may have said anything */
    }
    return ret || !known ? ret : judge(o, &r);
}
