/* The consumer of a CDC log, on a log in memory: every row once, in order, whatever happens on the way. */
#include "store/cql/consumer.h"
#include "unit/store/cdc_log.h"

enum { ROWS_MAX = 256, GENERATIONS_MAX = 4, STREAMS_MAX = 4 };

static const int64_t S = 1000000, SAFETY = 30 * 1000000;

/* A cluster with one log. Its clock is the consumer's. */
struct cluster {
    struct cdc_source source;
    struct clock clock;
    struct cdc_log_row rows[ROWS_MAX];
    size_t row_count;
    struct {
        int64_t from_us;
        struct cdc_stream streams[STREAMS_MAX];
        size_t stream_count;
    } generations[GENERATIONS_MAX];
    size_t generation_count;
    struct cdc_place checkpoint;
    bool has_checkpoint;
    int fault; /* what everything answers, while not 0 */
    unsigned reads, saves;
    int64_t read_to_us; /* the farthest */
};

static struct cluster *cluster_of(struct cdc_source *s)
{
    return (struct cluster *)s;
}

static int generations(struct cdc_source *s, struct arena *arena, int64_t **ret_times, size_t *ret_count)
{
    struct cluster *c = cluster_of(s);
    *ret_times = arena_array(arena, GENERATIONS_MAX, sizeof(int64_t));
    for (size_t i = 0; i < c->generation_count; i++)
        (*ret_times)[i] = c->generations[i].from_us;
    *ret_count = c->generation_count;
    return c->fault;
}

static int streams(struct cdc_source *s, int64_t generation_us, struct arena *arena,
                   struct cdc_stream **ret_streams, size_t *ret_count)
{
    struct cluster *c = cluster_of(s);
    size_t i = 0;
    while (c->generations[i].from_us != generation_us)
        assert_true(++i < c->generation_count);
    *ret_count = c->generations[i].stream_count;
    *ret_streams = arena_copy(arena, c->generations[i].streams, *ret_count * sizeof(**ret_streams));
    return c->fault;
}

static bool is_of(const struct cdc_log_row *row, const struct cdc_stream *streams_, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!memcmp(streams_[i].id, row->stream.id, CDC_STREAM_BYTES) &&
            streams_[i].expiries == row->stream.expiries)
            return true;
    return false;
}

static int read_rows(struct cdc_source *s, const struct cdc_stream *streams_, size_t stream_count,
                     int64_t from_us, int64_t to_us, size_t limit, struct arena *arena,
                     struct cdc_log_row **ret_rows, size_t *ret_count)
{
    struct cluster *c = cluster_of(s);
    assert_true(from_us < to_us && to_us <= c->clock.virtual_wall_us - SAFETY);
    c->reads++;
    c->read_to_us = to_us > c->read_to_us ? to_us : c->read_to_us;
    *ret_rows = arena_array(arena, ROWS_MAX, sizeof(**ret_rows));
    *ret_count = 0;
    for (size_t i = c->row_count; i-- > 0;) /* in any order */
        if (is_of(&c->rows[i], streams_, stream_count) && c->rows[i].time_us >= from_us &&
            c->rows[i].time_us < to_us)
            (*ret_rows)[(*ret_count)++] = c->rows[i];
    return c->fault ? c->fault : *ret_count > limit ? BOX_ERANGE : 0;
}

static int load(struct cdc_source *s, const char *name, struct cdc_place *ret_place)
{
    struct cluster *c = cluster_of(s);
    assert_string_equal(name, "mine");
    *ret_place = c->checkpoint;
    return c->fault ? c->fault : c->has_checkpoint ? 0 : BOX_ENOTFOUND;
}

static int save(struct cdc_source *s, const char *name, const struct cdc_place *place)
{
    struct cluster *c = cluster_of(s);
    assert_string_equal(name, "mine");
    c->checkpoint = *place;
    c->has_checkpoint = true;
    c->saves++;
    return c->fault;
}

