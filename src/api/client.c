/* From whom a request comes, as far as it matters: for the budget of held seats. */
#include "api/request.h"
#include "base/log.h"
#include "base/must.h"
#include <stdatomic.h>
#include <string.h>

/* A proxy that nobody has named: what it says is passed over, and whoever runs this should know. */
static void say_untrusted(void)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&said))
        log_warn("api",
                 "X-Forwarded-For from an address that is not in --trusted-proxies was passed over; if "
                 "that is your proxy, --max-held-per-address cannot tell the buyers behind it apart");
}

/* The server that has sent the request on knows its client. */
static const struct address *client_as_told(const struct api_req *c)
{
    const char *text = http_header(c->req, CLUSTER_CLIENT);
    struct address client;
    if (!text || !address_parse(text, strlen(text), &client))
        return NULL;
    return arena_copy(c->call.arena, &client, sizeof(client));
}

const struct address *api_client(const struct api_req *c)
{
    const struct proxies *proxies = c->api->proxies;
    if (!proxies)
        return NULL;
    if (c->forwarded)
        return client_as_told(c);
    struct address peer;
    must(address_parse(c->req->peer, strlen(c->req->peer), &peer)); /* the socket's */
    const char *forwarded = http_header(c->req, "X-Forwarded-For");
    if (forwarded && !proxies_have(proxies, &peer))
        say_untrusted();
    struct address client = client_address(proxies, &peer, forwarded);
    if (address_is_loopback(&client))
        return NULL;
    client = address_network(&client);
    return arena_copy(c->call.arena, &client, sizeof(client));
}
