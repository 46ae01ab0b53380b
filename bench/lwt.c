/*
 * boxoffice-lwt: what a cluster does by itself - one conditional UPDATE per hold, each of a seat of its own,
 * on one hot event. The peer of `script/bench cluster`: no groups, no HTTP, nothing but the CQL client, and
 * of all that a hold writes only its ticket.
 *
 *   boxoffice-lwt HOSTS KEYSPACE SEATS IN_FLIGHT SECONDS
 *
 * The keyspace is boxoffice's: `tickets` has its columns and its view. The event is one that boxoffice does
 * not know, made and removed here. Ends when the seats or the seconds are over and prints one line:
 *
 *   RESULT held=N other=N seconds=S p50_ms=M p99_ms=M
 */
#include "base/clock.h"
#include "base/uuid.h"
#include "cql.h"
#include "load/histogram.h"
#include <endian.h>
#include <pthread.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 10000, TRY_MS = 10000, DRIVER_THREADS = 2, INSERT_IN_FLIGHT = 8, IN_FLIGHT_MAX = 1024 };

/* A request under way. */
struct slot {
    struct load *load;
    int64_t began_us;
    struct slot *next; /* in the list of those that are free */
};

struct load {
    struct cql_session *session;
    struct cql_statement *insert, *hold, *drop;
    struct uuid event_id;
    struct clock clock;
    struct rng rng;
    struct slot slots[IN_FLIGHT_MAX];
    pthread_mutex_t mtx;
    pthread_cond_t cond;
    /* under mtx */
    struct slot *free;
    unsigned under_way;
    uint64_t held, other;
    struct histogram latency;
};

static _Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "boxoffice-lwt: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    exit(1);
}

/* ---- values ---- */

static struct cql_cell cell(const void *data, size_t size)
{
    return (struct cql_cell){.data = data, .size = (int32_t)size};
}

static struct cql_cell text(const char *s)
{
    return cell(s, strlen(s));
}

/* A ticket id: the event's first bytes and the seat, as boxoffice makes them. */
static struct uuid ticket_of(const struct load *l, uint32_t seat)
{
    struct uuid id = l->event_id;
    uint32_t number = htobe32(seat);
    memcpy(id.b + 12, &number, sizeof(number));
    return id;
}

/* ---- requests ---- */

static struct slot *take_slot(struct load *l)
{
    pthread_mutex_lock(&l->mtx);
    while (!l->free)
        pthread_cond_wait(&l->cond, &l->mtx);
    struct slot *s = l->free;
    l->free = s->next;
    l->under_way++;
    pthread_mutex_unlock(&l->mtx);
    s->began_us = clock_monotonic_us(&l->clock);
    return s;
}

static void wait_all(struct load *l)
{
    pthread_mutex_lock(&l->mtx);
    while (l->under_way)
        pthread_cond_wait(&l->cond, &l->mtx);
    pthread_mutex_unlock(&l->mtx);
}

static void give_slot(struct slot *s)
{
    struct load *l = s->load;
    s->next = l->free;
    l->free = s;
    l->under_way--;
    pthread_cond_signal(&l->cond);
}

/* So many may be under way from now on. */
static void set_slots(struct load *l, unsigned count)
{
    wait_all(l);
    l->free = NULL;
    for (unsigned i = 0; i < count; i++) {
        l->slots[i] = (struct slot){.load = l, .next = l->free};
        l->free = &l->slots[i];
    }
}

static void on_inserted(void *ctx, struct cql_result *result, const struct cql_error *error)
{
    struct slot *s = ctx;
    if (!result)
        die("a ticket could not be created: %s", error->message);
    cql_result_free(result);
    pthread_mutex_lock(&s->load->mtx);
    give_slot(s);
    pthread_mutex_unlock(&s->load->mtx);
}

static void on_held(void *ctx, struct cql_result *result, const struct cql_error *error)
{
    struct slot *s = ctx;
    struct load *l = s->load;
    (void)error;
    struct cql_cell applied = result ? cql_value(result, 0, 0) : (struct cql_cell){.size = CQL_NULL};
    bool held = applied.size == 1 && applied.data[0] == 1;
    cql_result_free(result);
    pthread_mutex_lock(&l->mtx);
    l->held += held;
    l->other += !held;
    histogram_add(&l->latency, (clock_monotonic_us(&l->clock) - s->began_us) * 1000);
    give_slot(s);
    pthread_mutex_unlock(&l->mtx);
}

