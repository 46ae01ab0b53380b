#include "store/rocksdb/store_rocksdb.h"
#include "base/error.h"
#include "base/must.h"
#include "store/kv/kv_store.h"
#include "store/rocksdb/kv_rocksdb.h"
#include <stdio.h>
#include <string.h>

int store_rocksdb_open(const struct store_rocksdb_options *options, struct store **ret_store,
                       const char **ret_reason)
{
    static _Thread_local char reason[REASON_BYTES + 256];
    char text[REASON_BYTES] = "";
    const char *why = "";
    struct rng rng;
    struct kv *kv;
    struct kv_store *s;
    must(options && ret_store && ret_reason);
    *ret_reason = reason;
    int ret = kv_rocksdb_open(options, &kv, text);
    if (ret) {
        snprintf(reason, sizeof(reason), "%s", text);
        return ret;
    }
    rng_init_system(&rng);
    ret = kv_store_open(kv, &rng, &s, &why);
    if (ret == BOX_ECORRUPT && !strstr(why, "damaged"))
        snprintf(reason, sizeof(reason), "%.200s is damaged: %s; restore a backup", options->path, why);
    else if (ret)
        snprintf(reason, sizeof(reason), "%.200s: %s", options->path, why);
    if (ret)
        return ret;
    *ret_store = &s->store;
    return 0;
}
