/*
 * The process log: one line per record on standard error, "2026-11-22T10:00:00.000Z level area: message",
 * written with one write(2). Never personal data, never keys or tokens. Control characters are escaped (no
 * log injection). Library code does not log: whoever drops an error logs it, once.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* Records above @level are dropped. Default LOG_INFO. Call before threads start. */
void log_set_level(enum log_level level);
/* "error", "warn", "info", "debug" -> level. Returns 0 or BOX_ESYNTAX. */
int log_parse_level(const char *text, enum log_level *ret_level);
/* Thread: any. */
void log_write(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(area, ...) log_write(LOG_ERROR, area, __VA_ARGS__)
#define log_warn(area, ...)  log_write(LOG_WARN, area, __VA_ARGS__)
#define log_info(area, ...)  log_write(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...) log_write(LOG_DEBUG, area, __VA_ARGS__)

#endif
