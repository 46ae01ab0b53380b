/* The embedded store: the common suite, and what only files can have: locks, damage, other people's folders.
 */
#include "contract/rocksdb_folder.h"
#include "contract/suite.c"
#include <rocksdb/c.h>
#include <signal.h>
#include <sys/resource.h>

/* ---- folders ---- */

static struct store *open_new(void)
{
    name_folder();
    return open_folder();
}

static struct store *close_and_open(struct store *s)
{
    store_close(s);
    return open_folder();
}

static void close_and_remove(struct store *s)
{
    store_close(s);
    remove_folder();
}

const struct suite_backend suite_backend = {
    .open = open_new, .restart = close_and_open, .close = close_and_remove, .alone = true};

static void assert_refused(const char *path, int code, const char *says)
{
    struct store *s;
    const char *reason = "";
    assert_int_equal(try_open(path, &s, &reason), code);
    if (!strstr(reason, says))
        print_error("reason: %s\n", reason);
    assert_non_null(strstr(reason, says));
    assert_null(strchr(reason, '\n'));
}

static void write_file(const char *name, const char *text)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* ---- whose folder ---- */

static void second_open_is_locked(void **state)
{
    struct world *w = *state;
    assert_refused(folder, BOX_ELOCKED, "in use by another process");
    restart(w); /* and free again */
}

static void foreign_folder_is_refused(void **state)
{
    (void)state;
    name_folder();
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file("thesis.txt", "");
    assert_refused(folder, BOX_EIO, "not a boxoffice data folder");
    remove_folder();
}

static void foreign_database_is_refused(void **state)
{
    (void)state;
    char *error = NULL;
    name_folder();
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_writeoptions_t *wo = rocksdb_writeoptions_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_t *db = rocksdb_open(o, folder, &error);
    assert_null(error);
    rocksdb_put(db, wo, "k", 1, "v", 1, &error);
    assert_null(error);
    rocksdb_close(db);
    assert_refused(folder, BOX_EIO, "another program's");
    rocksdb_writeoptions_destroy(wo);
    rocksdb_options_destroy(o);
    remove_folder();
}

static void interrupted_first_start(void **state)
{
    (void)state;
    char *error = NULL;
    name_folder();
    rocksdb_options_t *o = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(o, 1);
    rocksdb_close(rocksdb_open(o, folder, &error)); /* as far as "default" */
    assert_null(error);
    close_and_remove(open_folder());
    name_folder();
    assert_int_equal(mkdir(folder, 0700), 0);
    write_file("LOCK", "");
    write_file("MANIFEST-000001", "");
    write_file("api-key", "default:x\n"); /* the server's own */
    close_and_remove(open_folder());
    rocksdb_options_destroy(o);
}

/* The folder's database, with the families it has. */
struct raw {
    rocksdb_options_t *o;
    rocksdb_t *db;
    char **names;
    size_t count;
    rocksdb_column_family_handle_t *families[32];
};

static void raw_open(struct raw *r)
{
    char *error = NULL;
    const rocksdb_options_t *each[32];
    r->o = rocksdb_options_create();
    r->names = rocksdb_list_column_families(r->o, folder, &r->count, &error);
    assert_null(error);
    assert_true(r->count < 32);
    for (size_t i = 0; i < r->count; i++)
        each[i] = r->o;
    r->db = rocksdb_open_column_families(r->o, folder, (int)r->count, (const char *const *)r->names, each,
                                         r->families, &error);
    assert_null(error);
}

static void raw_close(struct raw *r)
{
    for (size_t i = 0; i < r->count; i++)
        rocksdb_column_family_handle_destroy(r->families[i]);
    rocksdb_list_column_families_destroy(r->names, r->count);
    rocksdb_close(r->db);
    rocksdb_options_destroy(r->o);
}

static rocksdb_column_family_handle_t *raw_family(struct raw *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->names[i], name) == 0)
            return r->families[i];
    fail();
    return NULL;
}

static void raw_put(struct raw *r, const char *family, const void *key, size_t key_size, const void *value,
                    size_t size)
{
    char *error = NULL;
    rocksdb_writeoptions_t *wo = rocksdb_writeoptions_create();
    rocksdb_put_cf(r->db, wo, raw_family(r, family), key, key_size, value, size, &error);
    assert_null(error);
    rocksdb_writeoptions_destroy(wo);
}

