#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "unit/base/check.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A pipe in packet mode in the place of standard error: each read gives exactly what one write(2) wrote. */
static int packets[2], real_stderr;

static int setup(void **state)
{
    (void)state;
    log_set_level(LOG_DEBUG);
    if (pipe2(packets, O_DIRECT | O_NONBLOCK) != 0)
        return 1;
    real_stderr = dup(STDERR_FILENO);
    return dup2(packets[1], STDERR_FILENO) < 0;
}

static int teardown(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(packets[0]);
    close(packets[1]);
    return 0;
}

/* The one line that was written, in a static buffer; "" when there is none. */
static const char *read_line(void)
{
    static char line[8192];
    ssize_t got = read(packets[0], line, sizeof(line) - 1);
    line[got > 0 ? got : 0] = '\0';
    char more;
    assert_int_equal(read(packets[0], &more, 1), -1); /* one write(2) */
    return line;
}

/* The message of the one line, after its time. */
static const char *read_message(void)
{
    const char *line = read_line();
    assert_true(strlen(line) > TIME_TEXT);
    return line + TIME_TEXT;
}

static void test_form(void **state)
{
    (void)state;
    log_write(LOG_INFO, "store", "opened %s with %d events", "data", 12);
    char line[200];
    snprintf(line, sizeof(line), "%s", read_line());
    assert_string_equal(line + TIME_TEXT, " info store: opened data with 12 events\n");
    line[TIME_TEXT] = '\0';
    int64_t ms;
    assert_int_equal(time_parse(line, &ms), 0);
    struct clock clock;
    clock_init_system(&clock);
    int64_t age = clock_wall_us(&clock) / 1000 - ms;
    assert_true(age >= 0 && age < 60000);
}

static void test_levels(void **state)
{
    (void)state;
    log_set_level(LOG_WARN);
    log_info("a", "not this");
    log_debug("a", "nor this");
    assert_string_equal(read_line(), "");
    log_warn("a", "this");
    assert_string_equal(read_message(), " warn a: this\n");
    log_error("a", "and this");
    assert_string_equal(read_message(), " error a: and this\n");

    enum log_level level = LOG_WARN;
    assert_int_equal(log_parse_level("debug", &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_parse_level("Debug", &level), BOX_ESYNTAX);
    assert_int_equal(log_parse_level("", &level), BOX_ESYNTAX);
    assert_int_equal(level, LOG_DEBUG);
}

static void test_no_injection(void **state)
{
    (void)state;
    log_info("http", "path %s", "/x\r\n2026-11-22T10:00:00.000Z info auth: key accepted");
    assert_string_equal(read_message(),
                        " info http: path /x\\r\\n2026-11-22T10:00:00.000Z info auth: key accepted\n");
    log_info("http", "%s", "\x1b[2J\t\x07\x7f");
    assert_string_equal(read_message(), " info http: \\x1b[2J\\t\\x07\\x7f\n");
    log_info("http", "%s",
             "\xc2\x9b"
             "2J \xe2\x80\xa8 Stra\xc3\x9f"
             "e"); /* U+009B is an escape, too */
    assert_string_equal(read_message(), " info http: \\x9b2J \\u2028 Stra\xc3\x9f"
                                        "e\n");
    log_info("http", "%s", "\xff\x9b\xc3");
    assert_string_equal(read_message(), " info http: \\xff\\x9b\\xc3\n");
}

static void test_long_messages_are_cut(void **state)
{
    (void)state;
    char text[5000];
    for (int pass = 0; pass < 3; pass++) {
        /* Plain, in need of escapes, and with a character that the cut may split. */
        for (size_t i = 0; i + 2 < sizeof(text); i += 2)
            memcpy(text + i, pass == 0 ? "xx" : pass == 1 ? "\x01\x02" : "\xc3\x9f", 2);
        text[sizeof(text) - 2] = '\0';
        log_info("a", "%s%s", pass == 2 ? "x" : "", text);
        const char *line = read_line();
        size_t size = strlen(line);
        assert_true(size > 900 && size <= 4096);
        assert_string_equal(line + size - 4, "...\n");
        assert_ptr_equal(strchr(line, '\n'), line + size - 1);
        assert_true(text_is_utf8(line, size));
    }
}

static void test_errno_survives(void **state)
{
    (void)state;
    errno = ENOSPC;
    log_info("a", "%m");
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(read_message(), " info a: No space left on device\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_form, setup, teardown),
        cmocka_unit_test_setup_teardown(test_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_injection, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_messages_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_errno_survives, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
