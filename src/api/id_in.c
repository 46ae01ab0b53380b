#include "api/id_in.h"

bool id_in(struct json_node node, struct uuid *ret_id)
{
    size_t faults = node.in->error_count;
    struct uuid id = json_in_uuid(node);
    if (node.in->error_count != faults)
        return false;
    *ret_id = id;
    return true;
}

struct uuid kept_id_in(struct json_node node)
{
    struct uuid id = UUID_NIL;
    if (id_in(node, &id) && uuid_is_nil(&id))
        json_in_fault(node, "must not be the nil UUID");
    return id;
}
