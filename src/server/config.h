/*
 * Configuration of the server: the options of defs/options.def from the command line and the environment.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "api/client_address.h"
#include "base/log.h"
#include "writer/budget.h"
#include <stdbool.h>
#include <stdint.h>

struct config {
    /* as given, or the defaults; "" or NULL when a switch is off */
#define OPTION(field, name, arg, value, help) const char *field;
#include "options.def"
#undef OPTION
    /* made of them */
    char address[64]; /* of --listen, without brackets */
    uint16_t port;
    bool demo;
    unsigned http_loops, workers;
    enum log_level level;
    struct budget_limits limits;
    struct proxies proxies;
    bool shared;                    /* the store is a cluster's */
    unsigned lease, max_clock_skew; /* ms */
    const char *api_key;            /* $BOXOFFICE_API_KEY or NULL */
    /* $BOXOFFICE_CQL_USER and ..._PASSWORD, or those of --cql-credentials-file; or NULL */
    const char *cql_user, *cql_password;
    char credentials[1024];
};

/*
 * Read @argc options at @argv (without the program's and the command's name) and the environment.
 * Text is borrowed from both. @ret_reason: one line that says what is wrong.
 * Returns 0, BOX_EINVALID (wrong usage) or BOX_EEXISTS (--help was given).
 */
int config_read(int argc, char **argv, struct config *ret_config, char ret_reason[256]);

/* Say on standard error, in one line whatever stands in it, why the server does not start. */
void config_say(const char *reason);

/* Print the options with their defaults and environment variables to standard output. */
void config_help(void);

#endif
