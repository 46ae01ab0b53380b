/* What the two ways of `boxoffice cdc tail` share: from a server (cmd_cdc.c), from a cluster (cdc_store.c).
 */
#ifndef CLI_CDC_TAIL_H
#define CLI_CDC_TAIL_H

#include "cli/cli.h"

/* Those that only --store has. */
#define CDC_STORE_OPTIONS                                                                                    \
    {"checkpoint", "NAME", "store: go on where this checkpoint is, and keep in it how far was read"},        \
        {"from-start", NULL, "store: without a checkpoint begin with the oldest row of the log"},            \
        {"until-now", NULL, "store: end when all is read that is old enough, instead of waiting for more"},  \
        {"safety-ms", "N", "store: rows may be written so late after their time (default 30000)"},           \
        {"log-table", "TABLE", "store: default order_queue_scylla_cdc_log"},                                 \
        {"generations-table", "TABLE", "store: default the server's, on Cassandra cdc_generations"},         \
        {"streams-table", "TABLE", "store: default the server's, on Cassandra cdc_streams"},                 \
    {                                                                                                        \
        "expiries-table", "TABLE", "store: default order_queue_expiries on ScyllaDB, else none"              \
    }

/* One that was given of those, or NULL. */
const char *cdc_store_option(const struct cli *c);
/* `cdc tail --store`. Returns an exit code. */
int cdc_tail_store(struct cli *c);

/* The heads of the columns; a row, an object with the members of a row of GET /v1/cdc/order_queue. */
void cdc_print_head(void);
void cdc_print_row(struct cli *c, struct json_node row);

#endif
