/* Entity tags and conditional requests (RFC 9110, 8.8.3 and 13.1.2). */
#include "base/must.h"
#include "http/internal.h"
#include <string.h>

const char *http_tag(struct arena *a, const char *etag, enum http_coding coding)
{
    const char *name = http_coding_name(coding);
    size_t etag_size = strlen(etag), name_size = name ? strlen(name) + 1 : 0;
    char *tag = arena_alloc(a, etag_size + name_size + 3);
    tag[0] = '"';
    memcpy(tag + 1, etag, etag_size);
    if (name) {
        tag[1 + etag_size] = '-';
        memcpy(tag + 2 + etag_size, name, name_size - 1);
    }
    tag[1 + etag_size + name_size] = '"';
    return tag;
}

/* Separators; commas may come empty (", ,"). */
static const char *skip(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == ',')
        at++;
    return at;
}

bool http_tag_any(const char *if_none_match)
{
    const char *at = skip(if_none_match);
    return *at == '*' && *skip(at + 1) == '\0';
}

bool http_tag_listed(const char *if_none_match, const char *tag)
{
    size_t tag_size = strlen(tag);
    must(tag_size >= 2 && tag[0] == '"');
    const char *at = skip(if_none_match);
    if (*at == '*')
        return http_tag_any(at);
    while (*at) {
        if (at[0] == 'W' && at[1] == '/')
            at += 2; /* weak comparison: the mark does not matter */
        if (*at != '"')
            return false; /* not a list of tags: as if it were not there */
        const char *end = strchr(at + 1, '"');
        if (!end)
            return false;
        if ((size_t)(end + 1 - at) == tag_size && memcmp(at, tag, tag_size) == 0)
            return true;
        at = skip(end + 1);
    }
    return false;
}
