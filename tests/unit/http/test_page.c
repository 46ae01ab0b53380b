/* Pages: one answer for many, in the form and with the header that each client is to get. Run under
 * ThreadSanitizer, too. */
#include "harness.h"

#include "base/rng.h"
#include "http/internal.h"
#include <semaphore.h>
#include <zlib.h>
#include <zstd.h>

static const char JSON[] = "application/json";

enum { SIZE = 20000, SMALL = HTTP_COMPRESS_MIN - 1, NOISE = 5000 };

static struct harness h;
static struct http_page *shown, *small, *noise, *picture, *varied; /* each with the ETag "v1" */
static char text[SIZE], noisy[NOISE];

/* ---- pages ---- */

static struct buf bytes_of(const void *data, size_t size)
{
    struct buf b = {0};
    buf_add(&b, data, size);
    return b;
}

static struct http_body *body_of(const char *type, const void *data, size_t size)
{
    struct buf b = bytes_of(data, size);
    return http_body_new(type, &b);
}

static struct http_page *page_with(struct http_body *body, struct http_page_head head)
{
    head.etag = head.etag ? head.etag : "v1";
    head.cache_control = "no-cache";
    return http_page_new(body, &head);
}

static struct http_page *page_of(const char *type, const void *data, size_t size)
{
    return page_with(body_of(type, data, size), (struct http_page_head){.etag = NULL});
}

static void make_pages(void)
{
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof noisy; i++)
        noisy[i] = (char)((random = random * 1664525 + 1013904223) >> 24);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 23 + i / 1000 % 3);
    shown = page_of(JSON, text, SIZE);
    small = page_of(JSON, text, SMALL);
    noise = page_of(JSON, noisy, NOISE);
    picture = page_of("image/png", text, SIZE);
    varied =
        page_with(body_of(JSON, text, SIZE),
                  (struct http_page_head){.vary = "Accept", .field_name = "Change-Seq", .field_value = "7"});
}

static void free_pages(void)
{
    struct http_page *const all[] = {shown, small, noise, picture, varied};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        http_page_unref(all[i]);
}

static void get_pages(struct http_req *req, void *ctx)
{
    (void)ctx;
    static struct http_page **const all[] = {&shown, &small, &noise, &picture, &varied};
    http_reply_page(req, *all[atoi(req->params[0])]);
}

static const char *const SHOWN = "/page/0", *const SMALL_ONE = "/page/1", *const NOISY = "/page/2",
                         *const PICTURE = "/page/3", *const VARIED = "/page/4";

/* Answers when it is let go on, from the loop's mailbox. */
static void answer_held_page(struct task *task)
{
    http_reply_page(((struct held *)task)->req, shown);
}

static void release_page(void)
{
    struct held *held;
    while (!(held = atomic_exchange(&held_request, NULL)))
        pause_ms(1);
    held->task.run = answer_held_page;
    task_post(http_mailbox(held->req), &held->task);
}

/* ---- a page that is exchanged under its readers ---- */

static pthread_mutex_t news_lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_page *news; /* a reference; under the lock */

static struct http_page *take_news(void)
{
    must(pthread_mutex_lock(&news_lock) == 0);
    struct http_page *p = http_page_ref(news);
    must(pthread_mutex_unlock(&news_lock) == 0);
    return p;
}

static void exchange_news(struct http_page *p)
{
    must(pthread_mutex_lock(&news_lock) == 0);
    struct http_page *last = news;
    news = p;
    must(pthread_mutex_unlock(&news_lock) == 0);
    http_page_unref(last);
}

static void get_news(struct http_req *req, void *ctx)
{
    (void)ctx;
    struct http_page *p = take_news();
    http_reply_page(req, p);
    http_page_unref(p);
}

static const struct http_route routes[] = {
    {HTTP_GET, "/page/{number}", get_pages, 0, false},
    {HTTP_GET, "/news", get_news, 0, false},
    {HTTP_GET, "/never", get_never, 0, false},
    {.path = NULL},
};

static void start(void)
{
    harness_start(&h, (struct http_options){.loops = HARNESS_LOOPS, .routes = routes});
}