static void create_tickets(struct load *l, uint32_t seats)
{
    const struct cql_request request = {.consistency = CQL_QUORUM, .timeout_ms = TRY_MS};
    int64_t back = (int64_t)htobe64((uint64_t)(clock_wall_us(&l->clock) - 86400000000));
    set_slots(l, INSERT_IN_FLIGHT);
    for (uint32_t seat = 0; seat < seats; seat++) {
        struct uuid ticket = ticket_of(l, seat);
        const struct cql_cell values[] = {cell(l->event_id.b, 16), cell(ticket.b, 16), text("available"),
                                          cell(&back, sizeof(back))};
        cql_execute(l->session, l->insert, values, 4, &request, on_inserted, take_slot(l));
    }
    wait_all(l);
}

static double hold_all(struct load *l, uint32_t seats, unsigned in_flight, double seconds)
{
    const struct cql_request request = {.consistency = CQL_QUORUM, .lwt = true, .timeout_ms = TRY_MS};
    set_slots(l, in_flight);
    int64_t began_us = clock_monotonic_us(&l->clock), end_us = began_us + (int64_t)(seconds * 1e6);
    for (uint32_t seat = 0; seat < seats && clock_monotonic_us(&l->clock) < end_us; seat++) {
        struct uuid ticket = ticket_of(l, seat), hold = uuid_random(&l->rng), session = uuid_random(&l->rng);
        char session_text[UUID_TEXT + 1];
        int64_t until = (int64_t)htobe64((uint64_t)(clock_wall_us(&l->clock) / 1000 + 900000));
        uuid_format(&session, session_text);
        const struct cql_cell values[] = {cell(hold.b, 16), text(session_text), cell(&until, sizeof(until)),
                                          cell(l->event_id.b, 16), cell(ticket.b, 16)};
        cql_execute(l->session, l->hold, values, 5, &request, on_held, take_slot(l));
    }
    wait_all(l);
    return (double)(clock_monotonic_us(&l->clock) - began_us) / 1e6;
}

static void drop_tickets(struct load *l)
{
    const struct cql_request request = {.consistency = CQL_QUORUM, .timeout_ms = TRY_MS};
    const struct cql_cell values[] = {cell(l->event_id.b, 16)};
    cql_execute(l->session, l->drop, values, 1, &request, on_inserted, take_slot(l));
    wait_all(l);
}

/* ---- start ---- */

static struct cql_statement *prepare(struct load *l, const char *format, const char *keyspace)
{
    struct cql_statement *st;
    struct cql_error error;
    char cql[512];
    snprintf(cql, sizeof cql, format, keyspace);
    if (cql_prepare(l->session, cql, &st, &error) != CQL_OK)
        die("%s: %s", cql, error.message);
    return st;
}

static void open_load(struct load *l, const char *hosts, const char *keyspace)
{
    const struct cql_options options = {
        .hosts = hosts, .threads = DRIVER_THREADS, .connect_timeout_ms = CONNECT_MS};
    struct cql_error error;
    clock_init_system(&l->clock);
    rng_init_keyed(&l->rng);
    l->event_id = uuid_random(&l->rng);
    pthread_mutex_init(&l->mtx, NULL);
    pthread_cond_init(&l->cond, NULL);
    if (cql_open(&options, &l->session, &error) != CQL_OK)
        die("cannot connect to %s: %s", hosts, error.message);
    l->insert =
        prepare(l, "INSERT INTO %s.tickets (event_id, ticket_id, status) VALUES (?, ?, ?) USING TIMESTAMP ?",
                keyspace);
    l->hold = prepare(l,
                      "UPDATE %s.tickets SET status = 'held', hold_id = ?, hold_session = ?, hold_until = ? "
                      "WHERE event_id = ? AND ticket_id = ? IF status = 'available'",
                      keyspace);
    l->drop = prepare(l, "DELETE FROM %s.tickets WHERE event_id = ?", keyspace);
}

int main(int argc, char **argv)
{
    static struct load load;
    if (argc != 6)
        die("usage: boxoffice-lwt HOSTS KEYSPACE SEATS IN_FLIGHT SECONDS");
    uint32_t seats = (uint32_t)strtoul(argv[3], NULL, 10);
    unsigned in_flight = (unsigned)strtoul(argv[4], NULL, 10);
    double seconds = strtod(argv[5], NULL);
    if (seats == 0 || in_flight == 0 || in_flight > IN_FLIGHT_MAX || seconds <= 0 || sodium_init() < 0)
        die("SEATS, IN_FLIGHT (at most %d) and SECONDS are numbers above 0", IN_FLIGHT_MAX);
    open_load(&load, argv[1], argv[2]);
    create_tickets(&load, seats);
    double took = hold_all(&load, seats, in_flight, seconds);
    drop_tickets(&load);
    printf("RESULT held=%llu other=%llu seconds=%.6f p50_ms=%.3f p99_ms=%.3f\n",
           (unsigned long long)load.held, (unsigned long long)load.other, took,
           histogram_ms(&load.latency, 0.5), histogram_ms(&load.latency, 0.99));
    cql_close(load.session);
    return 0;
}
