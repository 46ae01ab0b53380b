/*
 * A keyspace of one's own on a real cluster, for test programs: named after the process, dropped at the end.
 * BOXOFFICE_TEST_CQL=cql://HOST/PREFIX says where; without it such a program is skipped, loudly, and fails
 * where BOXOFFICE_CQL=ON says that it must not be.
 */
#ifndef CONTRACT_CQL_KEYSPACE_H
#define CONTRACT_CQL_KEYSPACE_H

#include "contract/world.h"
#include "cql.h"
#include "store/cql/store_cql.h"
#include <unistd.h>

enum { SKIPPED = 77 };

static char cql_hosts[512], cql_keyspace[49], cql_url[600];
static struct cql_session *cql_raw; /* of the test's own, beside the store's */
static struct clock cql_clock;
static struct rng cql_rng;

/* True: run. False: leave main() with *ret_code. */
static inline bool cql_test_begin(const char *name, int *ret_code)
{
    const char *where = getenv("BOXOFFICE_TEST_CQL"), *must_run = getenv("BOXOFFICE_CQL");
    const char *slash = where && strncmp(where, "cql://", 6) == 0 ? strchr(where + 6, '/') : NULL;
    if (!slash) {
        bool red = must_run && strcmp(must_run, "ON") == 0;
        fprintf(stderr, "%s: SKIPPED, BOXOFFICE_TEST_CQL=cql://HOST/PREFIX names no cluster%s\n", name,
                red ? "; BOXOFFICE_CQL=ON: that is a failure" : "");
        *ret_code = red ? 1 : SKIPPED;
        return false;
    }
    struct cql_options options = {.hosts = cql_hosts, .threads = 1, .connect_timeout_ms = 10000};
    struct cql_error error;
    snprintf(cql_hosts, sizeof(cql_hosts), "%.*s", (int)(slash - where - 6), where + 6);
    snprintf(cql_keyspace, sizeof(cql_keyspace), "%.20s_%.8s_%ld", slash + 1, name, (long)getpid());
    snprintf(cql_url, sizeof(cql_url), "cql://%s/%s", cql_hosts, cql_keyspace);
    clock_init_system(&cql_clock);
    rng_init_system(&cql_rng);
    if (cql_open(&options, &cql_raw, &error) == CQL_OK)
        return true;
    fprintf(stderr, "%s: no cluster at %s: %s\n", name, cql_hosts, error.message);
    *ret_code = 1;
    return false;
}

/* Run one statement; it must succeed. The result is the caller's. */
static inline struct cql_result *cql_do(const char *format, ...)
{
    char text[2048];
    struct cql_result *result = NULL;
    struct cql_error error = {.message = ""};
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (cql_query(cql_raw, text, 60000, &result, &error) != CQL_OK)
        fail_msg("%s: %s", text, error.message);
    return result;
}

/* The same, the result is not wanted. */
#define cql_run(...) cql_result_free(cql_do(__VA_ARGS__))

static inline void cql_drop(const char *keyspace)
{
    char text[128];
    struct cql_error error;
    snprintf(text, sizeof(text), "DROP KEYSPACE IF EXISTS %s", keyspace);
    cql_query(cql_raw, text, 60000, NULL, &error);
}

static inline void cql_test_end(void)
{
    cql_drop(cql_keyspace);
    cql_close(cql_raw);
}

static inline int cql_try_open(const char *url, const struct store_cql_options *more,
                               struct store **ret_store, const char **ret_reason, const char **ret_note)
{
    struct store_cql_options options = more ? *more : (struct store_cql_options){.url = NULL};
    options.url = url;
    options.clock = &cql_clock;
    options.rng = &cql_rng;
    return store_cql_open(&options, ret_store, ret_reason, ret_note);
}

/* Open the keyspace, which is made if it is not there. */
static inline struct store *cql_open_store(void)
{
    struct store *s = NULL;
    const char *reason = "", *note;
    if (cql_try_open(cql_url, NULL, &s, &reason, &note))
        fail_msg("%s: %s", cql_url, reason);
    return s;
}

/* Empty the tables that are listed whole, so that a test finds nothing of the one before. The suite's clock
   is years ahead, and so are the times of its rows: a DELETE would be older. */
static inline void cql_clear(void)
{
    static const char *const lists[] = {"venues", "events", "event_slugs", "order_index", "tickets"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        cql_run("TRUNCATE %s.%s", cql_keyspace, lists[i]);
}

#endif
