#include "server/config.h"
#include "base/error.h"
#include "base/params.h"
#include "store/cql/schema.h"
#include "store/cql/store_cql.h"
#include "store/cql/url.h"
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option_info {
    const char *name, *arg, *value, *help;
    size_t offset; /* of the field in struct config */
};

static const struct option_info OPTIONS[] = {
#define OPTION(field, name, arg, value, help) {name, arg, value, help, offsetof(struct config, field)},
#include "options.def"
#undef OPTION
};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0] };

static const char **field_of(struct config *config, const struct option_info *option)
{
    return (const char **)((char *)config + option->offset);
}

/* "data-dir" -> "BOXOFFICE_DATA_DIR" */
static void env_name(const struct option_info *option, char ret[64])
{
    int size = snprintf(ret, 64, "BOXOFFICE_%s", option->name);
    for (int i = 0; i < size; i++)
        ret[i] = ret[i] == '-' ? '_' : (char)toupper((unsigned char)ret[i]);
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strcmp(text, *words))
            return true;
    return false;
}

static const char *env_or_null(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Defaults, then the environment. A variable that is empty counts as not set. */
static void read_environment(struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[64];
        env_name(&OPTIONS[i], name);
        const char *value = getenv(name);
        *field_of(config, &OPTIONS[i]) = value && *value ? value : OPTIONS[i].value;
    }
    config->api_key = env_or_null("BOXOFFICE_API_KEY");
    config->cql_user = env_or_null("BOXOFFICE_CQL_USER");
    config->cql_password = env_or_null("BOXOFFICE_CQL_PASSWORD");
}

/* One argument; --name VALUE or --name=VALUE. Returns how many were used, 0 with a reason when it is wrong.
 */
static int read_option(struct config *config, int argc, char **argv, char ret_reason[256])
{
    const char *text = argv[0];
    if (strncmp(text, "--", 2) != 0) {
        snprintf(ret_reason, 256, "unexpected argument '%.100s'; see 'boxoffice serve --help'", text);
        return 0;
    }
    const char *equals = strchr(text, '=');
    size_t size = equals ? (size_t)(equals - text) - 2 : strlen(text + 2);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option_info *o = &OPTIONS[i];
        if (strlen(o->name) != size || memcmp(o->name, text + 2, size) != 0)
            continue;
        if (!o->arg && !equals) {
            *field_of(config, o) = "yes";
            return 1;
        }
        if (o->arg && (equals || argc > 1)) {
            *field_of(config, o) = equals ? equals + 1 : argv[1];
            return equals ? 1 : 2;
        }
        snprintf(ret_reason, 256, o->arg ? "--%s needs a value: --%s %s" : "--%s takes no value", o->name,
                 o->name, o->arg);
        return 0;
    }
    snprintf(ret_reason, 256, "unknown option '%.100s'; see 'boxoffice serve --help'", text);
    return 0;
}

/* Say that the option whose value is @field, which came from the command line or from the environment, is
 * wrong.
 */
static int wrong(const struct config *config, const char *const *field, const char *must_be,
                 char ret_reason[256])
{
    char variable[64];
    const struct option_info *o = OPTIONS;
    while (o->offset != (size_t)((const char *)field - (const char *)config))
        o++;
    env_name(o, variable);
    bool from_env = *field == getenv(variable);
    snprintf(ret_reason, 256, "%s%s is '%.80s'; it must be %s", from_env ? "$" : "--",
             from_env ? variable : o->name, *field, must_be);
    return BOX_EINVALID;
}

static bool parse_number(const char *text, long min, long max, unsigned *ret)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || *end || value < min || value > max || !isdigit((unsigned char)text[0]))
        return false;
    *ret = (unsigned)value;
    return true;
}