static const char *reason(const struct cdc_source *s)
{
    (void)s;
    return "it is out of order";
}

static void close_source(struct cdc_source *s)
{
    (void)s;
}

static const struct cdc_source_ops ops = {
    .generations = generations,
    .streams = streams,
    .read = read_rows,
    .load = load,
    .save = save,
    .reason = reason,
    .close = close_source,
};

static int setup(void **state)
{
    struct cluster *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->source.ops = &ops;
    clock_init_virtual(&c->clock, T0);
    *state = c;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void add_generation(struct cluster *c, int64_t from_us, uint8_t stream, uint8_t more)
{
    c->generations[c->generation_count].from_us = from_us;
    c->generations[c->generation_count].streams[0] = log_stream(stream);
    c->generations[c->generation_count].streams[1] = log_stream(more);
    c->generations[c->generation_count].stream_count = more ? 2 : 1;
    c->generation_count++;
}

static void write_row(struct cluster *c, uint8_t stream, struct cdc_log_row row)
{
    assert_true(c->row_count < ROWS_MAX);
    row.stream = log_stream(stream);
    c->rows[c->row_count++] = row;
}

/* An insert of a seat of its own, @at_us after T0. */
static void write_insert(struct cluster *c, uint8_t stream, int64_t at_us, uint32_t seat)
{
    write_row(c, stream, log_row(CDC_CODE_INSERT, at_us, seat, 0, 7, seat + 1));
}

static const struct consumer_options FROM_START = {
    .checkpoint = "mine", .from_start = true, .safety_us = SAFETY, .memory_us = 60 * S, .limit = 16};

/* Read until there is nothing to do at once; seats in the order in which they come. */
static size_t read_all(struct consumer *consumer, uint32_t *ret_seats)
{
    struct consumer_batch batch;
    size_t count = 0;
    do {
        assert_int_equal(consumer_step(consumer, &batch), 0);
        for (size_t i = 0; i < batch.count; i++)
            ret_seats[count++] = batch.rows[i].row.seat;
    } while (!batch.wait_ms);
    return count;
}

static void assert_seats(struct consumer *consumer, uint32_t first, size_t count)
{
    uint32_t seats[ROWS_MAX];
    assert_int_equal(read_all(consumer, seats), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seats[i], first + i);
}

static void rows_of_all_streams_in_order(void **state)
{
    struct cluster *c = *state;
    add_generation(c, T0, 1, 2);
    for (uint32_t i = 0; i < 100; i++)
        write_insert(c, i % 3 ? 1 : 2, i * S, i);
    c->clock.virtual_wall_us = T0 + 200 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 100);
    assert_seats(consumer, 0, 0);
    assert_int_equal(consumer_place_us(consumer), c->clock.virtual_wall_us - SAFETY);
    consumer_free(consumer);
}

/* More rows than fit, and more than fit in one moment. */
static void rush_is_cut_into_windows(void **state)
{
    struct cluster *c = *state;
    add_generation(c, T0, 1, 0);
    for (uint32_t i = 0; i < 200; i++)
        write_insert(c, 1, S + (i < 100 ? i / 10 : 50), i);
    for (size_t i = 0; i < 200; i++)
        c->rows[i].batch_seq = (int32_t)i;
    c->clock.virtual_wall_us = T0 + 100 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 200);
    assert_in_range(c->reads, 14, 100);
    consumer_free(consumer);
}

/* A year of silence is not read minute by minute. */
static void silence_is_passed_quickly(void **state)
{
    struct cluster *c = *state;
    add_generation(c, 0, 1, 0);
    write_insert(c, 1, 0, 0);
    write_insert(c, 1, 365 * 86400 * S, 1);
    c->clock.virtual_wall_us = T0 + 366 * 86400 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 2);
    assert_in_range(c->reads, 2, 200);
    consumer_free(consumer);
}

