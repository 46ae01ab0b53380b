#include "domain/layout.h"
#include <stdlib.h>
#include <string.h>

static const char *const ZONES[] = {
#define TIMEZONE(name) name,
#include "timezones.def"
#undef TIMEZONE
};

static int compare(const void *key, const void *element)
{
    const char *const *name = element;
    return strcmp(key, *name);
}

bool timezone_known(const char *name)
{
    return bsearch(name, ZONES, sizeof(ZONES) / sizeof(ZONES[0]), sizeof(ZONES[0]), compare) != NULL;
}
