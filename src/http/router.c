/*
 * Which route a path and method mean. A tree of segments: each node has its fixed texts and at most one
 * {name}. Fixed texts go first; where they lead to no route at all, the {name} is tried. So
 * "/v1/venues/import" is its own path, and its other methods are refused with 405 rather than taken for a
 * venue called "import".
 */
#include "base/error.h"
#include "base/must.h"
#include "http/internal.h"
#include <stdlib.h>
#include <string.h>

struct node {
    const char *text; /* of the route's path; size bytes */
    size_t size;
    struct node *next;  /* sibling */
    struct node *fixed; /* children by text */
    struct node *name;  /* child for any text */
    const struct http_route *routes[HTTP_METHODS];
};

struct http_router {
    struct node root;
};

static struct node *new_node(const char *text, size_t size)
{
    struct node *n = calloc(1, sizeof *n);
    must(n);
    n->text = text;
    n->size = size;
    return n;
}

static struct node *find_fixed(const struct node *n, const char *text, size_t size)
{
    struct node *child = n->fixed;
    while (child && (child->size != size || memcmp(child->text, text, size) != 0))
        child = child->next;
    return child;
}

/* The child for one segment of a route's path, made if it is new. */
static struct node *descend(struct node *n, const char *text, size_t size)
{
    if (text[0] == '{') {
        must(size > 2 && text[size - 1] == '}');
        if (!n->name)
            n->name = new_node(text, size);
        return n->name;
    }
    struct node *child = find_fixed(n, text, size);
    if (child)
        return child;
    child = new_node(text, size);
    struct node **last = &n->fixed; /* the table's order: the author puts what is asked for most first */
    while (*last)
        last = &(*last)->next;
    *last = child;
    return child;
}

static void add(struct http_router *r, const struct http_route *route)
{
    must(route->path[0] == '/' && route->method < HTTP_METHODS && route->handler);
    struct node *n = &r->root;
    unsigned segments = 0, names = 0;
    const char *at = route->path;
    while (*at == '/' && at[1]) {
        const char *end = strchrnul(++at, '/');
        names += *at == '{';
        segments++;
        n = descend(n, at, (size_t)(end - at));
        at = end;
    }
    must(segments <= HTTP_SEGMENTS && names <= HTTP_PATH_PARAMS);
    must(!n->routes[route->method]);
    n->routes[route->method] = route;
}

struct http_router *http_router_new(const struct http_route *routes)
{
    struct http_router *r = calloc(1, sizeof *r);
    must(r);
    for (; routes->path; routes++)
        add(r, routes);
    return r;
}

static void free_children(struct node *n)
{
    while (n->fixed) {
        struct node *child = n->fixed;
        n->fixed = child->next;
        free_children(child);
        free(child);
    }
    if (n->name)
        free_children(n->name);
    free(n->name);
}

void http_router_free(struct http_router *r)
{
    free_children(&r->root);
    free(r);
}

static unsigned allowed(const struct node *n)
{
    unsigned allow = 0;
    for (unsigned m = 0; m < HTTP_METHODS; m++)
        if (n->routes[m])
            allow |= 1u << m;
    return allow;
}

/* The node for segments @i.., with the {names} met on the way in @match; NULL if there is none with a route.
 */
static const struct node *find(const struct node *n, const struct http_path *path, unsigned i,
                               struct http_match *match)
{
    if (i == path->count)
        return allowed(n) ? n : NULL;
    const struct http_segment *s = &path->segment[i];
    const struct node *child = find_fixed(n, s->text, s->size);
    const struct node *found = child ? find(child, path, i + 1, match) : NULL;
    if (found || !n->name || s->size == 0)
        return found;
    unsigned before = match->param_count;
    match->params[match->param_count++] = s;
    found = find(n->name, path, i + 1, match);
    if (!found)
        match->param_count = before;
    return found;
}

struct http_match http_router_find(const struct http_router *r, const struct http_path *path, unsigned method)
{
    struct http_match match = {0};
    if (path->count > HTTP_SEGMENTS)
        return match;
    const struct node *n = find(&r->root, path, 0, &match);
    if (!n)
        return match;
    match.allow = allowed(n);
    match.route = method < HTTP_METHODS ? n->routes[method] : NULL;
    return match;
}

const char *http_allow_text(struct arena *a, unsigned allow)
{
    static const char *const names[HTTP_METHODS] = {"GET, HEAD", "POST", "PUT", "PATCH", "DELETE"};
    char *text = arena_alloc(a, 64);
    for (unsigned m = 0; m < HTTP_METHODS; m++)
        if (allow >> m & 1) {
            if (text[0])
                strcat(text, ", ");
            strcat(text, names[m]);
        }
    return text;
}
