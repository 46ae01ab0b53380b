#include "base/log.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/must.h"
#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGE_MAX = 1024, LINE_MAX_BYTES = 4096, ESCAPE_MAX = 8, TAIL_MAX = 4 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};
enum { LEVELS = sizeof(level_names) / sizeof(level_names[0]) };

static enum log_level current_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    current_level = level;
}

int log_parse_level(const char *text, enum log_level *ret_level)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret_level = (enum log_level)i;
            return 0;
        }
    }
    return BOX_ESYNTAX;
}

/* Write one code point, or one byte that is not UTF-8, in a form that cannot end the line or move a terminal.
 */
static size_t escape(char to[ESCAPE_MAX], const char *from, size_t length, uint32_t c)
{
    if (length == 0)
        return (size_t)snprintf(to, ESCAPE_MAX, "\\x%02x", (unsigned)(unsigned char)*from);
    if (c == '\n' || c == '\r' || c == '\t')
        return (size_t)snprintf(to, ESCAPE_MAX, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    if (text_is_control(c))
        return (size_t)snprintf(to, ESCAPE_MAX, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
    memcpy(to, from, length);
    return length;
}

/* Append @text to the line as far as it fits. Returns how much of it that was. */
static size_t add_escaped(char *line, size_t *size, const char *text, size_t text_size)
{
    size_t at = 0;
    while (at < text_size && *size + ESCAPE_MAX + TAIL_MAX <= LINE_MAX_BYTES) {
        uint32_t c = 0;
        size_t length = text_next(text + at, text_size - at, &c);
        *size += escape(line + *size, text + at, length, c);
        at += length ? length : 1;
    }
    return at;
}

static size_t add_head(char *line, enum log_level level, const char *area)
{
    struct clock clock;
    clock_init_system(&clock);
    char now[TIME_TEXT + 1];
    time_format(clock_wall_us(&clock) / 1000, now);
    int size = snprintf(line, LINE_MAX_BYTES / 4, "%s %s %s: ", now, level_names[level], area);
    must(size > 0 && size < LINE_MAX_BYTES / 4);
    return (size_t)size;
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
    if (level > current_level)
        return;
    int saved_errno = errno;
    char message[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int wanted = vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (wanted < 0) {
        wanted = 0;
        message[0] = '\0';
    }

    char line[LINE_MAX_BYTES];
    size_t size = add_head(line, level, area);
    size_t held = wanted < MESSAGE_MAX ? (size_t)wanted : MESSAGE_MAX - 1;
    size_t shown = add_escaped(line, &size, message, held);
    const char *tail = shown < (size_t)wanted ? "...\n" : "\n";
    memcpy(line + size, tail, strlen(tail));
    size += strlen(tail);
    while (write(STDERR_FILENO, line, size) < 0 && errno == EINTR) {
    }
    errno = saved_errno;
}
