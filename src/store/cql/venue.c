/*
 * Venues. A layout may be larger than a cell should be: its bytes are cut into chunks, rows of one partition.
 * The partition's statics say how many there are and whether the venue may be seen:
 *
 *   1. chunks, then the statics `chunks` and `idem_key` (of the request's answer, where it has a key)
 *   2. the answer, by an LWT: of several requests with one key, one counts
 *   3. venue_sections, then `visible`
 *
 * Who dies between 2 and 3 leaves a venue whose answer says that it was made. So a reader that meets one
 * which is not `visible` looks at the answer: if that is about this venue, the reader does step 3.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 256 * 1024, CHUNKS_PER_PAGE = 8 };

/* ---- writing ---- */

static int put_chunks(struct cql_store *s, const struct layout *l, uint32_t *ret_chunks)
{
    struct buf bytes = {0};
    struct arena arena;
    layout_encode(l, &bytes);
    arena_init(&arena, 0);
    size_t chunks = (bytes.size + CHUNK_BYTES - 1) / CHUNK_BYTES;
    struct cql_values *v = arena_array(&arena, chunks, sizeof(*v));
    for (size_t i = 0; i < chunks; i++) {
        size_t at = i * CHUNK_BYTES, left = bytes.size - at;
        cql_values_init(&v[i], &arena);
        bind_uuid(&v[i], &l->venue_id.u);
        bind_int(&v[i], (int32_t)i);
        bind_blob(&v[i], bytes.data + at, left < CHUNK_BYTES ? left : CHUNK_BYTES);
    }
    int ret = cql_call_many(s, CQL_ST_PUT_VENUE_CHUNK, v, chunks, NULL, NULL);
    arena_done(&arena);
    buf_done(&bytes);
    *ret_chunks = (uint32_t)chunks;
    return ret;
}

static int put_state(struct cql_store *s, const struct venue_id *id, uint32_t chunks,
                     const struct idem_record *idem)
{
    struct arena arena;
    struct cql_values v;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_int(&v, (int32_t)chunks);
    if (idem)
        bind_blob(&v, idem->key.b, DIGEST_BYTES);
    else
        bind_unset(&v);
    bind_uuid(&v, &id->u);
    int ret = cql_call(s, CQL_ST_PUT_VENUE_STATE, &v, NULL);
    arena_done(&arena);
    return ret;
}

static int put_sections(struct cql_store *s, const struct layout *l)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct cql_values *v = arena_array(&arena, l->place_count, sizeof(*v));
    for (uint32_t i = 0; i < l->place_count; i++) {
        const struct layout_place *place = &l->places[i];
        cql_values_init(&v[i], &arena);
        bind_uuid(&v[i], &l->venue_id.u);
        bind_uuid(&v[i], &l->sections[place->section].section_id.u);
        bind_text(&v[i], place->type_id);
        bind_decimal(&v[i], place->price);
        bind_int(&v[i], (int32_t)place->seats);
    }
    int ret = cql_call_many(s, CQL_ST_PUT_VENUE_SECTION, v, l->place_count, NULL, NULL);
    arena_done(&arena);
    return ret;
}

/* A statement about one venue and nothing else. */
static int on_venue(struct cql_store *s, enum cql_st st, const struct venue_id *id)
{
    struct arena arena;
    struct cql_values v;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_uuid(&v, &id->u);
    int ret = cql_call(s, st, &v, NULL);
    arena_done(&arena);
    return ret;
}

static int show(struct cql_store *s, const struct layout *l)
{
    int ret = put_sections(s, l);
    return ret ? ret : on_venue(s, CQL_ST_SHOW_VENUE, &l->venue_id);
}

int cql_put_venue(struct store *base, const struct layout *layout, const struct idem_record *idem)
{
    struct cql_store *s = cql_store_of(base);
    uint32_t chunks;
    int ret = put_chunks(s, layout, &chunks);
    if (!ret)
        ret = put_state(s, &layout->venue_id, chunks, idem);
    if (!ret && idem)
        ret = cql_idem_claim(s, idem, &layout->venue_id);
    if (ret == BOX_EEXISTS)
        on_venue(s, CQL_ST_DROP_VENUE, &layout->venue_id); /* nobody can see it; it only takes up space */
    return ret ? ret : show(s, layout);
}

/* ---- reading ---- */

