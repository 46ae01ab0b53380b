#include "server/config.h"
#include "base/error.h"
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

/* Defaults, then the environment. A switch is on in the environment with 1, true or yes. */
static void read_environment(struct config *config)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[64];
        env_name(&OPTIONS[i], name);
        const char *value = getenv(name);
        bool off = !value || !*value ||
                   (!OPTIONS[i].arg && strcmp(value, "1") && strcmp(value, "true") && strcmp(value, "yes"));
        *field_of(config, &OPTIONS[i]) = off ? OPTIONS[i].value : value;
    }
    const char *key = getenv("BOXOFFICE_API_KEY");
    config->api_key = key && *key ? key : NULL;
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

static int parse_number(const char *text, long min, long max, const char *what, long *ret,
                        char ret_reason[256])
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max || !isdigit((unsigned char)text[0])) {
        snprintf(ret_reason, 256, "%s is '%.60s'; it must be a number from %ld to %ld", what, text, min, max);
        return BOX_EINVALID;
    }
    *ret = value;
    return 0;
}

/* "127.0.0.1:8080", "[::1]:8080" */
static int parse_listen(struct config *config, char ret_reason[256])
{
    const char *text = config->listen, *colon = strrchr(text, ':');
    size_t size = colon ? (size_t)(colon - text) : 0;
    if (size > 1 && text[0] == '[' && text[size - 1] == ']') {
        text++;
        size -= 2;
    }
    if (!size || size >= sizeof config->address) {
        snprintf(ret_reason, 256, "--listen is '%.100s'; it must be HOST:PORT, for example 127.0.0.1:8080",
                 config->listen);
        return BOX_EINVALID;
    }
    memcpy(config->address, text, size);
    config->address[size] = 0;
    long port;
    int ret = parse_number(colon + 1, 0, 65535, "the port of --listen", &port, ret_reason);
    if (ret)
        return ret;
    config->port = (uint16_t)port;
    return 0;
}

static int check(struct config *config, char ret_reason[256])
{
    long loops = 0, workers = 0;
    int ret = parse_listen(config, ret_reason);
    if (!ret)
        ret = parse_number(config->http_threads, 1, 64, "--http-threads", &loops, ret_reason);
    if (!ret)
        ret = parse_number(config->worker_threads, 1, 64, "--worker-threads", &workers, ret_reason);
    if (!ret && log_parse_level(config->log_level, &config->level)) {
        snprintf(ret_reason, 256, "--log-level is '%.60s'; it must be error, warn, info or debug",
                 config->log_level);
        ret = BOX_EINVALID;
    }
    if (!ret && !strncmp(config->store, "cql://", 6)) {
        snprintf(ret_reason, 256, "this boxoffice was built without cluster support; use --store embedded");
        ret = BOX_EINVALID;
    } else if (!ret && strcmp(config->store, "embedded") != 0) {
        snprintf(ret_reason, 256, "--store is '%.60s'; it must be embedded", config->store);
        ret = BOX_EINVALID;
    }
    if (!ret && !*config->data_dir) {
        snprintf(ret_reason, 256, "--data-dir is empty; name a folder");
        ret = BOX_EINVALID;
    }
    config->http_loops = (unsigned)loops;
    config->workers = (unsigned)workers;
    config->demo = *config->demo_payments;
    return ret;
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
    int ret = check(&config, ret_reason);
    if (!ret)
        *ret_config = config;
    return ret;
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