/* "127.0.0.1:8080", "[::1]:8080" */
static bool parse_listen(struct config *config)
{
    const char *text = config->listen, *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : 0;
    unsigned port;
    if (!size || !parse_number(colon + 1, 0, 65535, &port))
        return false;
    if (size > 1 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    if (!size || size >= sizeof config->address)
        return false;
    memcpy(config->address, text, size);
    config->address[size] = 0;
    config->port = (uint16_t)port;
    return true;
}

static bool parse_switch(const char *text, bool *ret)
{
    static const char *const on[] = {"1", "true", "yes", NULL}, *const off[] = {"", "0", "false", "no", NULL};
    *ret = is_one_of(text, on);
    return *ret || is_one_of(text, off);
}

/* A number of seats, 0 for any number. */
static int check_seats(struct config *c, const char *const *field, uint32_t *ret_seats, char ret_reason[256])
{
    char must_be[64];
    unsigned seats;
    snprintf(must_be, sizeof must_be, "a number from 0 (no limit) to %d", LIMIT_HELD_MAX);
    if (!parse_number(*field, 0, LIMIT_HELD_MAX, &seats))
        return wrong(c, field, must_be, ret_reason);
    *ret_seats = seats;
    return 0;
}

static int check_proxies(struct config *c, char ret_reason[256])
{
    char must_be[160];
    const char *entry = NULL;
    size_t size = 0;
    int ret = proxies_parse(c->trusted_proxies, &c->proxies, &entry, &size);
    if (ret == BOX_ERANGE)
        snprintf(must_be, sizeof must_be, "a list of at most %d addresses and ranges", LIMIT_TRUSTED_PROXIES);
    else if (ret)
        snprintf(must_be, sizeof must_be, "addresses and ranges (10.0.0.0/8,::1), and '%.*s' is neither",
                 size < 40 ? (int)size : 40, entry);
    return ret ? wrong(c, &c->trusted_proxies, must_be, ret_reason) : 0;
}

/* Who may hold how much, and how it is known who that is. */
static int check_budgets(struct config *c, char ret_reason[256])
{
    uint32_t *seats = c->limits.seats;
    int ret = check_seats(c, &c->max_held_per_session, &seats[BUDGET_SESSION], ret_reason);
    if (!ret)
        ret = check_seats(c, &c->max_held_per_address, &seats[BUDGET_ADDRESS], ret_reason);
    return ret ? ret : check_proxies(c, ret_reason);
}

/* "http://HOST:PORT" or "https://HOST:PORT", with or without a slash. */
static bool is_address(const char *url)
{
    const char *host = !strncmp(url, "https://", 8) ? url + 8 : !strncmp(url, "http://", 7) ? url + 7 : NULL;
    size_t size = host ? strcspn(host, "/?#@ ") : 0;
    return size && strlen(url) < SERVER_ADDRESS_BYTES && (!host[size] || !strcmp(host + size, "/"));
}

/* One line USER:PASSWORD. */
static int read_credentials(struct config *c, char ret_reason[256])
{
    FILE *file = fopen(c->cql_credentials_file, "re");
    char *read = file ? fgets(c->credentials, sizeof c->credentials, file) : NULL;
    if (file)
        fclose(file);
    char *colon = read ? strchr(read, ':') : NULL;
    if (!colon)
        return wrong(c, &c->cql_credentials_file, "a file that can be read, with one line USER:PASSWORD",
                     ret_reason);
    *colon = 0;
    colon[1 + strcspn(colon + 1, "\r\n")] = 0;
    c->cql_user = read;
    c->cql_password = colon + 1;
    return 0;
}

static bool listens_everywhere(const struct config *c)
{
    return !strcmp(c->address, "0.0.0.0") || !strcmp(c->address, "::");
}

/* What can be seen to be wrong without asking the cluster. */
static int check_address(struct config *c, char ret_reason[256])
{
    struct cql_url url;
    const char *reason;
    if (!store_cql_built())
        return wrong(c, &c->store, "embedded: this boxoffice was built without cluster support", ret_reason);
    if (cql_url_parse(c->store, &url, &reason)) {
        snprintf(ret_reason, 256, "the store is '%.80s'; %.160s", c->store, reason);
        return BOX_EINVALID;
    }
    if (*c->replication && !schema_replication_valid(c->replication))
        return wrong(c, &c->replication,
                     "a CQL map, e.g. {'class': 'NetworkTopologyStrategy', 'datacenter1': '3'}", ret_reason);
    return 0;
}

static int check_cluster(struct config *c, char ret_reason[256])
{
    int ret = c->shared ? check_address(c, ret_reason) : 0;
    if (ret)
        return ret;
    if (!parse_number(c->server_lease_ms, 1000, 60000, &c->lease))
        return wrong(c, &c->server_lease_ms, "a number of milliseconds from 1000 to 60000", ret_reason);
    if (!parse_number(c->max_clock_skew_ms, 10, 10000, &c->max_clock_skew))
        return wrong(c, &c->max_clock_skew_ms, "a number of milliseconds from 10 to 10000", ret_reason);
    if (*c->advertise && !is_address(c->advertise))
        return wrong(c, &c->advertise, "http://HOST:PORT or https://HOST:PORT", ret_reason);
    if (c->shared && !*c->advertise && listens_everywhere(c))
        return wrong(c, &c->listen, "one address that other servers can use, or --advertise must say one",
                     ret_reason);
    return *c->cql_credentials_file ? read_credentials(c, ret_reason) : 0;
}

static int check(struct config *c, char ret_reason[256])
{
    if (!parse_listen(c))
        return wrong(c, &c->listen, "HOST:PORT, PORT from 0 to 65535, for example 127.0.0.1:8080",
                     ret_reason);
    if (!parse_number(c->http_threads, 1, 64, &c->http_loops))
        return wrong(c, &c->http_threads, "a number from 1 to 64", ret_reason);
    if (!parse_number(c->worker_threads, 1, 64, &c->workers))
        return wrong(c, &c->worker_threads, "a number from 1 to 64", ret_reason);
    if (log_parse_level(c->log_level, &c->level))
        return wrong(c, &c->log_level, "error, warn, info or debug", ret_reason);
    if (!parse_switch(c->demo_payments, &c->demo))
        return wrong(c, &c->demo_payments, "yes or no", ret_reason);
    if (!*c->data_dir)
        return wrong(c, &c->data_dir, "the name of a folder", ret_reason);
    c->shared = !strncmp(c->store, "cql://", 6);
    if (!c->shared && strcmp(c->store, "embedded") != 0)
        return wrong(c, &c->store, "embedded, or cql://HOST[,HOST]/KEYSPACE", ret_reason);
    int ret = check_cluster(c, ret_reason);
    return ret ? ret : check_budgets(c, ret_reason);
}

int config_read(int argc, char **argv, struct config *ret_config, char ret_reason[256])
{
    struct config config = {0};
    read_environment(&config);
    while (argc > 0) {
        if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
            return BOX_EEXISTS;
        int used = read_option(&config, argc, argv, ret_reason);
        if (!used)
            return BOX_EINVALID;
        argc -= used;
        argv += used;
    }
    *ret_config = config; /* what is checked may point into it */
    return check(ret_config, ret_reason);
}

void config_say(const char *reason)
{
    char line[640];
    snprintf(line, sizeof line, "%s", reason);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    fprintf(stderr, "boxoffice: %s\n", line);
}

void config_help(void)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char env[64], left[64];
        env_name(&OPTIONS[i], env);
        snprintf(left, sizeof left, "--%s%s%s", OPTIONS[i].name, OPTIONS[i].arg ? " " : "",
                 OPTIONS[i].arg ? OPTIONS[i].arg : "");
        printf("  %-24s %s\n", left, OPTIONS[i].help);
        printf("  %-24s %s%s%s%s\n", "", env, OPTIONS[i].value[0] ? "; default: " : "", OPTIONS[i].value, "");
    }
}
