#include "base/must.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

_Noreturn void must_fail(const char *file, int line, const char *text)
{
    /* One write(2) from the stack: the heap or a stdio lock may be what is broken. */
    char message[512];
    int size = snprintf(message, sizeof(message), "%s:%d: must(%s) does not hold\n", file, line, text);
    if (size >= (int)sizeof(message)) {
        size = (int)sizeof(message) - 1;
        message[size - 1] = '\n';
    }
    if (size > 0 && write(STDERR_FILENO, message, (size_t)size) < 0) {
        /* Nowhere to say it; end all the same. */
    }
    abort();
}
