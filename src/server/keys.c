#include "server/keys.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/text.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_BYTES = 1 << 20, RANDOM_KEY_BYTES = 24, REASON_BYTES = 512 };

/* Read a whole small file. Returns 0 or BOX_EIO with errno set (EFBIG: it is not small). */
static int read_file(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return BOX_EIO;
    int result = 0;
    for (;;) {
        ssize_t n = read(fd, buf_reserve(ret, 4096), 4096);
        if (n > 0 && ret->size + (size_t)n > KEY_FILE_BYTES) {
            errno = EFBIG;
            n = -1;
        }
        if (n <= 0) {
            result = n < 0 ? BOX_EIO : 0;
            break;
        }
        ret->size += (size_t)n;
    }
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static int add_file(const char *path, struct auth *auth, char ret_reason[REASON_BYTES])
{
    struct buf content = {0};
    struct arena arena;
    arena_init(&arena, 0);
    const char *why = NULL;
    int ret = read_file(path, &content);
    if (ret) {
        snprintf(ret_reason, REASON_BYTES, "cannot read the API keys in %.300s: %s", path, strerror(errno));
    } else {
        ret = auth_add_key_file(auth, content.data ? content.data : "", content.size, &arena, &why);
        if (ret)
            snprintf(ret_reason, REASON_BYTES, "API key file %.300s: %s", path, why ? why : "not usable");
    }
    arena_done(&arena);
    buf_done(&content);
    return ret;
}

/* Write the file under another name, sync it, then give it its name: a crash leaves a whole file or none. */
static int write_file(const char *path, const char *text, char ret_reason[REASON_BYTES])
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t size = strlen(text);
    bool done = fd >= 0 && write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (done && rename(temporary, path) == 0)
        return 0;
    snprintf(ret_reason, REASON_BYTES, "cannot write the API key to %.300s: %s", path, strerror(errno));
    return BOX_EIO;
}

static int make_key(const char *path, struct auth *auth, struct rng *rng, char ret_reason[REASON_BYTES])
{
    uint8_t random[RANDOM_KEY_BYTES];
    struct arena arena;
    arena_init(&arena, 0);
    rng_bytes(rng, random, sizeof random);
    const char *key = text_base64url(&arena, random, sizeof random);
    int ret = write_file(path, arena_printf(&arena, "default:%s\n", key), ret_reason);
    if (!ret)
        ret = auth_add_key(auth, "default", key);
    arena_done(&arena);
    return ret;
}

/* ---- on a cluster ---- */

/* Every server of a cluster must know the same keys, or a request that is sent on is refused over there. */
static int check_equal(const struct config *config, struct store *store, const struct digest *keys,
                       char ret_reason[REASON_BYTES])
{
    struct digest kept;
    int ret = store_secret(store, "api-keys", keys->b, kept.b);
    if (ret) {
        store_reason(store, ret_reason, REASON_BYTES);
        if (!*ret_reason)
            snprintf(ret_reason, REASON_BYTES, "%.200s: the digest of the API keys cannot be read",
                     config->store);
        return ret;
    }
    if (digest_equal(&kept, keys))
        return 0;
    snprintf(
        ret_reason, REASON_BYTES,
        "the API keys are not those of the other servers of %.120s: give all of them the same; to change "
        "the keys stop all, DELETE FROM secrets WHERE name = 'api-keys', and start with the new ones",
        config->store);
    return BOX_EINVALID;
}

/* The key that the first server of the cluster has made; hex, as the store's own shell prints it. */
static int add_secret(const struct config *config, struct store *store, struct auth *auth, struct rng *rng,
                      struct buf *ret_key, char ret_reason[REASON_BYTES])
{
    uint8_t fresh[32], secret[32];
    rng_bytes(rng, fresh, sizeof fresh);
    int ret = store_secret(store, "api-key", fresh, secret);
    if (ret) {
        store_reason(store, ret_reason, REASON_BYTES);
        if (!*ret_reason)
            snprintf(ret_reason, REASON_BYTES, "%.200s: the API key cannot be read", config->store);
        return ret;
    }
    text_hex(ret_key, secret, sizeof secret);
    buf_addc(ret_key, 0);
    return auth_add_key(auth, "default", ret_key->data);
}

static int load_shared(const struct config *config, struct store *store, struct auth *auth, struct rng *rng,
                       char ret_reason[REASON_BYTES])
{
    struct buf keys = {0};
    int ret = 0;
    if (*config->api_key_file)
        ret = read_file(config->api_key_file, &keys) ? BOX_EIO : 0;
    else if (!config->api_key)
        ret = add_secret(config, store, auth, rng, &keys, ret_reason);
    if (ret == 0) {
        const char *key = config->api_key ? config->api_key : "";
        struct digest d = digest_of(key, strlen(key), keys.data, keys.size);
        ret = check_equal(config, store, &d, ret_reason);
    }
    buf_done(&keys);
    return ret;
}

int keys_load(const struct config *config, struct store *store, struct auth *auth, struct rng *rng,
              bool *ret_made, char ret_reason[REASON_BYTES])
{
    int ret = 0;
    *ret_made = false;
    if (config->api_key && auth_add_key(auth, "default", config->api_key)) {
        snprintf(ret_reason, REASON_BYTES,
                 "$BOXOFFICE_API_KEY is not usable: it must be 1 to 256 visible ASCII characters");
        return BOX_ESYNTAX;
    }
    if (*config->api_key_file)
        ret = add_file(config->api_key_file, auth, ret_reason);
    if (ret == 0 && store_shared(store))
        return load_shared(config, store, auth, rng, ret_reason);
    if (ret || *config->api_key_file || config->api_key)
        return ret;
    char path[4000];
    if (snprintf(path, sizeof path, "%s/api-key", config->data_dir) >= (int)sizeof path) {
        snprintf(ret_reason, REASON_BYTES, "--data-dir is too long");
        return BOX_EINVALID;
    }
    if (access(path, F_OK) == 0)
        return add_file(path, auth, ret_reason);
    *ret_made = true;
    return make_key(path, auth, rng, ret_reason);
}