static void old_generation_is_finished_first(void **state)
{
    struct cluster *c = *state;
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 1 * S, 0);
    c->clock.virtual_wall_us = T0 + 60 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 1);
    /* The next one is known before it begins; what is older than it still comes into the old streams. */
    add_generation(c, T0 + 70 * S, 2, 0);
    write_insert(c, 2, 71 * S, 3);
    write_insert(c, 1, 69 * S, 2);
    write_insert(c, 1, 40 * S, 1);
    c->clock.virtual_wall_us = T0 + 100 * S;
    assert_seats(consumer, 1, 2);
    assert_int_equal(c->read_to_us, T0 + 70 * S);
    write_insert(c, 1, 72 * S, 99); /* nobody writes there any more; if somebody did, nobody would see it */
    c->clock.virtual_wall_us = T0 + 110 * S;
    assert_seats(consumer, 3, 1);
    consumer_free(consumer);
}

static void generation_known_too_late(void **state)
{
    struct cluster *c = *state;
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 1 * S, 0);
    c->clock.virtual_wall_us = T0 + 100 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 1);
    write_insert(c, 2, 51 * S, 1);
    add_generation(c, T0 + 50 * S, 2, 0);
    assert_seats(consumer, 1, 1);
    consumer_free(consumer);
}

static void late_row_inside_the_safety_interval(void **state)
{
    struct cluster *c = *state;
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 50 * S, 1);
    c->clock.virtual_wall_us = T0 + 60 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 0); /* too new */
    write_insert(c, 1, 31 * S, 0);
    c->clock.virtual_wall_us = T0 + 81 * S;
    assert_seats(consumer, 0, 2);
    consumer_free(consumer);
}

static void stream_that_is_opened_meanwhile(void **state)
{
    struct cluster *c = *state;
    add_generation(c, 0, 1, 0);
    write_insert(c, 1, 0, 0);
    c->clock.virtual_wall_us = T0 + 60 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 1);
    c->generations[0].streams[c->generations[0].stream_count++] = log_stream(2);
    write_insert(c, 2, 61 * S, 1);
    c->clock.virtual_wall_us = T0 + 100 * S;
    assert_seats(consumer, 1, 1);
    consumer_free(consumer);
}

/* Also over a restart: what came just before the checkpoint is remembered again, and handed out no more. */
static void goes_on_from_the_checkpoint(void **state)
{
    struct cluster *c = *state;
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 1 * S, 0);
    write_insert(c, 1, 9 * S, 1);
    c->clock.virtual_wall_us = T0 + 40 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_int_equal(consumer_save(consumer), 0);
    assert_int_equal(c->saves, 0); /* nothing was read */
    assert_seats(consumer, 0, 2);
    assert_int_equal(consumer_save(consumer), 0);
    assert_int_equal(consumer_save(consumer), 0);
    assert_int_equal(c->saves, 1);
    assert_int_equal(c->checkpoint.time_us, T0 + 10 * S);
    assert_int_equal(c->checkpoint.generation_us, T0);
    consumer_free(consumer);

    write_insert(c, 1, 10 * S, 2);
    write_insert(c, 1, 11 * S, 0); /* a repetition */
    write_row(c, 1, log_row(CDC_CODE_ROW_DELETE, 12 * S, 1, 0, 0, 0));
    c->clock.virtual_wall_us = T0 + 60 * S;
    consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    uint32_t seats[ROWS_MAX];
    uint64_t repeated, strange;
    assert_int_equal(read_all(consumer, seats), 2);
    assert_int_equal(seats[0], 2);
    assert_int_equal(seats[1], 1);
    consumer_left_out(consumer, &repeated, &strange);
    assert_int_equal(repeated, 1);
    assert_int_equal(strange, 0);
    consumer_free(consumer);
}