/* What the rows of a venue say. */
struct venue_rows {
    struct buf bytes;
    int32_t next, chunks;
    bool visible, has_key;
    struct digest key;
};

static int take_row(struct venue_rows *r, struct cql_row *row)
{
    size_t size;
    r->chunks = row_int(row, "chunks");
    r->visible = row_boolean(row, "visible");
    r->has_key = row_has(row, "idem_key");
    if (r->has_key)
        row_bytes(row, "idem_key", r->key.b, DIGEST_BYTES);
    if (!row_has(row, "chunk"))
        return row_ok(row) ? 0 : BOX_ECORRUPT; /* statics alone: dropped */
    int32_t chunk = row_int(row, "chunk");
    const uint8_t *data = row_blob(row, "data", &size);
    if (!row_ok(row) || chunk < r->next)
        return BOX_ECORRUPT;
    if (chunk == r->next && data) {
        buf_add(&r->bytes, data, size);
        r->next++;
    }
    return 0;
}

static int read_rows(struct cql_store *s, const struct venue_id *id, struct venue_rows *r)
{
    struct arena arena;
    struct cql_values v;
    struct cql_scan scan;
    struct cql_row row;
    arena_init(&arena, 256);
    cql_values_init(&v, &arena);
    bind_uuid(&v, &id->u);
    cql_scan_init(&scan, s, CQL_ST_GET_VENUE, &v, CHUNKS_PER_PAGE);
    int ret;
    while ((ret = cql_scan_next(&scan, &row)) == 0)
        if ((ret = take_row(r, &row)))
            break;
    cql_scan_done(&scan);
    arena_done(&arena);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

/* Step 3 for one who died before it, where the answer says that this venue was made. */
static int finish(struct cql_store *s, const struct venue_rows *r, const struct layout *l)
{
    struct venue_id made;
    if (!r->has_key)
        return BOX_ENOTFOUND;
    int ret = cql_idem_venue(s, &r->key, &made);
    if (ret)
        return ret;
    if (!uuid_equal(&made.u, &l->venue_id.u))
        return BOX_ENOTFOUND;
    return show(s, l) ? BOX_EIO : 0;
}

int cql_get_venue(struct store *base, const struct venue_id *id, struct layout **ret_layout)
{
    struct cql_store *s = cql_store_of(base);
    struct venue_rows r = {.next = 0};
    struct layout *layout = NULL;
    int ret = read_rows(s, id, &r);
    if (!ret && (r.chunks == 0 || (!r.visible && !r.has_key)))
        ret = BOX_ENOTFOUND; /* none, or still being written */
    if (!ret && r.next < r.chunks)
        ret = r.visible ? BOX_ECORRUPT : BOX_ENOTFOUND;
    if (!ret)
        ret = layout_decode(r.bytes.data, r.bytes.size, &layout);
    if (!ret && !r.visible)
        ret = finish(s, &r, layout);
    buf_done(&r.bytes);
    if (ret) {
        layout_unref(layout);
        return ret == BOX_ENEWER ? BOX_ECORRUPT : ret;
    }
    *ret_layout = layout;
    return 0;
}

static int list_ids(struct cql_store *s, struct buf *ret_ids)
{
    struct cql_scan scan;
    struct cql_row row;
    int ret;
    cql_scan_init(&scan, s, CQL_ST_LIST_VENUES, NULL, 0);
    while ((ret = cql_scan_next(&scan, &row)) == 0) {
        struct uuid id = row_uuid(&row, "venue_id");
        if (!row_ok(&row)) {
            ret = BOX_ECORRUPT;
            break;
        }
        buf_add(ret_ids, id.b, sizeof(id.b));
    }
    cql_scan_done(&scan);
    return ret == BOX_ENOTFOUND ? 0 : ret;
}

int cql_list_venues(struct store *base, int (*each)(void *ctx, struct layout *layout), void *ctx)
{
    struct buf ids = {0};
    int ret = list_ids(cql_store_of(base), &ids);
    for (size_t at = 0; !ret && at < ids.size; at += sizeof(struct uuid)) {
        struct venue_id id;
        struct layout *layout;
        memcpy(id.u.b, ids.data + at, sizeof(id.u.b));
        ret = cql_get_venue(base, &id, &layout);
        if (!ret)
            ret = each(ctx, layout); /* with its reference */
        else if (ret == BOX_ENOTFOUND)
            ret = 0;
    }
    buf_done(&ids);
    return ret;
}