static int set_up(void **state)
{
    (void)state;
    make_pages();
    start();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    harness_stop(&h);
    free_pages();
    return 0;
}

/* ---- asking ---- */

/* @accept and @listed (If-None-Match) may be NULL. */
static int ask(struct client *c, const char *method, const char *path, const char *accept, const char *listed)
{
    char request[600];
    snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: test\r\n%s%s%s%s%s%s\r\n", method, path,
             accept ? "Accept-Encoding: " : "", accept ? accept : "", accept ? "\r\n" : "",
             listed ? "If-None-Match: " : "", listed ? listed : "", listed ? "\r\n" : "");
    return client_ask(c, request);
}

/* The last answer's body is @data, quickly compressed in @coding. */
static void check_body(const struct client *c, const char *data, size_t size, enum http_coding coding)
{
    struct http_codecs codecs = {NULL, NULL};
    size_t wanted_size = size;
    char *wanted =
        coding == HTTP_IDENTITY ? NULL : http_compress(&codecs, coding, HTTP_QUICK, data, size, &wanted_size);
    assert_int_equal(c->body_size, wanted_size);
    assert_memory_equal(c->body, wanted ? wanted : data, wanted_size);
    free(wanted);
    http_codecs_done(&codecs);
}

static const char *tag_of(const char *etag, enum http_coding coding)
{
    static char tag[60];
    const char *name = http_coding_name(coding);
    snprintf(tag, sizeof tag, "\"%s%s%s\"", etag, name ? "-" : "", name ? name : "");
    return tag;
}

static void check_field(const struct client *c, const char *name, const char *value)
{
    if (strcmp(client_header(c, name), value) != 0)
        print_error("%s is \"%s\", not \"%s\"\n", name, client_header(c, name), value);
    assert_string_equal(client_header(c, name), value);
}

/* What every answer has that is made of a page. */
static void check_common(const struct client *c, const char *vary)
{
    check_field(c, "Cache-Control", "no-cache");
    check_field(c, "Vary", vary);
    check_field(c, "X-Content-Type-Options", "nosniff");
    check_field(c, "Referrer-Policy", "no-referrer");
    check_field(c, "Connection", "");
    assert_int_equal(strlen(client_header(c, "Date")), 29);
}

/* ---- forms ---- */

static void forms(void **state)
{
    (void)state;
    static const struct {
        const char *accept;
        enum http_coding coding;
    } table[] = {
        {NULL, HTTP_IDENTITY},
        {"", HTTP_IDENTITY},
        {"gzip", HTTP_GZIP},
        {"br", HTTP_BR},
        {"zstd", HTTP_ZSTD},
        {"gzip, deflate, br, zstd", HTTP_ZSTD},
        {"gzip, deflate, br", HTTP_BR},
        {"zstd;q=0.1, br;q=0.2, gzip;q=0.3", HTTP_GZIP},
        {"zstd;q=0, *", HTTP_BR},
        {"identity", HTTP_IDENTITY},
        {"identity, gzip;q=0.9", HTTP_IDENTITY},
        {"deflate", HTTP_IDENTITY},
        {"*;q=0", HTTP_IDENTITY}, /* nothing is left: better than no answer */
        {"identity;q=0", HTTP_IDENTITY},
        {"identity;q=0, gzip;q=0.1", HTTP_GZIP},
    };
    struct client *c = client_connect(&h);
    for (int round = 0; round < 2; round++) { /* made, and found */
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            const char *name = http_coding_name(table[i].coding);
            assert_int_equal(ask(c, "GET", SHOWN, table[i].accept, NULL), 200);
            check_body(c, text, SIZE, table[i].coding);
            check_field(c, "Content-Type", JSON);
            check_field(c, "Content-Encoding", name ? name : "");
            check_field(c, "ETag", tag_of("v1", table[i].coding));
            check_common(c, "Accept-Encoding");
        }
    }
    client_close(c);
}

