#include "base/metrics.h"
#include "unit/base/check.h"
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* All metrics as text; the caller frees it. */
static char *render(void)
{
    struct buf b = {0};
    metrics_render(&b);
    buf_addc(&b, '\0');
    size_t size;
    return buf_take(&b, &size);
}

/* The value of the sample whose line begins with @sample, as text. */
static void find(const char *text, const char *sample, char value[64])
{
    char begin[200];
    snprintf(begin, sizeof(begin), "\n%s ", sample);
    const char *at = strstr(text, begin);
    if (!at)
        fail_msg("no sample %s", sample);
    assert_int_equal(sscanf(at + strlen(begin), "%63[^\n]", value), 1);
}

static void assert_sample(const char *sample, const char *expected)
{
    char *text = render();
    char value[64];
    find(text, sample, value);
    assert_string_equal(value, expected);
    free(text);
}

static void test_counters_and_gauges(void **state)
{
    (void)state;
    metrics_add(METRIC_HOLDS_CREATED, 3);
    metrics_add(METRIC_HOLDS_CREATED, 4);
    metrics_set(METRIC_LIVE_HOLDS, 10);
    metrics_add(METRIC_LIVE_HOLDS, -3);
    assert_int_equal(metrics_get(METRIC_HOLDS_CREATED), 7);
    assert_int_equal(metrics_get(METRIC_LIVE_HOLDS), 7);
    assert_sample("boxoffice_holds_created_total", "7");
    assert_sample("boxoffice_live_holds", "7");
    assert_sample("boxoffice_holds_expired_total", "0");
}

static void test_histogram(void **state)
{
    (void)state;
    metrics_observe_us(METRIC_COMMIT_TIME, 50); /* a bound belongs to its bucket */
    metrics_observe_us(METRIC_COMMIT_TIME, 51);
    metrics_observe_us(METRIC_COMMIT_TIME, 1000000);
    metrics_observe_us(METRIC_COMMIT_TIME, 99000000); /* beyond the last bound */
    metrics_observe_us(METRIC_COMMIT_TIME, -5);       /* counts as 0 */
    assert_sample("boxoffice_commit_seconds_bucket{le=\"0.00005\"}", "2");
    assert_sample("boxoffice_commit_seconds_bucket{le=\"0.0001\"}", "3");
    assert_sample("boxoffice_commit_seconds_bucket{le=\"0.5\"}", "3");
    assert_sample("boxoffice_commit_seconds_bucket{le=\"1\"}", "4");
    assert_sample("boxoffice_commit_seconds_bucket{le=\"10\"}", "4");
    assert_sample("boxoffice_commit_seconds_bucket{le=\"+Inf\"}", "5");
    assert_sample("boxoffice_commit_seconds_count", "5");
    assert_sample("boxoffice_commit_seconds_sum", "100.000101");
    assert_sample("boxoffice_expiry_lateness_seconds_sum", "0");
}

static size_t name_length(const char *text)
{
    if (!isalpha((unsigned char)*text) && *text != '_' && *text != ':')
        return 0;
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_' || text[length] == ':')
        length++;
    return length;
}

/* One sample: a name that belongs to @family, maybe labels, and a number. */
static void assert_sample_line(const char *line, const char *family, bool histogram)
{
    size_t length = name_length(line);
    assert_true(length >= strlen(family) && strncmp(line, family, strlen(family)) == 0);
    char suffix[32];
    snprintf(suffix, sizeof(suffix), "%.*s", (int)(length - strlen(family)), line + strlen(family));
    if (histogram)
        assert_true(strcmp(suffix, "_bucket") == 0 || strcmp(suffix, "_sum") == 0 ||
                    strcmp(suffix, "_count") == 0);
    else
        assert_string_equal(suffix, "");
    const char *at = line + length;
    assert_int_equal(*at == '{', strcmp(suffix, "_bucket") == 0);
    if (*at == '{') {
        assert_int_equal(strncmp(at, "{le=\"", 5), 0);
        at = strstr(at, "\"}") + 2;
    }
    assert_int_equal(*at, ' ');
    char *end;
    strtod(at + 1, &end);
    assert_true(end > at + 1 && *end == '\0');
}

/* The text format: for each family HELP, TYPE, then its samples, every line ended. */
static void test_text_format(void **state)
{
    (void)state;
    char *text = render();
    assert_int_equal(text[strlen(text) - 1], '\n');
    char family[100] = "", type[20] = "";
    int families = 0, samples = 1;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) && *line;) {
        char name[100], word[20];
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_true(samples > 0); /* the family before had some */
            assert_int_equal(sscanf(line, "# HELP %99s %19s", family, word), 2);
            assert_int_equal(name_length(family), strlen(family));
            type[0] = '\0';
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            assert_int_equal(sscanf(line, "# TYPE %99s %19s", name, type), 2);
            assert_string_equal(name, family);
            assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 ||
                        strcmp(type, "histogram") == 0);
            families++;
            samples = 0;
        } else {
            assert_true(type[0]);
            assert_sample_line(line, family, strcmp(type, "histogram") == 0);
            samples++;
        }
    }
    assert_int_equal(families, METRIC_COUNT + 3);
    free(text);
}

static void test_buckets_only_rise(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        metrics_observe_us(METRIC_EXPIRY_LATENESS, (int64_t)i * i * 13);
    char *text = render(), *rest = text;
    double last_bound = 0;
    long long last_count = 0;
    int buckets = 0;
    for (const char *line; (line = strsep(&rest, "\n"));) {
        double bound;
        long long count;
        if (sscanf(line, "boxoffice_expiry_lateness_seconds_bucket{le=\"%lf\"} %lld", &bound, &count) != 2)
            continue;
        assert_true(bound > last_bound && count >= last_count);
        if (buckets++ && bound < 1e9) /* +Inf stands at the end */
            assert_true(bound / last_bound < 2.6);
        last_bound = bound;
        last_count = count;
    }
    assert_true(buckets > 10 && last_count == 1000);
    free(text);
}

static void test_process(void **state)
{
    (void)state;
    char *text = render();
    char value[64];
    find(text, "process_resident_memory_bytes", value);
    assert_true(atoll(value) > 100000);
    find(text, "process_start_time_seconds", value);
    long long age = (long long)time(NULL) - atoll(value);
    assert_true(age >= -2 && age < 3600);
    find(text, "process_open_fds", value);
    long long before = atoll(value);
    assert_true(before >= 3);
    free(text);

    int fd = dup(0);
    text = render();
    find(text, "process_open_fds", value);
    assert_int_equal(atoll(value), before + 1);
    close(fd);
    free(text);
}

static void *count_up(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++) {
        metrics_add(METRIC_TICKETS_SOLD, 1);
        metrics_observe_us(METRIC_COMMIT_TIME, i);
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
    free(render()); /* in the middle of it */
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(metrics_get(METRIC_TICKETS_SOLD), 40000);
}

static void add_to_histogram(void)
{
    metrics_add(METRIC_COMMIT_TIME, 1);
}

static void observe_a_counter(void)
{
    metrics_observe_us(METRIC_TICKETS_SOLD, 1);
}

static void set_a_counter(void)
{
    metrics_set(METRIC_TICKETS_SOLD, 1);
}

static void test_wrong_kind_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(add_to_histogram);
    CHECK_ABORTS(observe_a_counter);
    CHECK_ABORTS(set_a_counter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters_and_gauges),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_text_format),
        cmocka_unit_test(test_buckets_only_rise),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_wrong_kind_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
