#include "domain/actor.h"
#include "base/must.h"
#include <string.h>

struct actor actor_system(void)
{
    return (struct actor){.kind = ACTOR_SYSTEM};
}

struct actor actor_key(const char *name)
{
    struct actor a = {.kind = ACTOR_KEY};
    size_t size = strlen(name);
    must(size > 0 && size < sizeof(a.key_name)); /* checked when the key file was read */
    memcpy(a.key_name, name, size);
    return a;
}

struct actor actor_session(struct session_id session)
{
    return (struct actor){.kind = ACTOR_SESSION, .session = session};
}