/* What is not compressed, whatever is accepted. */
static void plain_ones(void **state)
{
    (void)state;
    static const struct {
        const char *const *path;
        const char *type, *data;
        size_t size;
        const char *vary;
    } table[] = {
        {&SMALL_ONE, JSON, text, SMALL, "Accept-Encoding"},
        {&NOISY, JSON, noisy, NOISE, "Accept-Encoding"},
        {&PICTURE, "image/png", text, SIZE, ""},
    };
    static const char *const accepts[] = {"gzip", "br", "zstd", "identity;q=0, gzip", NULL};
    struct client *c = client_connect(&h);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (size_t k = 0; k < sizeof accepts / sizeof accepts[0]; k++) {
            assert_int_equal(ask(c, "GET", *table[i].path, accepts[k], NULL), 200);
            check_body(c, table[i].data, table[i].size, HTTP_IDENTITY);
            check_field(c, "Content-Type", table[i].type);
            check_field(c, "Content-Encoding", "");
            check_field(c, "ETag", "\"v1\"");
            check_common(c, table[i].vary);
            assert_int_equal(ask(c, "GET", *table[i].path, accepts[k], "\"v1-gzip\""), 200);
            assert_int_equal(ask(c, "GET", *table[i].path, accepts[k], "\"v1\""), 304);
            check_field(c, "ETag", "\"v1\"");
            check_common(c, table[i].vary);
        }
    }
    client_close(c);
}

static void more_fields(void **state)
{
    (void)state;
    struct client *c = client_connect(&h);
    static const char *const listed[] = {NULL, "\"v1-br\""};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(c, "GET", VARIED, "br", listed[i]), listed[i] ? 304 : 200);
        check_common(c, "Accept, Accept-Encoding");
        check_field(c, "Change-Seq", "7");
    }
    assert_int_equal(ask(c, "GET", SHOWN, "br", NULL), 200);
    check_field(c, "Change-Seq", "");
    client_close(c);
}

static void head(void **state)
{
    (void)state;
    static const char *const accepts[] = {NULL, "gzip", "br", "zstd"};
    struct client *c = client_connect(&h);
    for (size_t i = 0; i < sizeof accepts / sizeof accepts[0]; i++) {
        char wanted[sizeof c->head];
        assert_int_equal(ask(c, "GET", SHOWN, accepts[i], NULL), 200);
        memcpy(wanted, c->head, sizeof wanted);
        assert_int_equal(ask(c, "HEAD", SHOWN, accepts[i], NULL), 200);
        /* All but the date, which is the first field. */
        const char *rest = strstr(wanted + sizeof "HTTP/1.1 200 OK\r\n", "\r\n");
        assert_string_equal(strstr(c->head + sizeof "HTTP/1.1 200 OK\r\n", "\r\n"), rest);
    }
    assert_int_equal(ask(c, "HEAD", SHOWN, "gzip", "\"v1-gzip\""), 304);
    assert_int_equal(ask(c, "GET", SHOWN, NULL, NULL), 200); /* nothing was left behind */
    client_close(c);
}

/* ---- If-None-Match ---- */

static void conditional(void **state)
{
    (void)state;
    static const struct {
        const char *accept, *listed;
        const char *tag; /* of the 304; NULL: 200 */
    } table[] = {
        {"gzip", "\"v1-gzip\"", "\"v1-gzip\""},
        {"br", "\"v1-br\"", "\"v1-br\""},
        {"zstd", "\"v1-zstd\"", "\"v1-zstd\""},
        {NULL, "\"v1\"", "\"v1\""},
        {"gzip", "\"v1\"", "\"v1\""}, /* a copy without coding is good, too */
        {"gzip, identity;q=0", "\"v1\"", NULL},
        {"gzip, *;q=0", "\"v1\"", NULL},
        {"gzip", "\"v1-zstd\"", NULL},
        {NULL, "\"v1-gzip\"", NULL},
        {"identity", "\"v1-gzip\"", NULL},
        {"gzip", "W/\"v1-gzip\"", "\"v1-gzip\""},
        {"gzip", "\"v0\", \"v1-gzip\" , \"v2\"", "\"v1-gzip\""},
        {"gzip", "\"v1\", \"v1-gzip\"", "\"v1-gzip\""},
        {"gzip", "*", "\"v1-gzip\""},
        {NULL, "*", "\"v1\""},
        {"gzip", "\"v0-gzip\"", NULL},
        {"gzip", "v1-gzip", NULL},
        {"gzip", "", NULL},
    };
    struct client *c = client_connect(&h);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            const char *tag = table[i].tag;
            assert_int_equal(ask(c, "GET", SHOWN, table[i].accept, table[i].listed), tag ? 304 : 200);
            if (!tag)
                continue;
            check_field(c, "ETag", tag);
            check_field(c, "Content-Type", "");
            check_field(c, "Content-Encoding", "");
            check_field(c, "Content-Length", "");
            check_common(c, "Accept-Encoding");
        }
    }
    client_close(c);
}

