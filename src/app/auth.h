/*
 * Credentials: API keys by name, and session tokens.
 *
 * A key is kept as its BLAKE2b digest only. A look-up compares with every key in constant time, so that
 * neither the time nor memory tells anything about a key.
 *
 * A token is stateless: base64url(version 1 | session id 16 | expires_at ms 8 | MAC 32), 57 bytes, 76
 * characters; the MAC is a keyed BLAKE2b-256 of what stands before it. It begins holds until expires_at
 * (LIMIT_SESSION_SECONDS after it was made) and acts on its own holds and orders for 2 *
 * LIMIT_HOLD_SECONDS_MAX longer: as long as any of its holds can live. After that, or forged, or made with
 * another signing key, it is no credential.
 */
#ifndef APP_AUTH_H
#define APP_AUTH_H

#include "base/arena.h"
#include "base/rng.h"
#include "domain/actor.h"
#include "domain/ids.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_KEY, CREDENTIAL_SESSION };

struct credential {
    enum credential_kind kind;
    const char *key_name;      /* CREDENTIAL_KEY; lent by the auth */
    struct session_id session; /* CREDENTIAL_SESSION */
    bool may_begin;            /* a key, or a session whose token has not expired: holds may be begun */
};

struct auth;

/* No keys yet. @signing_key is copied. The caller frees it. */
struct auth *auth_new(const uint8_t signing_key[32]);
void auth_free(struct auth *a);

/*
 * Add a key: @name of [A-Za-z0-9._-], @key of visible ASCII. Two keys may have one name (to change a key
 * without a gap). Returns 0; BOX_ESYNTAX (name or key is not of that form or too long), BOX_EEXISTS (the key
 * is there already), BOX_ERANGE (more than LIMIT_API_KEYS). Thread: before the app is opened.
 */
int auth_add_key(struct auth *a, const char *name, const char *key);
/*
 * Add the keys of a file's content: lines NAME:KEY; lines that begin with # and empty ones are passed over,
 * blanks at both ends of a line are cut. At least one key must be there. Returns 0, or as auth_add_key()
 * (BOX_ESYNTAX also for no key at all) with a sentence in @ret_reason that names the line and never shows a
 * key. Thread: before the app is opened.
 */
int auth_add_key_file(struct auth *a, const char *data, size_t size, struct arena *arena,
                      const char **ret_reason);
size_t auth_key_count(const struct auth *a);

/*
 * Who sends this Authorization header (NULL: none -> CREDENTIAL_NONE, 0)? Thread: any.
 * Returns 0, or BOX_EUNAUTHORIZED: there is a header, but it is no good.
 */
int auth_check(const struct auth *a, const char *authorization, int64_t now_ms,
               struct credential *ret_credential);

/* A token for a session; @ret_expires_ms: until when it begins holds. Memory: the arena's. Thread: any. */
const char *auth_token(const struct auth *a, const struct session_id *session, int64_t now_ms,
                       struct arena *arena, int64_t *ret_expires_ms);

/* The credential as the actor of a change. Not for CREDENTIAL_NONE. */
struct actor credential_actor(const struct credential *c);

#endif
