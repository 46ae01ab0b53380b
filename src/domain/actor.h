/* Who made a change. */
#ifndef DOMAIN_ACTOR_H
#define DOMAIN_ACTOR_H

#include "base/params.h"
#include "domain/ids.h"

enum actor_kind { ACTOR_SYSTEM = 0, ACTOR_KEY = 1, ACTOR_SESSION = 2 };

struct actor {
    enum actor_kind kind;
    struct session_id session;                   /* ACTOR_SESSION, else nil */
    char key_name[LIMIT_API_KEY_NAME_CHARS + 1]; /* ACTOR_KEY, else "" */
};

/* The program itself: expiries. */
struct actor actor_system(void);
/* An API key by its name, which must fit. */
struct actor actor_key(const char *name);
/* A buyer's session. */
struct actor actor_session(struct session_id session);

#endif
