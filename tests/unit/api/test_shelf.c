/* The shelf of lists: what is found is what was put. Run under ThreadSanitizer, too. */
#include "api/shelf.h"
#include "base/must.h"
#include "unit/base/check.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { KEYS = 500, LONGEST_KEY = 199 };

static struct http_page *page_new(void)
{
    struct buf b = {0};
    buf_adds(&b, "[]");
    return http_page_new(http_body_new("application/json", &b),
                         &(struct http_page_head){.etag = "v", .cache_control = "no-cache"});
}

static const char *key_of(unsigned number, char *to, size_t size)
{
    snprintf(to, size, "/v1/events?number=%u", number);
    return to;
}

/* The page, or NULL; its reference is given back. */
static struct http_page *look(struct shelf *s, const char *key, uint64_t version)
{
    struct http_page *p = shelf_find(s, key, version);
    http_page_unref(p);
    return p;
}

/* Put a page and leave it to the shelf alone. */
static struct http_page *put(struct shelf *s, const char *key, uint64_t version)
{
    struct http_page *p = page_new();
    shelf_put(s, key, version, p);
    http_page_unref(p);
    return p;
}

/* ---- one thread ---- */

static void found_by_key_and_version(void **state)
{
    struct shelf *s = shelf_new();
    (void)state;
    assert_null(look(s, "a", 1));
    struct http_page *p = put(s, "a", 1);
    assert_ptr_equal(look(s, "a", 1), p);
    assert_ptr_equal(look(s, "a", 1), p);
    assert_null(look(s, "a", 2));
    assert_null(look(s, "a", 0));
    assert_null(look(s, "ab", 1));
    assert_null(look(s, "", 1));
    shelf_free(s);
}

static void replaced(void **state)
{
    struct shelf *s = shelf_new();
    (void)state;
    put(s, "a", 1);
    struct http_page *old = shelf_find(s, "a", 1);
    struct http_page *p = put(s, "a", 2);
    assert_ptr_equal(look(s, "a", 2), p);
    assert_null(look(s, "a", 1));
    put(s, "a", 3);
    assert_null(look(s, "a", 2));
    http_page_unref(http_page_ref(old)); /* whoever has one keeps it */
    http_page_unref(old);
    shelf_free(s);
}

static void keys_may_be_long(void **state)
{
    struct shelf *s = shelf_new();
    char key[LONGEST_KEY + 2];
    (void)state;
    memset(key, 'k', sizeof key - 1);
    key[LONGEST_KEY + 1] = '\0';
    put(s, key, 1);
    assert_null(look(s, key, 1)); /* too long to be kept */
    key[LONGEST_KEY] = '\0';
    struct http_page *p = put(s, key, 1);
    assert_ptr_equal(look(s, key, 1), p);
    key[LONGEST_KEY - 1] = 'x';
    assert_null(look(s, key, 1));
    shelf_free(s);
}

/* More keys than places: a key is found with its own page or not at all, the newest one always. */
static void collisions(void **state)
{
    struct shelf *s = shelf_new();
    struct http_page *pages[KEYS];
    char key[60];
    unsigned found = 0;
    (void)state;
    for (unsigned i = 0; i < KEYS; i++) {
        pages[i] = page_new();
        shelf_put(s, key_of(i, key, sizeof key), 1, pages[i]);
        assert_ptr_equal(look(s, key, 1), pages[i]);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        struct http_page *p = look(s, key_of(i, key, sizeof key), 1);
        assert_true(!p || p == pages[i]);
        found += p != NULL;
    }
    assert_in_range(found, 2, KEYS - 1);
    for (unsigned i = 0; i < KEYS; i++)
        http_page_unref(pages[i]);
    shelf_free(s);
}

/* ---- many threads ---- */

enum { THREADS = 4, DEEDS = 4000, FEW_KEYS = 8, SHOWN = 4 };

static struct {
    struct shelf *shelf;
    _Atomic uint64_t version;
    struct http_page *pages[FEW_KEYS][SHOWN]; /* of version v at v % SHOWN */
} t;

/* Find, and put where nothing is found, as those do who answer with lists; now and then something changes. */
static void *find_or_put(void *arg)
{
    uintptr_t found = 0;
    for (unsigned i = 0; i < DEEDS; i++) {
        char key[60];
        unsigned number = i % FEW_KEYS;
        uint64_t version = atomic_load(&t.version);
        struct http_page *wanted = t.pages[number][version % SHOWN];
        struct http_page *p = shelf_find(t.shelf, key_of(number, key, sizeof key), version);
        must(!p || p == wanted);
        found += p != NULL;
        if (!p)
            shelf_put(t.shelf, key, version, wanted);
        http_page_unref(p);
        if (arg && i % 100 == 0)
            atomic_fetch_add(&t.version, 1);
    }
    return (void *)found;
}

static void threads(void **state)
{
    pthread_t running[THREADS];
    uintptr_t found = 0;
    (void)state;
    t.shelf = shelf_new();
    for (unsigned k = 0; k < FEW_KEYS; k++)
        for (unsigned v = 0; v < SHOWN; v++)
            t.pages[k][v] = page_new();
    for (uintptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&running[i], NULL, find_or_put, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *n;
        pthread_join(running[i], &n);
        found += (uintptr_t)n;
    }
    assert_true(found > DEEDS);
    for (unsigned k = 0; k < FEW_KEYS; k++)
        for (unsigned v = 0; v < SHOWN; v++)
            http_page_unref(t.pages[k][v]);
    shelf_free(t.shelf);
}

/* Pages that nobody but the shelf has: whoever finds one may use it until it is given back. */
static void *find_and_keep(void *arg)
{
    struct http_page *kept[16] = {NULL};
    uintptr_t found = 0;
    for (unsigned i = 0; i < DEEDS; i++) {
        char key[60];
        struct http_page **place = &kept[i % 16];
        http_page_unref(*place);
        *place = shelf_find(t.shelf, key_of(i % FEW_KEYS, key, sizeof key), 1);
        found += *place != NULL;
        if (!*place || (arg && i % 4 == 0))
            put(t.shelf, key, 1);
    }
    for (unsigned i = 0; i < 16; i++)
        http_page_unref(kept[i]);
    return (void *)found;
}

static void threads_with_their_own_pages(void **state)
{
    pthread_t running[THREADS];
    (void)state;
    t.shelf = shelf_new();
    for (uintptr_t i = 0; i < THREADS; i++)
        must(pthread_create(&running[i], NULL, find_and_keep, (void *)i) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *found;
        pthread_join(running[i], &found);
        assert_true((uintptr_t)found > 0);
    }
    shelf_free(t.shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_key_and_version),
        cmocka_unit_test(replaced),
        cmocka_unit_test(keys_may_be_long),
        cmocka_unit_test(collisions),
        cmocka_unit_test(threads),
        cmocka_unit_test(threads_with_their_own_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
