#include "base/error.h"
#include "base/must.h"
#include "store/cql/cdc_checkouts.h"
#include "store/cql/cdc_window.h"
#include "store/cql/consumer.h"
#include <stdlib.h>
#include <string.h>

enum { POLL_MS = 1000, RETRY_MIN_MS = 100, RETRY_MAX_MS = 30000 };

enum state { BEGIN, WINDOW };

struct consumer {
    struct cdc_source *source;
    const struct consumer_options *options;
    const struct clock *clock;
    enum state state;
    struct cdc_place place;  /* what was read: all before it */
    int64_t deliver_from_us; /* what is before was handed out by somebody earlier */
    struct cdc_place saved;
    struct cdc_window window;
    struct cdc_checkouts checkouts;
    unsigned failures;  /* in a row */
    struct arena arena; /* of the newest step */
    struct consumer_row *rows;
    size_t row_count, row_cap;
};

struct consumer *consumer_new(struct cdc_source *source, const struct consumer_options *options,
                              const struct clock *clock)
{
    struct consumer *c = calloc(1, sizeof(*c));
    must(c && options->limit > 0 && options->safety_us >= 0 && options->memory_us >= 0);
    c->source = source;
    c->options = options;
    c->clock = clock;
    arena_init(&c->arena, 0);
    cdc_window_init(&c->window);
    cdc_checkouts_init(&c->checkouts, options->memory_us);
    return c;
}

void consumer_free(struct consumer *c)
{
    c->source->ops->close(c->source);
    cdc_checkouts_done(&c->checkouts);
    arena_done(&c->arena);
    free(c->rows);
    free(c);
}

/* ---- generations ---- */

/* The generation at @time_us, the first one if that is later; and when it ends. */
static bool generation_at(const int64_t *times, size_t count, int64_t time_us, int64_t *ret_from_us,
                          int64_t *ret_end_us)
{
    size_t i = 0;
    while (i + 1 < count && times[i + 1] <= time_us)
        i++;
    if (!count)
        return false;
    *ret_from_us = times[i];
    *ret_end_us = i + 1 < count ? times[i + 1] : INT64_MAX;
    return true;
}

/* Where to begin: @ret_place in time only, and from when on to hand out. */
static int find_beginning(struct consumer *c, int64_t *ret_read_us)
{
    struct cdc_place place = {0, 0};
    int ret = BOX_ENOTFOUND;
    if (c->options->checkpoint)
        ret = c->source->ops->load(c->source, c->options->checkpoint, &place);
    if (ret && ret != BOX_ENOTFOUND)
        return ret;
    c->saved = place;
    if (ret == BOX_ENOTFOUND && !c->options->from_start)
        place.time_us = clock_wall_us(c->clock) - c->options->safety_us;
    c->deliver_from_us = place.time_us;
    *ret_read_us = place.time_us > c->options->memory_us ? place.time_us - c->options->memory_us : 0;
    return 0;
}

static int begin(struct consumer *c, bool *ret_wait)
{
    int64_t *times, read_us, end_us;
    size_t count;
    int ret = find_beginning(c, &read_us);
    if (!ret)
        ret = c->source->ops->generations(c->source, &c->arena, &times, &count);
    if (ret)
        return ret;
    *ret_wait = !generation_at(times, count, read_us, &c->place.generation_us, &end_us);
    if (*ret_wait)
        return 0;
    c->place.time_us = read_us > c->place.generation_us ? read_us : c->place.generation_us;
    if (c->deliver_from_us < c->place.time_us)
        c->deliver_from_us = c->place.time_us;
    c->state = WINDOW;
    return 0;
}

/* ---- a window ---- */

static void keep_row(void *ctx, const struct cdc_row *row, const struct cdc_log_row *of)
{
    struct consumer *c = ctx;
    if (of->time_us < c->deliver_from_us)
        return;
    if (c->row_count == c->row_cap) {
        c->row_cap = c->row_cap ? 2 * c->row_cap : 256;
        c->rows = realloc(c->rows, c->row_cap * sizeof(*c->rows));
        must(c->rows);
    }
    c->rows[c->row_count++] = (struct consumer_row){*row, of->stream};
}

