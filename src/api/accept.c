#include "api/accept.h"
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { Q_ONE = 1000 };

/* "0.8" -> 800; what is no quality counts as 1. */
static int quality(const char *text)
{
    if (text[0] != '0')
        return Q_ONE;
    int q = 0, unit = 100;
    for (const char *c = text + 1 + (text[1] == '.'); *c >= '0' && *c <= '9' && unit; c++, unit /= 10)
        q += (*c - '0') * unit;
    return q;
}

/* The quality of one range ("text/html;level=1;q=0.8"), of @size bytes. */
static int range_quality(const char *range, size_t size)
{
    const char *end = range + size;
    for (const char *c = range; c < end; c++) {
        if (*c != ';')
            continue;
        const char *name = c + 1;
        while (name < end && *name == ' ')
            name++;
        if (end - name >= 3 && (*name == 'q' || *name == 'Q') && name[1] == '=')
            return quality(name + 2);
    }
    return Q_ONE;
}

static bool same_type(const char *range, size_t size, const char *type)
{
    size_t length = strcspn(range, ";, \t");
    return length <= size && length == strlen(type) && strncasecmp(range, type, length) == 0;
}

/* How much @type is wanted by name; 0: not at all. */
static int wanted(const char *accept, const char *type)
{
    int q = 0;
    for (const char *range = accept; *range;) {
        range += strspn(range, ", \t");
        size_t size = strcspn(range, ",");
        if (size && same_type(range, size, type))
            q = range_quality(range, size);
        range += size;
    }
    return q;
}

bool accept_prefers(const char *accept, const char *type, const char *other)
{
    if (!accept)
        return false;
    int mine = wanted(accept, type);
    return mine > 0 && mine >= wanted(accept, other);
}
