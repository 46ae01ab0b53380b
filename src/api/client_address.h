/*
 * Client address: from where a request really comes, when proxies stand between.
 *
 * Each proxy appends the address that it was called from to X-Forwarded-For, so what stands at the right is
 * the nearest. What stands further left came with the request, and anybody can write it. So only what a
 * trusted proxy has written counts: beginning with the peer, as long as the address is a trusted proxy's, the
 * next one to the left is taken; the first that is not trusted is the client. An entry that is no address
 * ends the walk at the last good one, as does the end of the list.
 *
 * `Forwarded` (RFC 7239) is not read: the proxies that people run write X-Forwarded-For, and a header that a
 * proxy passes on unread is one more that a client can forge.
 */
#ifndef API_CLIENT_ADDRESS_H
#define API_CLIENT_ADDRESS_H

#include "base/address.h"
#include "base/params.h"

struct proxies {
    struct address_range ranges[LIMIT_TRUSTED_PROXIES];
    size_t count;
};

/*
 * Parse a list of addresses and ranges, separated by commas; "" is none. Returns 0; BOX_ESYNTAX
 * (*ret_wrong, *ret_size: the entry that is neither, in @text); BOX_ERANGE (too many).
 */
int proxies_parse(const char *text, struct proxies *ret_proxies, const char **ret_wrong, size_t *ret_size);
/* True if @address is one of them. */
bool proxies_have(const struct proxies *p, const struct address *address);

/*
 * The client of a request from @peer, where it came with the X-Forwarded-For @forwarded (all fields, joined
 * with commas; NULL: none). At most LIMIT_PROXY_HOPS entries are looked at. Entries may have a port, and
 * brackets round IPv6, as some proxies write them.
 */
struct address client_address(const struct proxies *trusted, const struct address *peer,
                              const char *forwarded);

#endif
