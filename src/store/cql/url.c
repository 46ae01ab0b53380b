#include "store/cql/url.h"
#include "base/error.h"
#include <ctype.h>
#include <string.h>

int cql_url_parse(const char *text, struct cql_url *ret_url, const char **ret_reason)
{
    static const char scheme[] = "cql://";
    const char *hosts = text + strlen(scheme);
    const char *slash = strncmp(text, scheme, strlen(scheme)) ? NULL : strchr(hosts, '/');
    struct cql_url url = {.hosts = ""};
    *ret_reason = "the store must be cql://HOST[:PORT][,HOST[:PORT]]/KEYSPACE";
    if (!slash || slash == hosts || strpbrk(hosts, " @?#"))
        return BOX_EINVALID;
    size_t size = (size_t)(slash - hosts);
    if (size >= sizeof(url.hosts)) {
        *ret_reason = "there are too many hosts in the address of the store: a few are enough, the other "
                      "nodes are found by themselves";
        return BOX_EINVALID;
    }
    if (!schema_keyspace_valid(slash + 1)) {
        *ret_reason = "the keyspace in cql://HOSTS/KEYSPACE must be a letter and then letters, digits and _, "
                      "at most 48";
        return BOX_EINVALID;
    }
    memcpy(url.hosts, hosts, size);
    for (size_t i = 0; slash[1 + i]; i++)
        url.keyspace[i] = (char)tolower((unsigned char)slash[1 + i]);
    *ret_url = url;
    return 0;
}
