#include "base/must.h"
#include "unit/base/check.h"
#include <stdio.h>
#include <string.h>

static void must_of_false(void)
{
    must(1 + 1 == 3);
}

static void test_true_goes_on(void **state)
{
    (void)state;
    int evaluated = 0;
    must(++evaluated);
    assert_int_equal(evaluated, 1);
}

static void test_false_aborts(void **state)
{
    (void)state;
    CHECK_ABORTS(must_of_false);
}

/* Run @deed in a child and return what it wrote to standard error. */
static void read_last_words(void (*deed)(void), char *text, size_t size)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        deed();
        _exit(0);
    }
    close(fds[1]);
    ssize_t got = read(fds[0], text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    close(fds[0]);
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
}

static void test_says_where_and_what(void **state)
{
    (void)state;
    char text[1024];
    read_last_words(must_of_false, text, sizeof(text));
    assert_non_null(strstr(text, "test_must.c:"));
    assert_non_null(strstr(text, "must(1 + 1 == 3) does not hold\n"));
}

static void fail_with_long_text(void)
{
    char text[4096];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    must_fail("file.c", 7, text);
}

static void test_long_text_is_cut(void **state)
{
    (void)state;
    char text[8192];
    read_last_words(fail_with_long_text, text, sizeof(text));
    assert_true(strlen(text) < 600);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_true_goes_on),
        cmocka_unit_test(test_false_aborts),
        cmocka_unit_test(test_says_where_and_what),
        cmocka_unit_test(test_long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