/* ---- bodies ---- */

static void bodies(void **state)
{
    (void)state;
    struct http_body *b = body_of(JSON, text, SIZE), *little = body_of(JSON, text, SMALL);
    size_t size;
    assert_memory_equal(http_body_bytes(b, &size), text, SIZE);
    assert_int_equal(size, SIZE);
    assert_true(http_body_has(b, HTTP_IDENTITY));
    for (enum http_coding coding = HTTP_GZIP; coding < HTTP_CODINGS; coding++) {
        assert_false(http_body_has(b, coding));
        assert_true(http_body_has(little, coding)); /* there is no use for one */
        http_body_prepare(b, coding);
        http_body_prepare(little, coding);
        assert_true(http_body_has(b, coding));
    }
    http_body_prepare(b, HTTP_IDENTITY);
    http_body_unref(b);
    http_body_unref(little);
    http_body_unref(NULL);
    http_page_unref(NULL);
}

/* A form that was prepared is what is sent, be it smaller than what would be made quickly. */
static void prepared(void **state)
{
    (void)state;
    struct http_body *b = body_of(JSON, text, SIZE);
    http_body_prepare(b, HTTP_GZIP);
    exchange_news(page_with(b, (struct http_page_head){.etag = "v1"}));
    struct http_codecs codecs = {NULL, NULL};
    size_t size;
    char *wanted = http_compress(&codecs, HTTP_GZIP, HTTP_THOROUGH, text, SIZE, &size);
    struct client *c = client_connect(&h);
    assert_int_equal(ask(c, "GET", "/news", "gzip", NULL), 200);
    assert_int_equal(c->body_size, size);
    assert_memory_equal(c->body, wanted, size);
    free(wanted);
    http_codecs_done(&codecs);
    client_close(c);
    exchange_news(NULL);
}

/* Two versions with the same bytes, of which the older goes first. */
static void shared_body(void **state)
{
    (void)state;
    struct http_body *b = body_of(JSON, text, SIZE);
    struct client *c = client_connect(&h);
    exchange_news(page_with(http_body_ref(b), (struct http_page_head){.etag = "v1"}));
    assert_int_equal(ask(c, "GET", "/news", "gzip", NULL), 200);
    check_field(c, "ETag", "\"v1-gzip\"");
    exchange_news(page_with(b, (struct http_page_head){.etag = "v2"}));
    assert_int_equal(ask(c, "GET", "/news", "gzip", "\"v1-gzip\""), 200);
    check_field(c, "ETag", "\"v2-gzip\"");
    check_body(c, text, SIZE, HTTP_GZIP);
    client_close(c);
    exchange_news(NULL);
}

/* ---- owners and slow clients ---- */

/* The owner drops a page of which a client has read but the beginning. */
static void freed_while_it_is_sent(void **state)
{
    (void)state;
    enum { BIG = 8 << 20, LITTLE_ROOM = 4096 };
    static const char *const ends[] = {"read", "closed", "reset"};
    char *big = malloc(BIG);
    assert_non_null(big);
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 23 + i / 4096 % 3);
    for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
        exchange_news(page_of(JSON, big, BIG));
        struct client *c = client_connect_with(&h, LITTLE_ROOM);
        client_send(c, GET("/news"));
        assert_int_equal(client_answer_head(c), 200);
        exchange_news(NULL);
        for (size_t done = 0; k == 0 && done < BIG;) {
            assert_true(c->size > 0 || client_fill(c));
            assert_true(c->size <= BIG - done);
            assert_memory_equal(c->in, big + done, c->size);
            done += c->size;
            c->size = 0;
        }
        if (k == 2)
            client_reset(c);
        else
            client_close(c);
    }
    free(big);
}

