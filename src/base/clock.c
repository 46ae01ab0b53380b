#include "base/clock.h"
#include "base/error.h"
#include "base/must.h"
#include <stdbool.h>
#include <time.h>

enum { MS_PER_DAY = 86400000 };

/* 10000-01-01T00:00:00Z, the first time that four digits of year cannot say; and year 0. */
static const int64_t TIME_END_MS = INT64_C(253402300800000);
static const int64_t TIME_BEGIN_MS = INT64_C(-62167219200000);

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    must(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t system_wall_us(const struct clock *c)
{
    (void)c;
    return read_us(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(const struct clock *c)
{
    (void)c;
    return read_us(CLOCK_MONOTONIC);
}

static int64_t virtual_wall_us(const struct clock *c)
{
    return c->virtual_wall_us;
}

static int64_t virtual_monotonic_us(const struct clock *c)
{
    return c->virtual_monotonic_us;
}

void clock_init_system(struct clock *c)
{
    *c = (struct clock){.wall_us = system_wall_us, .monotonic_us = system_monotonic_us};
}

void clock_init_virtual(struct clock *c, int64_t wall_us)
{
    *c = (struct clock){
        .wall_us = virtual_wall_us, .monotonic_us = virtual_monotonic_us, .virtual_wall_us = wall_us};
}

int64_t clock_wall_us(const struct clock *c)
{
    return c->wall_us(c);
}

int64_t clock_monotonic_us(const struct clock *c)
{
    return c->monotonic_us(c);
}

/*
 * Days and dates (proleptic Gregorian): years begin in March here, so that the leap day comes last, and 400
 * of them, an era, have 146097 days. 719468 days lie between 0000-03-01 and 1970-01-01.
 */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

/* Write @value as @count digits and step over them. */
static void put_digits(char **to, int64_t value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        (*to)[i] = (char)('0' + value % 10);
        value /= 10;
    }
    *to += count;
}

void time_format(int64_t ms, char ret_text[TIME_TEXT + 1])
{
    must(ms >= TIME_BEGIN_MS && ms < TIME_END_MS);
    int64_t day_ms = ms % MS_PER_DAY;
    if (day_ms < 0)
        day_ms += MS_PER_DAY;
    int year, month, day;
    date_from_days((ms - day_ms) / MS_PER_DAY, &year, &month, &day);

    char *to = ret_text;
    put_digits(&to, year, 4);
    *to++ = '-';
    put_digits(&to, month, 2);
    *to++ = '-';
    put_digits(&to, day, 2);
    *to++ = 'T';
    put_digits(&to, day_ms / 3600000, 2);
    *to++ = ':';
    put_digits(&to, day_ms / 60000 % 60, 2);
    *to++ = ':';
    put_digits(&to, day_ms / 1000 % 60, 2);
    *to++ = '.';
    put_digits(&to, day_ms % 1000, 3);
    *to++ = 'Z';
    *to = '\0';
}

/* Read exactly @count digits, 0..@max, and step over them. */
static bool take_digits(const char **from, int count, int max, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if ((*from)[i] < '0' || (*from)[i] > '9')
            return false;
        value = value * 10 + ((*from)[i] - '0');
    }
    *from += count;
    *ret_value = value;
    return value <= max;
}

static bool take_char(const char **from, char c)
{
    if (**from != c)
        return false;
    ++*from;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **from, int64_t *ret_days)
{
    int year, month, day;
    if (!take_digits(from, 4, 9999, &year) || !take_char(from, '-') || !take_digits(from, 2, 12, &month) ||
        !take_char(from, '-') || !take_digits(from, 2, 31, &day))
        return false;
    if (month < 1 || day < 1 || day > days_of_month(year, month))
        return false;
    *ret_days = days_from_date(year, month, day);
    return true;
}

/* Hour to fraction -> ms since midnight; a leap second (60) counts as the first second of the next minute. */
static bool take_time(const char **from, int64_t *ret_ms, bool *ret_leap_second)
{
    int hour, minute, second, ms = 0;
    if (!take_digits(from, 2, 23, &hour) || !take_char(from, ':') || !take_digits(from, 2, 59, &minute) ||
        !take_char(from, ':') || !take_digits(from, 2, 60, &second))
        return false;
    if (take_char(from, '.')) {
        int count = 0;
        for (int unit = 100; **from >= '0' && **from <= '9'; count++, unit /= 10)
            ms += (*(*from)++ - '0') * unit;
        if (count < 1 || count > 9)
            return false;
    }
    *ret_leap_second = second == 60;
    *ret_ms = ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + (second == 60 ? 0 : ms);
    return true;
}

static bool take_offset(const char **from, int64_t *ret_ms)
{
    *ret_ms = 0;
    if (take_char(from, 'Z') || take_char(from, 'z'))
        return true;
    int sign = take_char(from, '+') ? 1 : take_char(from, '-') ? -1 : 0;
    int hour, minute;
    if (!sign || !take_digits(from, 2, 23, &hour) || !take_char(from, ':') ||
        !take_digits(from, 2, 59, &minute))
        return false;
    *ret_ms = sign * (hour * 60 + minute) * INT64_C(60000);
    return true;
}

int time_parse(const char *text, int64_t *ret_ms)
{
    const char *from = text;
    int64_t days, day_ms, offset_ms;
    bool leap_second;
    if (!take_date(&from, &days) || (!take_char(&from, 'T') && !take_char(&from, 't')) ||
        !take_time(&from, &day_ms, &leap_second) || !take_offset(&from, &offset_ms) || *from)
        return BOX_ESYNTAX;
    int64_t ms = days * MS_PER_DAY + day_ms - offset_ms;
    if (leap_second && ms % MS_PER_DAY != 0)
        return BOX_ESYNTAX; /* there is one only at the end of a day, UTC */
    if (ms < 0 || ms >= TIME_END_MS)
        return BOX_ESYNTAX;
    *ret_ms = ms;
    return 0;
}
