#include "base/error.h"
#include "base/must.h"
#include <string.h>

static const struct error_info table[] = {
#define ERROR(name, number, slug, http, title, explanation)                                                  \
    {-(number), #name, slug, http, title, explanation},
#include "errors.def"
#undef ERROR
};

enum { TABLE_SIZE = sizeof(table) / sizeof(table[0]) };

static const struct error_info *find(int code)
{
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (table[i].code == code)
            return &table[i];
    return NULL;
}

const struct error_info *error_info(int code)
{
    const struct error_info *info = find(code);
    if (!info)
        info = find(BOX_EINTERNAL);
    must(info);
    return info;
}

const struct error_info *error_by_slug(const char *slug)
{
    if (!slug[0])
        return NULL; /* internal errors share the empty slug; none is meant */
    for (size_t i = 0; i < TABLE_SIZE; i++)
        if (strcmp(table[i].slug, slug) == 0)
            return &table[i];
    return NULL;
}

const struct error_info *error_at(size_t index)
{
    return index < TABLE_SIZE ? &table[index] : NULL;
}