/* Big ones lie in files as long as there may be more of these; who gets none is sent all the same. */
static void many_big_ones(void **state)
{
    (void)state;
    enum { PAGES = 200, BIG = 70000 };
    static struct http_page *pages[PAGES];
    static char big[BIG];
    struct client *c = client_connect(&h);
    for (int i = 0; i < PAGES; i++) {
        memset(big, 'a' + i % 23, sizeof big);
        pages[i] = page_of("image/png", big, sizeof big);
    }
    for (int i = 0; i < PAGES; i++) {
        memset(big, 'a' + i % 23, sizeof big);
        exchange_news(http_page_ref(pages[i]));
        assert_int_equal(ask(c, "GET", "/news", NULL, NULL), 200);
        assert_int_equal(c->body_size, sizeof big);
        assert_memory_equal(c->body, big, sizeof big);
        assert_int_equal(ask(c, "HEAD", "/news", NULL, NULL), 200);
    }
    exchange_news(NULL);
    for (int i = 0; i < PAGES; i++)
        http_page_unref(pages[i]);
    client_close(c);
}

/* ---- stopping ---- */

static void stopping(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
    } table[] = {
        {GET("/never"), 200},
        {REQUEST("GET /never") "If-None-Match: \"v1\"\r\n\r\n", 304},
    };
    make_pages();
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int round = 0; round < 2; round++) { /* the second finds what the first has left */
            start();
            struct client *c = client_connect(&h), *before;
            assert_int_equal(ask_once(&h, &before, GET("/page/0")), 200);
            check_field(before, "Connection", "");
            client_send(c, table[i].request);
            while (!atomic_load(&held_request))
                pause_ms(1);
            http_stop(h.server);
            release_page(); /* comes after the stop */
            assert_int_equal(client_answer(c, false), table[i].status);
            check_field(c, "Connection", "close");
            check_field(c, "ETag", "\"v1\"");
            if (table[i].status == 200)
                check_body(c, text, SIZE, HTTP_IDENTITY);
            assert_true(client_at_end(c));
            client_close(c);
            client_close(before);
            harness_stop(&h);
        }
    }
    free_pages();
}

/* ---- all at once ---- */

enum { READERS = 6, QUESTIONS = 150, PREPARERS = 2, VERSIONS = 100, NEWS_SIZE = 6000 };

static atomic_bool over;
static sem_t asked; /* once for each answer */

/* Bytes that tell their version. */
static struct http_page *news_of(unsigned version, struct http_body **ret_body)
{
    struct buf b = {0};
    char etag[20];
    while (b.size < NEWS_SIZE)
        buf_printf(&b, "{\"version\":%06u} ", version);
    snprintf(etag, sizeof etag, "v%u", version);
    *ret_body = http_body_new(JSON, &b);
    return page_with(http_body_ref(*ret_body), (struct http_page_head){.etag = etag});
}

static void unpack(const struct client *c, char *to, size_t size)
{
    const char *coding = client_header(c, "Content-Encoding");
    if (strcmp(coding, "gzip") == 0) {
        z_stream z = {.next_in = (Bytef *)c->body,
                      .avail_in = (uInt)c->body_size,
                      .next_out = (Bytef *)to,
                      .avail_out = (uInt)size};
        must(inflateInit2(&z, 15 + 16) == Z_OK);
        must(inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_out == size);
        inflateEnd(&z);
    } else if (strcmp(coding, "zstd") == 0) {
        must(ZSTD_decompress(to, size, c->body, c->body_size) == size);
    } else {
        must(c->body_size == size);
        memcpy(to, c->body, size);
    }
}