static void take_rows(struct consumer *c, struct cdc_log_row *rows, size_t count)
{
    if (count)
        qsort(rows, count, sizeof(*rows), cdc_log_row_compare);
    for (size_t i = 0; i < count; i++)
        cdc_checkouts_take(&c->checkouts, &rows[i], keep_row, c);
}

/* The streams are asked for after it is known where the window ends: none that has rows in it is missed. */
static int read_window(struct consumer *c, int64_t to_us)
{
    struct cdc_stream *streams;
    struct cdc_log_row *rows;
    bool moment = to_us - c->place.time_us == 1; /* cannot be cut: all of it, however much it is */
    size_t stream_count, count, limit = moment ? SIZE_MAX : c->options->limit;
    int ret = c->source->ops->streams(c->source, c->place.generation_us, &c->arena, &streams, &stream_count);
    if (!ret)
        ret = c->source->ops->read(c->source, streams, stream_count, c->place.time_us, to_us, limit,
                                   &c->arena, &rows, &count);
    if (ret == BOX_ERANGE) {
        cdc_window_narrow(&c->window, c->place.time_us, to_us);
        return 0;
    }
    if (ret)
        return ret;
    take_rows(c, rows, count);
    cdc_window_widen(&c->window, count, c->options->limit);
    c->place.time_us = to_us;
    return 0;
}

static int go_on(struct consumer *c, bool *ret_wait)
{
    int64_t *times, from_us, end_us, to_us, now_us = clock_wall_us(c->clock);
    size_t count;
    int ret = c->source->ops->generations(c->source, &c->arena, &times, &count);
    if (ret)
        return ret;
    if (!generation_at(times, count, c->place.generation_us, &from_us, &end_us))
        end_us = INT64_MAX; /* said to be none any more: go on with those streams */
    if (c->place.time_us >= end_us) {
        /* A generation that was made known too late is read from its beginning all the same. */
        c->place = (struct cdc_place){.generation_us = end_us, .time_us = end_us};
        return 0;
    }
    if (!cdc_window_next(&c->window, c->place.time_us, now_us, c->options->safety_us, end_us, &to_us)) {
        *ret_wait = true;
        return 0;
    }
    ret = read_window(c, to_us);
    *ret_wait = !ret && c->place.time_us == to_us && to_us == now_us - c->options->safety_us;
    return ret;
}

/* ---- steps ---- */

static bool may_pass(int code)
{
    return code == BOX_EUNAVAILABLE || code == BOX_EIO;
}

int consumer_step(struct consumer *c, struct consumer_batch *ret_batch)
{
    bool wait = false;
    arena_reset(&c->arena);
    c->row_count = 0;
    int ret = c->state == BEGIN ? begin(c, &wait) : go_on(c, &wait);
    *ret_batch = (struct consumer_batch){c->rows, c->row_count, wait ? POLL_MS : 0};
    if (!ret) {
        c->failures = 0;
        return 0;
    }
    must(c->row_count == 0);
    unsigned doublings = c->failures < 16 ? c->failures : 16;
    int64_t wait_ms = (int64_t)RETRY_MIN_MS << doublings;
    ret_batch->wait_ms = wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS;
    c->failures++;
    return may_pass(ret) ? 0 : ret;
}

const char *consumer_trouble(const struct consumer *c)
{
    return c->failures ? c->source->ops->reason(c->source) : NULL;
}

static struct cdc_place handed_out(const struct consumer *c)
{
    struct cdc_place place = c->place;
    if (place.time_us < c->deliver_from_us)
        place.time_us = c->deliver_from_us;
    return place;
}

int consumer_save(struct consumer *c)
{
    const struct cdc_place place = handed_out(c);
    if (!c->options->checkpoint || c->state == BEGIN || place.time_us == c->saved.time_us)
        return 0;
    int ret = c->source->ops->save(c->source, c->options->checkpoint, &place);
    if (!ret)
        c->saved = place;
    return ret;
}

int64_t consumer_place_us(const struct consumer *c)
{
    return handed_out(c).time_us;
}

void consumer_left_out(const struct consumer *c, uint64_t *ret_repeated, uint64_t *ret_strange)
{
    *ret_repeated = c->checkouts.repeated;
    *ret_strange = c->checkouts.strange;
}
