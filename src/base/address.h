/* Internet addresses as numbers, and ranges of them (CIDR). Pure: no names are looked up. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IPv6 address in network order; an IPv4 address is ::ffff:a.b.c.d, however it was written. */
struct address {
    uint8_t b[16];
};

/* Those whose first @bits bits are @first's. One of IPv4 addresses has at least 96 bits. */
struct address_range {
    struct address first;
    unsigned bits;
};

/* Parse @size characters: "192.0.2.1", "2001:db8::1"; no port, brackets or zone. Returns false for others. */
bool address_parse(const char *text, size_t size, struct address *ret_address);
/*
 * Parse "10.0.0.0/8", "fd00::/8", or one address, which is a range of its own. Returns false for others, also
 * where bits are set behind the prefix: "10.0.0.1/8" is a mistake, and which one only its author knows.
 */
bool address_range_parse(const char *text, size_t size, struct address_range *ret_range);
/* An IPv6 range has no IPv4 addresses in it, not even ::/0. */
bool address_in(const struct address_range *range, const struct address *address);
/* 127.0.0.0/8 or ::1: this machine. */
bool address_is_loopback(const struct address *address);
/*
 * What one customer of a network has at least: an IPv4 address, or the /64 of an IPv6 address, in which
 * everybody can take as many addresses as he likes.
 */
struct address address_network(const struct address *address);

#endif
