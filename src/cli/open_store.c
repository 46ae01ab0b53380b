#include "cli/open_store.h"
#include "store/rocksdb/store_rocksdb.h"
#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* An option, or its variable: --data-dir is $BOXOFFICE_DATA_DIR. NULL when neither says anything. */
static const char *value_of(struct cli *c, const char *name)
{
    const char *value = cli_value(c, name);
    if (!value) {
        char *variable = arena_printf(&c->arena, "BOXOFFICE_%s", name);
        for (char *p = variable; *p; p++)
            *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        value = getenv(variable);
    }
    return value && *value ? value : NULL;
}

/* ---- embedded ---- */

static int open_embedded(struct cli *c, bool may_make, struct open_store *s)
{
    const char *folder = value_of(c, "data-dir"), *reason = "";
    struct stat st;
    folder = folder ? folder : "boxoffice-data";
    if (!may_make && stat(folder, &st))
        return cli_fail("there is no store in %s: %s", folder, strerror(errno));
    const struct store_rocksdb_options options = {.path = folder};
    int ret = store_rocksdb_open(&options, &s->store, &reason);
    return ret ? cli_fail("%s%s", reason,
                          ret == BOX_ELOCKED ? " (stop the server: an embedded store has one user at a time)"
                                             : "")
               : EXIT_DONE;
}

/* ---- on a cluster ---- */

/* One line USER:PASSWORD. */
static int read_credentials(struct cli *c, const char *path, struct store_cql_options *options)
{
    struct buf text = {0};
    if (!cli_read_file(path, &text))
        return EXIT_REFUSED;
    char *line = arena_strndup(&c->arena, text.data, text.size);
    if (text.data)
        sodium_memzero(text.data, text.size);
    buf_done(&text);
    line[strcspn(line, "\r\n")] = 0;
    char *colon = strchr(line, ':');
    if (!colon)
        return cli_fail("%s has no line USER:PASSWORD", path);
    *colon = 0;
    options->user = line;
    options->password = colon + 1;
    return EXIT_DONE;
}

int cluster_options(struct cli *c, const char *url, struct store_cql_options *ret_options)
{
    const char *credentials = value_of(c, "cql-credentials-file");
    *ret_options = (struct store_cql_options){
        .url = url,
        .local_dc = value_of(c, "local-dc"),
        .user = value_of(c, "cql-user"),
        .password = value_of(c, "cql-password"),
        .tls_ca = value_of(c, "cql-ca"),
        .tls_cert = value_of(c, "cql-cert"),
        .tls_key = value_of(c, "cql-key"),
    };
    return credentials ? read_credentials(c, credentials, ret_options) : EXIT_DONE;
}

static int open_cql(struct cli *c, const char *url, bool may_make, struct open_store *s)
{
    const char *reason = "", *note = NULL;
    struct store_cql_options options;
    int code = cluster_options(c, url, &options);
    if (code)
        return code;
    options.existing = !may_make;
    options.clock = &s->clock;
    options.rng = &s->rng;
    if (store_cql_open(&options, &s->store, &reason, &note))
        return cli_fail("%s", reason);
    if (note)
        fprintf(stderr, "boxoffice: %s\n", note);
    return EXIT_DONE;
}

int open_store(struct cli *c, bool may_make, struct open_store *ret)
{
    const char *store = value_of(c, "store");
    if (sodium_init() < 0)
        return cli_fail("libsodium does not start");
    clock_init_system(&ret->clock);
    rng_init_system(&ret->rng);
    if (!store || !strcmp(store, "embedded"))
        return open_embedded(c, may_make, ret);
    if (!strncmp(store, "cql://", 6))
        return open_cql(c, store, may_make, ret);
    return cli_usage(c, "the store is '%s'; it must be embedded, or cql://HOST[,HOST]/KEYSPACE", store);
}

void close_store(struct open_store *s)
{
    store_close(s->store);
}
