#include "app/auth.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/must.h"
#include "base/params.h"
#include "base/text.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TOKEN_VERSION = 1,
    TOKEN_SIGNED_BYTES = 1 + 16 + 8,
    TOKEN_BYTES = TOKEN_SIGNED_BYTES + DIGEST_BYTES,
    TOKEN_CHARS = TOKEN_BYTES * 4 / 3, /* 57 is a multiple of 3: no padding to leave out */
};

/* A session acts on its holds as long as any of them can live: twice the longest hold after the last could
 * begin. */
#define GRACE_MS (INT64_C(2000) * LIMIT_HOLD_SECONDS_MAX)

struct api_key {
    struct digest digest;
    char name[LIMIT_API_KEY_NAME_CHARS + 1];
};

struct auth {
    struct mac_key signing_key;
    struct api_key *keys;
    size_t key_count;
};

struct auth *auth_new(const uint8_t signing_key[32])
{
    struct auth *a = calloc(1, sizeof(*a));
    must(a);
    mac_key_init(&a->signing_key, signing_key);
    return a;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    sodium_memzero(&a->signing_key, sizeof(a->signing_key));
    free(a->keys);
    free(a);
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

static bool name_valid(const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < size; i++)
        if (!name_char(name[i]))
            return false;
    return size >= 1 && size <= LIMIT_API_KEY_NAME_CHARS;
}

static bool key_valid(const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < size; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return false;
    return size >= 1 && size <= LIMIT_API_KEY_CHARS;
}

static struct digest key_digest(const char *key)
{
    return digest_of("boxoffice api key", 17, key, strlen(key));
}

/* The key with this digest, or NULL; every key is compared, whether or not one was found. */
static const struct api_key *find_key(const struct auth *a, const struct digest *digest)
{
    const struct api_key *found = NULL;
    for (size_t i = 0; i < a->key_count; i++)
        if (digest_equal(&a->keys[i].digest, digest))
            found = &a->keys[i];
    return found;
}

int auth_add_key(struct auth *a, const char *name, const char *key)
{
    if (!name_valid(name) || !key_valid(key))
        return BOX_ESYNTAX;
    struct digest digest = key_digest(key);
    if (find_key(a, &digest))
        return BOX_EEXISTS;
    if (a->key_count == LIMIT_API_KEYS)
        return BOX_ERANGE;
    a->keys = realloc(a->keys, (a->key_count + 1) * sizeof(*a->keys));
    must(a->keys);
    struct api_key *added = &a->keys[a->key_count++];
    *added = (struct api_key){.digest = digest};
    memcpy(added->name, name, strlen(name));
    return 0;
}

size_t auth_key_count(const struct auth *a)
{
    return a->key_count;
}

static const char *key_reason(int code)
{
    switch (code) {
    case BOX_EEXISTS:
        return "the same key stands on an earlier line";
    case BOX_ERANGE:
        return "there are too many keys";
    default:
        return "NAME must be 1 to 64 of A-Z a-z 0-9 . _ - and KEY 1 to 256 visible ASCII characters";
    }
}

/* @line without the blanks at its ends. */
static char *trim(char *line)
{
    char *end = line + strlen(line);
    while (end > line && strchr(" \t\r", end[-1]))
        *--end = '\0';
    return line + strspn(line, " \t");
}

/* One line of a key file. Returns 0 or an error, with the reason. */
static int add_line(struct auth *a, char *line, const char **ret_reason)
{
    char *text = trim(line);
    if (!*text || *text == '#')
        return 0;
    char *colon = strchr(text, ':');
    if (!colon) {
        *ret_reason = "a line is NAME:KEY";
        return BOX_ESYNTAX;
    }
    *colon = '\0';
    int ret = auth_add_key(a, text, colon + 1);
    if (ret)
        *ret_reason = key_reason(ret);
    return ret;
}

