/* What unit tests share: cmocka with what it needs, and a check that something ends the program. */
#ifndef UNIT_BASE_CHECK_H
#define UNIT_BASE_CHECK_H

/* cmocka.h wants these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* True if @deed ends the process by SIGABRT, as must() does. Tried in a child whose standard error is
 * dropped. */
static inline bool check_aborts(void (*deed)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        signal(SIGABRT, SIG_DFL); /* cmocka may have its own */
        deed();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#define CHECK_ABORTS(deed) assert_true(check_aborts(deed))

#endif