/* The delete after the restart knows its hold, because the insert before the checkpoint was read again. */
static void end_after_a_restart_has_its_hold(void **state)
{
    struct cluster *c = *state;
    const struct uuid hold = uuid_numbered(7);
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 1 * S, 0);
    write_row(c, 1, log_row(CDC_CODE_ROW_DELETE, 12 * S, 0, 0, 0, 0));
    c->checkpoint = (struct cdc_place){T0, T0 + 10 * S};
    c->has_checkpoint = true;
    c->clock.virtual_wall_us = T0 + 60 * S;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    struct consumer_batch batch;
    do
        assert_int_equal(consumer_step(consumer, &batch), 0);
    while (!batch.count && !batch.wait_ms);
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.rows[0].row.operation, CDC_ROW_DELETE);
    assert_true(uuid_equal(&batch.rows[0].row.hold_id.u, &hold));
    consumer_free(consumer);
}

static void without_a_checkpoint_only_what_comes(void **state)
{
    struct cluster *c = *state;
    struct consumer_options options = FROM_START;
    options.from_start = false;
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 1 * S, 9);
    write_insert(c, 1, 20 * S, 0);
    c->clock.virtual_wall_us = T0 + 40 * S;
    struct consumer *consumer = consumer_new(&c->source, &options, &c->clock);
    assert_seats(consumer, 0, 0);
    c->clock.virtual_wall_us = T0 + 60 * S;
    assert_seats(consumer, 0, 1);
    consumer_free(consumer);
}

static void waits_for_the_first_generation(void **state)
{
    struct cluster *c = *state;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    assert_seats(consumer, 0, 0);
    assert_null(consumer_trouble(consumer));
    add_generation(c, T0 + 1 * S, 1, 0);
    write_insert(c, 1, 2 * S, 0);
    c->clock.virtual_wall_us = T0 + 60 * S;
    assert_seats(consumer, 0, 1);
    consumer_free(consumer);
}

/* What may pass is waited for, longer and longer; then nothing is missing and nothing comes twice. */
static void faults_that_pass(void **state)
{
    struct cluster *c = *state;
    struct consumer_batch batch;
    add_generation(c, T0, 1, 0);
    write_insert(c, 1, 1 * S, 0);
    write_insert(c, 1, 35 * S, 1);
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    for (int round = 0; round < 2; round++) {
        int64_t waited_ms = 0;
        c->clock.virtual_wall_us += 50 * S;
        c->fault = round ? BOX_EIO : BOX_EUNAVAILABLE;
        for (int i = 0; i < 12; i++, waited_ms = batch.wait_ms) {
            assert_int_equal(consumer_step(consumer, &batch), 0);
            assert_int_equal(batch.count, 0);
            assert_true(batch.wait_ms == 30000 || batch.wait_ms >= 2 * waited_ms);
            assert_string_equal(consumer_trouble(consumer), "it is out of order");
        }
        assert_int_equal(waited_ms, 30000);
        c->fault = 0;
        assert_seats(consumer, (uint32_t)round, 1);
        assert_null(consumer_trouble(consumer));
    }
    consumer_free(consumer);
}

static void lasting_fault_is_said(void **state)
{
    struct cluster *c = *state;
    struct consumer_batch batch;
    struct consumer *consumer = consumer_new(&c->source, &FROM_START, &c->clock);
    c->fault = BOX_EINVALID;
    assert_int_equal(consumer_step(consumer, &batch), BOX_EINVALID);
    assert_string_equal(consumer_trouble(consumer), "it is out of order");
    consumer_free(consumer);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_all_streams_in_order),
        TEST(rush_is_cut_into_windows),
        TEST(silence_is_passed_quickly),
        TEST(old_generation_is_finished_first),
        TEST(generation_known_too_late),
        TEST(late_row_inside_the_safety_interval),
        TEST(stream_that_is_opened_meanwhile),
        TEST(goes_on_from_the_checkpoint),
        TEST(end_after_a_restart_has_its_hold),
        TEST(without_a_checkpoint_only_what_comes),
        TEST(waits_for_the_first_generation),
        TEST(faults_that_pass),
        TEST(lasting_fault_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