int auth_add_key_file(struct auth *a, const char *data, size_t size, struct arena *arena,
                      const char **ret_reason)
{
    size_t before = a->key_count;
    const char *next = data, *end = data + size;
    for (unsigned number = 1; next < end; number++) {
        const char *stop = memchr(next, '\n', (size_t)(end - next));
        stop = stop ? stop : end;
        char *line = arena_strndup(arena, next, (size_t)(stop - next));
        const char *reason = "a NUL byte stands in it";
        int ret = strlen(line) < (size_t)(stop - next) ? BOX_ESYNTAX : add_line(a, line, &reason);
        if (ret) {
            *ret_reason = arena_printf(arena, "line %u: %s", number, reason);
            return ret;
        }
        next = stop + 1;
    }
    if (a->key_count > before)
        return 0;
    *ret_reason = "there is no key; a line is NAME:KEY";
    return BOX_ESYNTAX;
}

const char *auth_token(const struct auth *a, const struct session_id *session, int64_t now_ms,
                       struct arena *arena, int64_t *ret_expires_ms)
{
    int64_t expires_ms = now_ms + INT64_C(1000) * LIMIT_SESSION_SECONDS;
    struct buf b = {0};
    put_u8(&b, TOKEN_VERSION);
    buf_add(&b, session->u.b, sizeof(session->u.b));
    put_i64(&b, expires_ms);
    must(b.size == TOKEN_SIGNED_BYTES);
    struct digest mac = mac_of(&a->signing_key, b.data, b.size);
    buf_add(&b, mac.b, sizeof(mac.b));
    const char *token = text_base64url(arena, b.data, b.size);
    buf_done(&b);
    *ret_expires_ms = expires_ms;
    return token;
}

/* Read a token that this server signed. Returns false for everything else. */
static bool read_token(const struct auth *a, const char *text, struct session_id *ret_session,
                       int64_t *ret_expires_ms)
{
    uint8_t bytes[TOKEN_BYTES];
    size_t size = 0;
    if (text_from_base64url(text, bytes, sizeof(bytes), &size) || size != TOKEN_BYTES)
        return false;
    struct digest mac = mac_of(&a->signing_key, bytes, TOKEN_SIGNED_BYTES), sent;
    memcpy(sent.b, bytes + TOKEN_SIGNED_BYTES, sizeof(sent.b));
    struct rd r;
    rd_init(&r, bytes, TOKEN_SIGNED_BYTES);
    uint8_t version = rd_u8(&r);
    memcpy(ret_session->u.b, rd_raw(&r, sizeof(ret_session->u.b)), sizeof(ret_session->u.b));
    *ret_expires_ms = rd_i64(&r);
    must(rd_end(&r));
    return digest_equal(&mac, &sent) && version == TOKEN_VERSION;
}

/* What stands after "Bearer", or NULL. The scheme's name is without case (RFC 9110). */
static const char *bearer(const char *authorization)
{
    if (strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    const char *text = authorization + 7;
    return text + strspn(text, " ");
}

int auth_check(const struct auth *a, const char *authorization, int64_t now_ms,
               struct credential *ret_credential)
{
    struct credential c = {.kind = CREDENTIAL_NONE};
    if (!authorization) {
        *ret_credential = c;
        return 0;
    }
    const char *text = bearer(authorization);
    if (!text)
        return BOX_EUNAUTHORIZED;
    int64_t expires_ms;
    if (read_token(a, text, &c.session, &expires_ms)) {
        if (now_ms >= expires_ms + GRACE_MS)
            return BOX_EUNAUTHORIZED;
        c.kind = CREDENTIAL_SESSION;
        c.may_begin = now_ms < expires_ms;
        *ret_credential = c;
        return 0;
    }
    struct digest digest = key_digest(text);
    const struct api_key *key = find_key(a, &digest);
    if (!key)
        return BOX_EUNAUTHORIZED;
    *ret_credential = (struct credential){.kind = CREDENTIAL_KEY, .key_name = key->name, .may_begin = true};
    return 0;
}

struct actor credential_actor(const struct credential *c)
{
    must(c->kind != CREDENTIAL_NONE);
    return c->kind == CREDENTIAL_KEY ? actor_key(c->key_name) : actor_session(c->session);
}
