/* In the place of cdc_source_cql.c where the program is built without the CQL client. */
#include "base/error.h"
#include "store/cql/consumer.h"
#include <stdio.h>

int consumer_source_open(const struct consumer_cluster *cluster, struct cdc_source **ret_source,
                         char ret_reason[CONSUMER_REASON])
{
    (void)cluster;
    (void)ret_source;
    snprintf(ret_reason, CONSUMER_REASON, "this boxoffice was built without cluster support");
    return BOX_ENOSYS;
}
