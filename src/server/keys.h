/*
 * Where the API keys come from: $BOXOFFICE_API_KEY, --api-key-file, or a key made at the first start.
 */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include "app/auth.h"
#include "server/config.h"
#include "store/store.h"

/*
 * Add the keys of the configuration to @auth. Without any, DIR/api-key is read, or made (mode 0600) with one
 * random key named "default"; *ret_made says so. On a shared store that key is a secret of the store's, and
 * servers whose keys are not the same refuse to start (BOX_EINVALID). @ret_reason: one line without any key
 * in it. Returns 0, or an error of auth_add_key_file(), BOX_EIO.
 */
int keys_load(const struct config *config, struct store *store, struct auth *auth, struct rng *rng,
              bool *ret_made, char ret_reason[512]);

#endif
