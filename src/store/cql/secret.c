/*
 * Secrets that all servers of a cluster share: made once, by whoever comes first. An LWT decides, so that two
 * who start together end up with the same.
 */
#include "base/must.h"
#include "store/cql/ops.h"
#include <string.h>

enum { SECRET_BYTES = 32 };

static int read_value(const struct cql_result *result, uint8_t ret_secret[SECRET_BYTES])
{
    uint8_t secret[SECRET_BYTES];
    struct cql_row row = cql_row_at(result, 0);
    row_bytes(&row, "value", secret, sizeof(secret));
    if (!row_ok(&row))
        return BOX_EIO;
    memcpy(ret_secret, secret, sizeof(secret));
    return 0;
}

static int find(struct cql_store *s, const char *name, struct arena *arena, uint8_t ret_secret[SECRET_BYTES])
{
    struct cql_values v;
    struct cql_result *result;
    cql_values_init(&v, arena);
    bind_text(&v, name);
    int ret = cql_call(s, CQL_ST_GET_SECRET, &v, &result);
    if (ret)
        return ret;
    ret = cql_rows(result) ? read_value(result, ret_secret) : BOX_ENOTFOUND;
    cql_result_free(result);
    return ret;
}

/* A refusal shows the value that is there: perhaps ours, of a try whose answer was lost. */
static int make(struct cql_store *s, const char *name, const uint8_t fresh[SECRET_BYTES], struct arena *arena,
                uint8_t ret_secret[SECRET_BYTES])
{
    struct cql_values v;
    struct cql_result *result;
    bool applied;
    cql_values_init(&v, arena);
    bind_text(&v, name);
    bind_blob(&v, fresh, SECRET_BYTES);
    int ret = cql_call_lwt(s, CQL_ST_MAKE_SECRET, &v, &applied, &result);
    if (ret)
        return ret == BOX_EUNKNOWN ? ret : BOX_EIO;
    if (applied)
        memcpy(ret_secret, fresh, SECRET_BYTES);
    else
        ret = read_value(result, ret_secret);
    cql_result_free(result);
    return ret;
}

int cql_secret(struct store *base, const char *name, const uint8_t fresh[32], uint8_t ret_secret[32])
{
    struct cql_store *s = cql_store_of(base);
    struct arena arena;
    arena_init(&arena, 0);
    int ret = find(s, name, &arena, ret_secret);
    if (ret == BOX_ENOTFOUND)
        ret = make(s, name, fresh, &arena, ret_secret);
    arena_done(&arena);
    return ret;
}