/* The bytes are of the version that the tag tells, all of them. */
static void check_news(const struct client *c)
{
    static _Thread_local char plain[NEWS_SIZE + 100], wanted[40];
    unsigned version = (unsigned)atoi(client_header(c, "ETag") + 2);
    int each = snprintf(wanted, sizeof wanted, "{\"version\":%06u} ", version);
    size_t size = (NEWS_SIZE + (size_t)each - 1) / (size_t)each * (size_t)each;
    if (strcmp(client_header(c, "Content-Encoding"), "br") == 0)
        return; /* no decoder is linked */
    unpack(c, plain, size);
    for (size_t at = 0; at < size; at += (size_t)each)
        must(memcmp(plain + at, wanted, (size_t)each) == 0);
}

static void *read_news(void *arg)
{
    static const char *const accepts[] = {NULL, "gzip", "br", "zstd", "gzip;q=0.5, br", "identity;q=0, gzip"};
    struct rng rng;
    struct client *c = client_connect(&h);
    char tag[60] = "\"none\"";
    uintptr_t unchanged = 0;
    rng_init_seeded(&rng, (uintptr_t)arg);
    for (int i = 0; i < QUESTIONS; i++) {
        const char *accept = accepts[rng_below(&rng, 6)];
        int status = ask(c, rng_below(&rng, 8) ? "GET" : "HEAD", "/news", accept, tag);
        must(status == 200 || (status == 304 && strcmp(client_header(c, "ETag"), tag) == 0));
        unchanged += status == 304;
        if (status == 200 && c->body_size > 0)
            check_news(c);
        snprintf(tag, sizeof tag, "%s", client_header(c, "ETag"));
        sem_post(&asked);
    }
    client_close(c);
    return (void *)unchanged;
}

static _Atomic(struct http_body *) preparing; /* a reference for whoever takes it */

static void *prepare_news(void *arg)
{
    (void)arg;
    while (!atomic_load(&over)) {
        struct http_body *b = atomic_exchange(&preparing, NULL);
        for (enum http_coding coding = HTTP_GZIP; b && coding < HTTP_CODINGS; coding++) {
            http_body_prepare(b, coding);
            must(http_body_has(b, coding));
        }
        http_body_unref(b);
    }
    return NULL;
}

static void at_once(void **state)
{
    (void)state;
    pthread_t readers[READERS], preparers[PREPARERS];
    struct http_body *body;
    uintptr_t unchanged = 0;
    must(sem_init(&asked, 0, 0) == 0);
    atomic_store(&over, false);
    exchange_news(news_of(0, &body));
    http_body_unref(body);
    for (int i = 0; i < PREPARERS; i++)
        must(pthread_create(&preparers[i], NULL, prepare_news, NULL) == 0);
    for (uintptr_t i = 0; i < READERS; i++)
        must(pthread_create(&readers[i], NULL, read_news, (void *)i) == 0);
    for (unsigned version = 1; version <= VERSIONS; version++) {
        for (int i = 0; i < READERS * QUESTIONS / VERSIONS; i++)
            while (sem_wait(&asked) != 0)
                continue;
        struct http_page *page = news_of(version, &body);
        http_body_unref(atomic_exchange(&preparing, http_body_ref(body)));
        exchange_news(page);
        http_body_unref(body);
    }
    for (int i = 0; i < READERS; i++) {
        void *n;
        pthread_join(readers[i], &n);
        unchanged += (uintptr_t)n;
    }
    atomic_store(&over, true);
    for (int i = 0; i < PREPARERS; i++)
        pthread_join(preparers[i], NULL);
    assert_true(unchanged > 0);
    http_body_unref(atomic_exchange(&preparing, NULL));
    exchange_news(NULL);
}

int main(void)
{
    const struct CMUnitTest running[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(plain_ones),
        cmocka_unit_test(more_fields),
        cmocka_unit_test(head),
        cmocka_unit_test(conditional),
        cmocka_unit_test(bodies),
        cmocka_unit_test(prepared),
        cmocka_unit_test(shared_body),
        cmocka_unit_test(freed_while_it_is_sent),
        cmocka_unit_test(many_big_ones),
        cmocka_unit_test(at_once),
    };
    const struct CMUnitTest alone[] = {cmocka_unit_test(stopping)};
    return cmocka_run_group_tests(running, set_up, tear_down) + cmocka_run_group_tests(alone, NULL, NULL);
}
