/* The Accept header. */
#ifndef API_ACCEPT_H
#define API_ACCEPT_H

#include <stdbool.h>

/*
 * Does the client name @type and want it at least as much as @other (RFC 9110 12.5.1)? Only a type that is
 * named counts: wildcards leave it with @other, the path's usual type. @accept may be NULL.
 */
bool accept_prefers(const char *accept, const char *type, const char *other);

#endif
