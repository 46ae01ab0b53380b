/* Ids in a body. */
#ifndef API_ID_IN_H
#define API_ID_IN_H

#include "json/json_in.h"

/* Read an id that may be any UUID. Returns false (recorded) if the value is none. */
bool id_in(struct json_node node, struct uuid *ret_id);
/* Read an id that is kept: not the nil UUID, which stands for none. Nil after a fault. */
struct uuid kept_id_in(struct json_node node);

#endif