static void raw_format(const char bytes[4])
{
    struct raw raw;
    raw_open(&raw);
    raw_put(&raw, "meta", "format", 6, bytes, 4);
    raw_close(&raw);
}

static void raw_add_family(const char *name)
{
    struct raw raw;
    char *error = NULL;
    raw_open(&raw);
    rocksdb_column_family_handle_t *family = rocksdb_create_column_family(raw.db, raw.o, name, &error);
    assert_null(error);
    rocksdb_column_family_handle_destroy(family);
    raw_close(&raw);
}

static void other_formats_are_refused(void **state)
{
    (void)state;
    store_close(open_new());
    raw_format("\0\0\0\3");
    assert_refused(folder, BOX_ENEWER, "newer version");
    raw_format("\0\0\0\1");
    assert_refused(folder, BOX_EOLDER, "name a new folder");
    raw_format("\0\0\0\2");
    close_and_remove(open_folder()); /* nothing was touched */
}

/* Another version may have other tables. */
static void other_tables_are_refused(void **state)
{
    (void)state;
    store_close(open_new());
    raw_add_family("order_queue_scylla_cdc_log"); /* format 1 had it */
    raw_format("\0\0\0\1");
    assert_refused(folder, BOX_EOLDER, "name a new folder");
    raw_format("\0\0\0\3");
    assert_refused(folder, BOX_ENEWER, "newer version");
    raw_format("\0\0\0\2");
    assert_refused(folder, BOX_EIO, "another program's"); /* ours has no such family */
    remove_folder();
}

static void no_place_for_a_folder(void **state)
{
    (void)state;
    char path[1024];
    name_folder();
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof(path), "%s/absent/data", folder);
    assert_refused(path, BOX_EIO, "does not exist; make it first");
    write_file("file", "");
    snprintf(path, sizeof(path), "%s/file", folder);
    assert_refused(path, BOX_EIO, "is not a folder");
    if (geteuid() != 0) {
        assert_int_equal(chmod(folder, 0500), 0);
        snprintf(path, sizeof(path), "%s/data", folder);
        assert_refused(path, BOX_EIO, "Permission denied");
        assert_int_equal(chmod(folder, 0700), 0);
    }
    remove_folder();
}

