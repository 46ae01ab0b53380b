#include "verify/findings.h"
#include "base/must.h"
#include <stdlib.h>
#include <string.h>

void findings_init(struct findings *f)
{
    *f = (struct findings){0};
    arena_init(&f->arena, 0);
}

void findings_done(struct findings *f)
{
    arena_done(&f->arena);
    free(f->list);
    *f = (struct findings){0};
}

static bool same_event(const struct finding *a, const struct event_id *event)
{
    return uuid_equal(&a->event_id.u, &event->u);
}

void finding_add(struct findings *f, const struct event_id *event, const char *where, const char *is,
                 const char *should_be)
{
    if (f->count == 0 || !same_event(&f->list[f->count - 1], event))
        f->of_event = 0;
    if (f->of_event++ >= FINDINGS_OF_EVENT || f->count == FINDINGS_KEPT) {
        f->left_out++;
        return;
    }
    if (f->count == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 16;
        f->list = realloc(f->list, f->cap * sizeof(*f->list));
        must(f->list); /* out of memory ends the program */
    }
    f->list[f->count++] = (struct finding){
        .event_id = *event,
        .where = arena_strdup(&f->arena, where),
        .is = arena_strdup(&f->arena, is),
        .should_be = arena_strdup(&f->arena, should_be),
    };
}

static bool has(const struct findings *f, const struct finding *wanted)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct finding *a = &f->list[i];
        if (same_event(a, &wanted->event_id) && !strcmp(a->where, wanted->where) &&
            !strcmp(a->is, wanted->is) && !strcmp(a->should_be, wanted->should_be))
            return true;
    }
    return false;
}

void findings_keep_common(struct findings *f, const struct findings *others)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++)
        if (has(others, &f->list[i]))
            f->list[kept++] = f->list[i];
    f->count = kept;
    if (others->left_out < f->left_out)
        f->left_out = others->left_out;
}
