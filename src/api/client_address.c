#include "api/client_address.h"
#include "base/error.h"
#include <string.h>

/* A piece of a text. */
struct piece {
    const char *text;
    size_t size;
};

static struct piece trimmed(struct piece p)
{
    while (p.size && (p.text[0] == ' ' || p.text[0] == '\t')) {
        p.text++;
        p.size--;
    }
    while (p.size && (p.text[p.size - 1] == ' ' || p.text[p.size - 1] == '\t'))
        p.size--;
    return p;
}

/* ---- the trusted ---- */

int proxies_parse(const char *text, struct proxies *ret_proxies, const char **ret_wrong, size_t *ret_size)
{
    *ret_proxies = (struct proxies){0};
    while (*text) {
        size_t size = strcspn(text, ",");
        struct piece entry = trimmed((struct piece){text, size});
        struct address_range range;
        if (!address_range_parse(entry.text, entry.size, &range)) {
            *ret_wrong = entry.text;
            *ret_size = entry.size;
            return BOX_ESYNTAX;
        }
        if (ret_proxies->count == LIMIT_TRUSTED_PROXIES)
            return BOX_ERANGE;
        ret_proxies->ranges[ret_proxies->count++] = range;
        text += size + (text[size] == ',');
    }
    return BOX_OK;
}

bool proxies_have(const struct proxies *p, const struct address *address)
{
    for (size_t i = 0; i < p->count; i++)
        if (address_in(&p->ranges[i], address))
            return true;
    return false;
}

/* ---- the walk ---- */

/* Cut the last entry off @list. Returns false when there is none left. */
static bool take_last(struct piece *list, struct piece *ret_entry)
{
    if (!list->text)
        return false;
    const char *comma = memrchr(list->text, ',', list->size);
    const char *from = comma ? comma + 1 : list->text;
    *ret_entry = trimmed((struct piece){from, list->size - (size_t)(from - list->text)});
    *list = comma ? (struct piece){list->text, (size_t)(comma - list->text)} : (struct piece){NULL, 0};
    return true;
}

/* ":" and digits, or nothing. */
static bool is_port(const char *text, size_t size)
{
    size_t digits = 0;
    while (digits + 1 < size && text[digits + 1] >= '0' && text[digits + 1] <= '9')
        digits++;
    return size == 0 || (text[0] == ':' && digits >= 1 && digits <= 5 && digits + 1 == size);
}

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711" */
static bool parse_entry(struct piece e, struct address *ret_address)
{
    const char *closed = e.size && e.text[0] == '[' ? memchr(e.text, ']', e.size) : NULL;
    if (closed) {
        size_t inside = (size_t)(closed - e.text) - 1;
        return memchr(e.text, ':', inside + 1) && is_port(closed + 1, e.size - inside - 2) &&
               address_parse(e.text + 1, inside, ret_address);
    }
    if (address_parse(e.text, e.size, ret_address))
        return true;
    const char *colon = memchr(e.text, ':', e.size);
    size_t before = colon ? (size_t)(colon - e.text) : 0;
    return colon && is_port(colon, e.size - before) && address_parse(e.text, before, ret_address);
}

struct address client_address(const struct proxies *trusted, const struct address *peer,
                              const char *forwarded)
{
    struct address client = *peer;
    struct piece list = {forwarded, forwarded ? strlen(forwarded) : 0}, entry;
    for (unsigned hops = 0; hops < LIMIT_PROXY_HOPS && proxies_have(trusted, &client); hops++) {
        if (!take_last(&list, &entry) || !parse_entry(entry, &client))
            break;
    }
    return client;
}