static void folder_is_private(void **state)
{
    (void)state;
    struct stat st;
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

/* ---- damage ---- */

/* The newest write-ahead log, and its size. */
static off_t newest_log(char *ret_path, size_t size)
{
    DIR *dir = opendir(folder);
    char name[256] = "";
    struct stat st;
    assert_non_null(dir);
    for (const struct dirent *d; (d = readdir(dir));) {
        const char *dot = strrchr(d->d_name, '.');
        if (dot && strcmp(dot, ".log") == 0 && strcmp(d->d_name, name) > 0)
            snprintf(name, sizeof(name), "%s", d->d_name);
    }
    closedir(dir);
    assert_true(*name);
    snprintf(ret_path, size, "%s/%s", folder, name);
    assert_int_equal(stat(ret_path, &st), 0);
    return st.st_size;
}

static off_t log_size(void)
{
    char path[1024];
    return newest_log(path, sizeof(path));
}

static void cut_log(off_t size)
{
    char path[1024];
    newest_log(path, sizeof(path));
    assert_int_equal(truncate(path, size), 0);
}

static void damage_log(off_t at, const void *bytes, size_t size)
{
    char path[1024];
    newest_log(path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
    close(fd);
}

/* Two events' lives in the log, and where its last commit begins. */
static off_t write_some_log(struct world *w, struct show *ret_show)
{
    restart(w); /* what was before is in tables */
    *ret_show = begin_show(w, "a");
    take_seats(ret_show, test_session(w), 0, 3);
    off_t size = log_size();
    take_seats(ret_show, test_session(w), 10, 3);
    return size;
}

static void torn_tail_is_dropped(void **state)
{
    struct world *w = *state;
    struct show e;
    off_t last = write_some_log(w, &e), end = log_size();
    assert_true(end > last);
    store_close(w->store);
    cut_log(last + (end - last) / 2);
    w->store = open_folder();
    struct inventory *now = load(w, e.id);
    assert_int_equal(inventory_seq(now), 2); /* all before the last group */
    assert_int_equal(store_commit_no(w->store), 2);
    inventory_free(e.inv);
    e.inv = now;
    take_seats(&e, test_session(w), 10, 3); /* the number is used again */
    restart(w);
    reload(&e);
    end_show(&e);
}

/* Wherever the last commit is cut, it is gone as a whole and nothing else is. Each open moves the log into
   tables, so each round cuts a commit of its own. */
static void every_cut_of_the_tail(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    for (off_t round = 0; round <= 16; round++) {
        restart(w);
        struct hold_id hold = take_seats(&e, test_session(w), 20, 3);
        off_t before = log_size();
        struct command c = {.kind = COMMAND_HOLD_RELEASE, .actor = actor_key("default"), .hold_id = hold};
        assert_int_equal(commit_changes(w->store, e.id, decide(&e, &c)), 0);
        off_t cut = before + (log_size() - 1 - before) * round / 16;
        store_close(w->store);
        cut_log(cut);
        w->store = open_folder();
        struct inventory *now = load(w, e.id);
        assert_int_equal(inventory_seq(now), inventory_seq(e.inv) - 1);
        inventory_free(e.inv);
        e.inv = now;
        on_hold(&e, COMMAND_HOLD_RELEASE, hold);
    }
    end_show(&e);
}

static void zeros_after_the_tail(void **state)
{
    struct world *w = *state;
    struct show e;
    static const char zeros[5000];
    write_some_log(w, &e);
    off_t end = log_size();
    store_close(w->store);
    damage_log(end, zeros, sizeof(zeros)); /* space given in advance and never written */
    w->store = open_folder();
    reload(&e);
    end_show(&e);
}

/* A commit of many blocks of the log: an answer of 100 KB comes with it. */
static void commit_big(struct show *e)
{
    static char body[100000];
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    rng_bytes(&e->w->rng, body, sizeof(body));
    struct idem_record idem = make_idem(e->w, NULL, "");
    idem.body = body;
    idem.body_size = sizeof(body);
    const struct idem_record *idems[] = {&idem};
    struct event_group g = group_of(e->id, decide(e, &c));
    g.idems = idems;
    g.idem_count = 1;
    assert_int_equal(commit_one(e->w->store, &g), 0);
}

/* The file grew, but some pages of the last record never reached the disk. */
static void holes_in_the_tail_are_dropped(void **state)
{
    struct world *w = *state;
    static const char zeros[4096];
    struct show e = begin_show(w, "a");
    for (unsigned page = 0; page < 24; page++) {
        restart(w);
        take_seats(&e, test_session(w), page, 1);
        off_t last = log_size();
        commit_big(&e);
        store_close(w->store);
        off_t at = last + (off_t)page * 4096, left = log_size() - at;
        assert_true(left > 0);
        damage_log(at, zeros, left < 4096 ? (size_t)left : 4096);
        w->store = open_folder();
        struct inventory *now = load(w, e.id);
        assert_int_equal(inventory_seq(now), inventory_seq(e.inv) - 1);
        inventory_free(e.inv);
        e.inv = now;
    }
    end_show(&e);
}

static void damage_before_the_last_record_is_refused(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    restart(w);
    take_seats(&e, test_session(w), 0, 1);
    off_t big = log_size();
    commit_big(&e);
    inventory_group_done(e.inv);
    off_t end = log_size();
    on_event(&e, COMMAND_EVENT_RESUME); /* one more, small */
    store_close(w->store);
    damage_log(big + (end - big) / 2, "damage", 6);
    assert_refused(folder, BOX_ECORRUPT, "damaged");
    assert_refused(folder, BOX_ECORRUPT, "damaged"); /* and stays so */
    remove_folder();
    w->store = open_new(); /* for the teardown */
    end_show(&e);
}

static void damage_in_the_middle_is_refused(void **state)
{
    struct world *w = *state;
    struct show e;
    off_t last = write_some_log(w, &e);
    store_close(w->store);
    damage_log(last / 2, "damage", 6);
    assert_refused(folder, BOX_ECORRUPT, "damaged");
    remove_folder();
    w->store = open_new(); /* for the teardown */
    end_show(&e);
}

static void missing_files_are_damage(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    char path[1024], kept[1024];
    store_close(w->store);
    newest_log(path, sizeof(path));
    snprintf(kept, sizeof(kept), "%s/kept", folder);
    assert_int_equal(rename(path, kept), 0);
    assert_refused(folder, BOX_ECORRUPT, "its log is missing");
    assert_int_equal(rename(kept, path), 0);
    snprintf(path, sizeof(path), "%s/CURRENT", folder);
    snprintf(kept, sizeof(kept), "%s/api-key", folder); /* a name that may be there */
    assert_int_equal(rename(path, kept), 0);
    assert_refused(folder, BOX_ECORRUPT, "CURRENT is missing");
    assert_int_equal(rename(kept, path), 0);
    w->store = open_folder(); /* it was not touched */
    reload(&e);
    end_show(&e);
}

/* Changes that are gone while later ones are there. */
static void gap_in_the_log_is_refused(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct raw raw;
    char *error = NULL;
    restart(w); /* found whole up to here */
    struct large_group g = {.e = &e};
    add_event_changes(&g, 4);
    commit_group(&g); /* a row, 2 to 5 */
    take_seats(&e, test_session(w), 1, 1);
    store_close(w->store);
    raw_open(&raw);
    rocksdb_writeoptions_t *wo = rocksdb_writeoptions_create();
    rocksdb_delete_cf(raw.db, wo, raw_family(&raw, "changes"), "\0\0\0\0\0\0\0\5", 8, &error);
    assert_null(error);
    rocksdb_writeoptions_destroy(wo);
    raw_close(&raw);
    assert_refused(folder, BOX_ECORRUPT, "missing in the middle");
    remove_folder();
    w->store = open_new();
    end_show(&e);
}

/* The log is looked at from some number on, which need not be a row's first. */
static void log_is_checked_from_inside_a_row(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct large_group g = {.e = &e};
    struct raw raw;
    add_event_changes(&g, 4);
    commit_group(&g); /* a row, 2 to 5 */
    take_seats(&e, test_session(w), 0, 1);
    store_close(w->store);
    raw_open(&raw);
    raw_put(&raw, "meta", "checked", 7, "\0\0\0\0\0\0\0\3", 8);
    raw_close(&raw);
    w->store = open_folder();
    reload(&e);
    assert_int_equal(store_commit_no(w->store), 6);
    end_show(&e);
}

static void raw_delete_ticket(struct raw *r, const struct event_id *id, uint8_t seat)
{
    char *error = NULL;
    uint8_t key[20] = {0};
    memcpy(key, id->u.b, 16);
    key[19] = seat;
    rocksdb_writeoptions_t *wo = rocksdb_writeoptions_create();
    rocksdb_delete_cf(r->db, wo, raw_family(r, "tickets"), (char *)key, sizeof(key), &error);
    assert_null(error);
    rocksdb_writeoptions_destroy(wo);
}

static void missing_ticket_is_damage(void **state)
{
    struct world *w = *state;
    struct show e = begin_show(w, "a");
    struct raw raw;
    struct image image;
    store_close(w->store);
    raw_open(&raw);
    raw_delete_ticket(&raw, &e.id, 4);
    raw_close(&raw);
    w->store = open_folder();
    assert_int_equal(store_load_event(w->store, &e.id, the_layout, w, &image), BOX_ECORRUPT);
    end_show(&e);
}

/* ---- expiry ---- */

static size_t count_rows(const char *family)
{
    struct raw raw;
    size_t count = 0;
    raw_open(&raw);
    rocksdb_readoptions_t *ro = rocksdb_readoptions_create();
    rocksdb_iterator_t *it = rocksdb_create_iterator_cf(raw.db, ro, raw_family(&raw, family));
    for (rocksdb_iter_seek_to_first(it); rocksdb_iter_valid(it); rocksdb_iter_next(it))
        count++;
    rocksdb_iter_destroy(it);
    rocksdb_readoptions_destroy(ro);
    raw_close(&raw);
    return count;
}

/* Answers whose time has passed leave the folder by themselves; others stay. */
static void expired_answers_go(void **state)
{
    struct world *w = *state;
    static char body[3000];
    size_t put = 1, there = 1;
    struct idem_record lasting = make_idem(w, NULL, "{}");
    lasting.expires_ms = INT64_MAX / 2000;
    write_buffer_bytes = 16 << 10;
    restart(w);
    assert_int_equal(store_put_venue(w->store, w->layout, &lasting), 0);
    for (int round = 0; round < 50 && there == put; round++) {
        for (int i = 0; i < 50; i++, put++) {
            struct idem_record old = make_idem(w, NULL, "");
            rng_bytes(&w->rng, body, sizeof(body));
            old.expires_ms = 1;
            old.body = body;
            old.body_size = sizeof(body);
            assert_int_equal(store_put_venue(w->store, w->layout, &old), 0);
        }
        store_close(w->store);
        there = count_rows("idempotency");
        w->store = open_folder();
    }
    write_buffer_bytes = 0;
    assert_true(there < put);
    assert_idem(w, &lasting);
}

/* ---- a disk that takes no more ---- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void failed_write_is_unknown(void **state)
{
    struct world *w = *state;
    struct show a = begin_show(w, "a"), b = begin_show(w, "b");
    struct command c = {.kind = COMMAND_EVENT_PAUSE, .actor = actor_key("default")};
    struct event_group groups[] = {group_of(a.id, decide(&a, &c)), group_of(b.id, decide(&b, &c))};
    struct commit commit = {.groups = groups, .group_count = 2};
    char why[256];
    signal(SIGXFSZ, SIG_IGN);
    limit_files((rlim_t)log_size() + 100);
    submit(w->store, &commit);
    assert_int_equal(groups[0].result, BOX_EUNKNOWN);
    assert_int_equal(groups[1].result, BOX_EUNKNOWN);
    assert_false(store_writable(w->store));
    store_reason(w->store, why, sizeof(why));
    assert_non_null(strstr(why, "File too large"));
    submit(w->store, &commit);
    assert_int_equal(groups[0].result, BOX_EUNAVAILABLE);
    assert_int_equal(store_put_venue(w->store, w->layout, NULL), BOX_EUNAVAILABLE);
    assert_int_equal(store_create_tickets(w->store, inventory_event(a.inv), w->layout, NULL, NULL),
                     BOX_EUNAVAILABLE);
    struct ticket_row row;
    assert_int_equal(store_get_ticket(w->store, &a.id, 0, &row), 0); /* reading goes on */

    limit_files(20); /* not even enough to open */
    assert_int_equal(store_reopen(w->store), BOX_EIO);
    assert_int_equal(store_get_ticket(w->store, &a.id, 0, &row), BOX_EIO);
    limit_files(RLIM_INFINITY);
    assert_int_equal(store_reopen(w->store), 0);
    assert_true(store_writable(w->store));
    assert_int_equal(store_commit_no(w->store), 2);
    inventory_free(a.inv);
    inventory_free(b.inv);
    a.inv = load(w, a.id);
    b.inv = load(w, b.id);
    on_event(&a, COMMAND_EVENT_PAUSE);
    on_event(&b, COMMAND_EVENT_PAUSE);
    restart(w);
    reload(&a);
    reload(&b);
    end_show(&a);
    end_show(&b);
}

static void reopen_keeps_tickets_in_creation(void **state)
{
    struct world *w = *state;
    struct event *event = make_event(w, "a");
    struct ticket_row row;
    assert_int_equal(store_create_tickets(w->store, event, w->layout, NULL, NULL), 0);
    assert_int_equal(store_reopen(w->store), 0); /* the event's first commit may follow */
    assert_int_equal(store_get_ticket(w->store, &event->event_id, 0, &row), 0);
    event_unref(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SUITE_TESTS,
        SUITE_TEST(second_open_is_locked),
        cmocka_unit_test(foreign_folder_is_refused),
        cmocka_unit_test(foreign_database_is_refused),
        cmocka_unit_test(interrupted_first_start),
        cmocka_unit_test(other_formats_are_refused),
        cmocka_unit_test(other_tables_are_refused),
        cmocka_unit_test(no_place_for_a_folder),
        SUITE_TEST(folder_is_private),
        SUITE_TEST(torn_tail_is_dropped),
        SUITE_TEST(every_cut_of_the_tail),
        SUITE_TEST(zeros_after_the_tail),
        SUITE_TEST(holes_in_the_tail_are_dropped),
        SUITE_TEST(damage_before_the_last_record_is_refused),
        SUITE_TEST(damage_in_the_middle_is_refused),
        SUITE_TEST(missing_files_are_damage),
        SUITE_TEST(gap_in_the_log_is_refused),
        SUITE_TEST(log_is_checked_from_inside_a_row),
        SUITE_TEST(missing_ticket_is_damage),
        SUITE_TEST(expired_answers_go),
        SUITE_TEST(failed_write_is_unknown),
        SUITE_TEST(reopen_keeps_tickets_in_creation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
