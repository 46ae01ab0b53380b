/*
 * One suite for every store. A test program says how its store is made and how it comes back after a restart,
 * and runs SUITE_TESTS beside its own.
 */
#ifndef CONTRACT_SUITE_H
#define CONTRACT_SUITE_H

#include "contract/world.h"

struct suite_backend {
    struct store *(*open)(void);
    /* Stop and start: what is durable is there. */
    struct store *(*restart)(struct store *s);
    void (*close)(struct store *s);
    /* What a store has that is alone with its data, and a shared one (store_shared()) has not. */
    bool alone;
    /* Different for every test of a program whose stores are not empty at the start: ids are made from it. */
    uint64_t (*seed)(void);
};
/*
 * alone: its changes are numbered in one order (store_commit_no()), the tickets of events that were never
 * created or were deleted are gone after a restart, and a load never finds the event moving.
 */

/* Defined by the test program. */
extern const struct suite_backend suite_backend;

int suite_setup(void **state);
int suite_teardown(void **state);

/* clang-format off */
#define SUITE_TEST(f) cmocka_unit_test_setup_teardown(f, suite_setup, suite_teardown)
#define SUITE_TESTS                                                                                                    \
    SUITE_TEST(venues_come_back), SUITE_TEST(event_is_invisible_until_committed), SUITE_TEST(every_change_loads),      \
    SUITE_TEST(event_versions_load), SUITE_TEST(cancelled_event_loads), SUITE_TEST(deleted_event_is_gone),             \
    SUITE_TEST(group_of_many_changes), SUITE_TEST(groups_of_two_events), SUITE_TEST(fenced_group_alone_is_refused),    \
    SUITE_TEST(commit_numbers_go_on), SUITE_TEST(half_created_event_is_dropped), SUITE_TEST(drop_spares_live_events),  \
    SUITE_TEST(tickets_show_their_state), SUITE_TEST(idempotency_records), SUITE_TEST(personal_data),                  \
    SUITE_TEST(secrets), SUITE_TEST(point_reads_of_nothing), SUITE_TEST(holds_in_pages), SUITE_TEST(orders_in_pages),  \
    SUITE_TEST(orders_by_filters), SUITE_TEST(order_queue_rows), SUITE_TEST(cdc_in_commit_order),                      \
    SUITE_TEST(changes_chain), SUITE_TEST(bad_cursors), SUITE_TEST(random_walk), SUITE_TEST(threads),                  \
    SUITE_TEST(large_group_reads_from_anywhere), SUITE_TEST(groups_of_growing_size),                                   \
    SUITE_TEST(cdc_pages_inside_a_group), SUITE_TEST(cdc_says_when_there_is_more)
/* clang-format on */

#endif
