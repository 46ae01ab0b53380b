#include "base/address.h"
#include <arpa/inet.h>
#include <string.h>

enum { BITS = 128, IPV4_PREFIX_BITS = 96, NETWORK_BITS = 64 };

static bool is_ipv4(const struct address *address)
{
    static const uint8_t prefix[IPV4_PREFIX_BITS / 8] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address->b, prefix, sizeof(prefix)) == 0;
}

bool address_parse(const char *text, size_t size, struct address *ret_address)
{
    char copy[INET6_ADDRSTRLEN];
    struct address a = {.b = {[10] = 0xff, [11] = 0xff}};
    if (size >= sizeof(copy) || memchr(text, 0, size))
        return false;
    memcpy(copy, text, size);
    copy[size] = 0;
    if (inet_pton(AF_INET, copy, a.b + IPV4_PREFIX_BITS / 8) != 1 && inet_pton(AF_INET6, copy, a.b) != 1)
        return false;
    *ret_address = a;
    return true;
}

/* Nothing but the first @bits bits. */
static struct address cut(const struct address *address, unsigned bits)
{
    struct address a = *address;
    for (unsigned i = 0; i < sizeof(a.b); i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        if (kept < 8)
            a.b[i] &= (uint8_t)(0xff00 >> kept);
    }
    return a;
}

static bool equal(const struct address *a, const struct address *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* "0" to "128", without leading zeros. */
static bool parse_bits(const char *text, size_t size, unsigned most, unsigned *ret_bits)
{
    unsigned bits = 0;
    if (size == 0 || size > 3 || (size > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        bits = 10 * bits + (unsigned)(text[i] - '0');
    }
    *ret_bits = bits;
    return bits <= most;
}

bool address_range_parse(const char *text, size_t size, struct address_range *ret_range)
{
    const char *slash = memchr(text, '/', size);
    size_t address_size = slash ? (size_t)(slash - text) : size;
    struct address_range r = {.bits = BITS};
    if (!address_parse(text, address_size, &r.first))
        return false;
    if (slash) {
        /* "::ffff:10.0.0.0/104" is written as IPv6, so its bits are counted as such */
        bool dotted = !memchr(text, ':', address_size);
        unsigned before = dotted ? IPV4_PREFIX_BITS : 0;
        if (!parse_bits(slash + 1, size - address_size - 1, BITS - before, &r.bits))
            return false;
        r.bits += before;
    }
    struct address first = cut(&r.first, r.bits);
    if (!equal(&first, &r.first))
        return false;
    *ret_range = r;
    return true;
}

bool address_in(const struct address_range *range, const struct address *address)
{
    if (range->bits < IPV4_PREFIX_BITS && is_ipv4(address))
        return false;
    struct address first = cut(address, range->bits);
    return equal(&first, &range->first);
}

bool address_is_loopback(const struct address *address)
{
    static const struct address_range own[] = {
        {.first.b = {[10] = 0xff, [11] = 0xff, 127}, .bits = IPV4_PREFIX_BITS + 8},
        {.first.b = {[15] = 1}, .bits = BITS},
    };
    return address_in(&own[0], address) || address_in(&own[1], address);
}

struct address address_network(const struct address *address)
{
    return is_ipv4(address) ? *address : cut(address, NETWORK_BITS);
}
