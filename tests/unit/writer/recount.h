/* The writer's budget beside a plain recount of the live holds of a bench's events. */
#ifndef UNIT_WRITER_RECOUNT_H
#define UNIT_WRITER_RECOUNT_H

#include "unit/writer/fixture.h"

static inline void recount_budget(const struct bench *b)
{
    const struct budget *budget = writer_budget(b->writer);
    uint64_t held[256] = {0};
    size_t holds = 0;
    budget_check(budget);
    for (unsigned e = 0; e < b->event_count; e++) {
        const struct inventory *inv = inventory_at(b, e);
        for (const struct hold *h = inv ? inventory_next_hold(inv, NULL) : NULL; h;
             h = inventory_next_hold(inv, h)) {
            assert_ptr_equal(inventory_find_hold(inv, &h->hold_id), h);
            held[h->session_id.u.b[15]] += h->line_count; /* session_numbered() */
            holds++;
        }
    }
    assert_int_equal(budget_holds(budget), holds);
    for (unsigned i = 0; i < 256; i++) {
        struct session_id session = session_numbered((uint8_t)i);
        assert_int_equal(budget_held(budget, &session), held[i]);
    }
}

#endif
