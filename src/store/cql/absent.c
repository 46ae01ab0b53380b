/* In the place of store_cql.c where the program is built without the CQL client. */
#include "store/cql/store_cql.h"

bool store_cql_built(void)
{
    return false;
}

int store_cql_open(const struct store_cql_options *options, struct store **ret_store, const char **ret_reason,
                   const char **ret_note)
{
    (void)options;
    (void)ret_store;
    *ret_reason = "built without cluster support; build with cargo 1.89 or newer and libssl-dev installed "
                  "(cmake -DBOXOFFICE_CQL=ON says what is missing)";
    *ret_note = NULL;
    return BOX_ENOSYS;
}
