/*
 * `boxoffice bench SCENARIO`: the load generator (src/load), its options, and the report for people. Against
 * a server that runs (--url), or one of its own.
 */
#include "base/params.h"
#include "cli/cli.h"
#include "cli/own_server.h"
#include "load/load.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <math.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_TEXT = 200 };

/* A number that is given as an option, where it goes, and what it must be. */
struct number_option {
    const char *name;
    enum { UNSIGNED, REAL, SHARE, SEED } type; /* SHARE: in percent, kept as 0 to 1 */
    size_t at;
    double least, most;
};

#define AT(member) offsetof(struct load_options, member)
static const struct number_option NUMBERS[] = {
    {"connections", UNSIGNED, AT(connections), 1, LIMIT_BENCH_CONNECTIONS},
    {"rate", REAL, AT(rate), 0.1, LIMIT_BENCH_RATE},
    {"seconds", REAL, AT(seconds), 0.1, LIMIT_BENCH_SECONDS},
    {"warmup", REAL, AT(warmup), 0, LIMIT_BENCH_SECONDS},
    {"timeout", REAL, AT(timeout), 0.1, LIMIT_BENCH_SECONDS},
    {"seed", SEED, AT(seed), 0, 1e15},
    {"seats", UNSIGNED, AT(seats), 1, LIMIT_BENCH_SEATS},
    {"sessions", UNSIGNED, AT(sessions), 1, LIMIT_BENCH_SESSIONS},
    {"hold-seconds", UNSIGNED, AT(hold_seconds), 1, LIMIT_HOLD_SECONDS_MAX},
    {"count", UNSIGNED, AT(count), 1, LIMIT_HOLD_SEATS},
    {"beside", REAL, AT(beside), 0.1, LIMIT_BENCH_RATE},
    {"compress", REAL, AT(crowd.compress), 1, 900},
    {"reads", REAL, AT(crowd.reads_an_order), 0, 5000},
    {"attempts", REAL, AT(crowd.attempts_an_order), 1, 100},
    {"won", REAL, AT(crowd.won_an_order), 1, 100},
    {"orders", REAL, AT(crowd.orders_an_order), 1, 100},
    {"streams", UNSIGNED, AT(crowd.streams), 0, LIMIT_STREAMS},
    {"bots", SHARE, AT(crowd.bots), 0, 100},
    {"early", SHARE, AT(crowd.early), 0, 100},
    {"given-back", SHARE, AT(crowd.given_back), 0, 100},
    {"doubles", SHARE, AT(crowd.doubles), 0, 100},
    {"repeats", SHARE, AT(crowd.repeats), 0, 100},
    {"payment-fails", SHARE, AT(crowd.payment_fails), 0, 100},
    {"payment-late", SHARE, AT(crowd.payment_late), 0, 100},
    {"follow", SHARE, AT(crowd.follow), 0, 100},
};
#undef AT

static const struct cli_option OPTIONS[] = {
    {"connections", "N", "keep-alive connections (default 64; on-sale 1000)"},
    {"rate", "R",
     "open loop: so many a second are due, whatever became of those before (default: closed loop)"},
    {"seconds", "S", "how long (default 10)"},
    {"warmup", "S", "before that, not measured (default 1; best-available 0)"},
    {"timeout", "S", "a request without an answer is given up (default 10)"},
    {"seed", "N", "of everything that is drawn (default 1)"},
    {"seats", "N", "seats of an event (default 50000)"},
    {"sessions", "N", "buyers' sessions (default 1000; on-sale 20000)"},
    {"hold-seconds", "N", "how long the server keeps a hold (default 900; on-sale 900 too, compressed)"},
    {"count", "N", "best-available: seats of a party (default 4)"},
    {"beside", "R", "hot-seat: holds of other seats a second, of another event (default none)"},
    {"compress", "N", "on-sale: all times are so many times shorter, 1 to 900 (default 15)"},
    {"reads", "N", "on-sale: reads for each paid order (default 500)"},
    {"attempts", "N", "on-sale: attempts to hold for each paid order (default 4)"},
    {"won", "N", "on-sale: holds for each paid order (default 1.7)"},
    {"orders", "N", "on-sale: orders for each that is paid (default 1.3)"},
    {"given-back", "PERCENT", "on-sale: of the holds not paid for; the others expire (default 28.6)"},
    {"bots", "PERCENT", "on-sale: of the attempts (default 40)"},
    {"early", "PERCENT", "on-sale: people's attempts before the start (default 5)"},
    {"doubles", "PERCENT", "on-sale: holds submitted twice at once under one key (default 5)"},
    {"repeats", "PERCENT", "on-sale: holds sent again after a time-out (default 3)"},
    {"payment-fails", "PERCENT", "on-sale: first payments that fail (default 12)"},
    {"payment-late", "PERCENT", "on-sale: payments after the hold expired (default 1)"},
    {"streams", "N", "on-sale: those who follow the live stream (default 2000)"},
    {"follow", "PERCENT", "on-sale: of those who watch; the others poll (default 70)"},
    {"no-verify", NULL, "do not check the rules of selling afterwards"},
    {"pin", "SERVER,CLIENT", "cores for its own server and for the client"},
    {"serve-option", "WORD", "a word for the command line of its own server; may come several times"},
    {NULL, NULL, NULL},
};

/* ---- reading the options ---- */

static bool read_number(struct cli *c, const struct number_option *n, struct load_options *o)
{
    const char *text = cli_value(c, n->name);
    void *to = (char *)o + n->at;
    char *end;
    if (!text)
        return true;
    double value = strtod(text, &end);
    bool whole = n->type == UNSIGNED || n->type == SEED;
    if (!*text || *end || !(value >= n->least && value <= n->most) || (whole && value != floor(value))) {
        cli_usage(c, "--%s is '%s'; it must be a %snumber from %.15g to %.15g", n->name, text,
                  whole ? "whole " : "", n->least, n->most);
        return false;
    }
    switch (n->type) {
    case UNSIGNED:
        *(unsigned *)to = (unsigned)value;
        break;
    case SEED:
        *(uint64_t *)to = (uint64_t)value;
        break;
    case REAL:
        *(double *)to = value;
        break;
    case SHARE:
        *(double *)to = value / 100;
    }
    return true;
}

static bool read_numbers(struct cli *c, const struct load_scenario *s, struct load_options *o)
{
    bool paced = load_scenario_is_paced(s);
    load_scenario_defaults(s, o);
    o->verify = !cli_value(c, "no-verify");
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        if (!read_number(c, &NUMBERS[i], o))
            return false;
    }
    if (paced && (cli_value(c, "rate") || cli_value(c, "seconds"))) {
        cli_usage(c, "%s paces itself: --rate and --seconds do not belong to it", load_scenario_name(s));
        return false;
    }
    if (o->count > o->seats) {
        cli_usage(c, "--count is %u; the event has only %u seats", o->count, o->seats);
        return false;
    }
    if (o->crowd.orders_an_order > o->crowd.won_an_order ||
        o->crowd.won_an_order > o->crowd.attempts_an_order) {
        cli_usage(c, "--orders may not be more than --won, nor --won more than --attempts");
        return false;
    }
    return true;
}

static bool read_pin(struct cli *c, int *ret_server, int *ret_client)
{
    const char *text = cli_value(c, "pin");
    char rest;
    *ret_server = *ret_client = -1;
    if (!text)
        return true;
    long cores = sysconf(_SC_NPROCESSORS_CONF);
    if (sscanf(text, "%d,%d%c", ret_server, ret_client, &rest) == 2 && *ret_server >= 0 && *ret_client >= 0 &&
        *ret_server < cores && *ret_client < cores)
        return true;
    cli_usage(c, "--pin is '%s'; it must be two cores from 0 to %ld, such as 0,1", text, cores - 1);
    return false;
}

static bool read_serve_options(struct cli *c, const char **ret_options)
{
    unsigned count = 0;
    for (const char *word; (word = cli_value_at(c, "serve-option", (int)count)) != NULL; count++) {
        if (count == LIMIT_BENCH_SERVE_OPTIONS) {
            cli_usage(c, "--serve-option may come %d times at most", LIMIT_BENCH_SERVE_OPTIONS);
            return false;
        }
        ret_options[count] = word;
    }
    ret_options[count] = NULL;
    return true;
}

/* "http://HOST:PORT" into the options; @host is room for its name. */
static bool read_url(struct cli *c, const char *url, char host[64], struct load_options *o)
{
    char port[8] = "80", rest = 0;
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int parts = sscanf(url, "http://%63[^:/]:%7[0-9]%c", host, port, &rest);
    if (parts < 1 || (rest && strcmp(strchr(url + 7, rest), "/") != 0)) {
        cli_usage(c, "--url is '%s'; the benchmark needs http://HOST:PORT", url);
        return false;
    }
    int error = getaddrinfo(host, port, &hints, &found);
    if (error) {
        cli_fail("cannot find %s: %s", host, gai_strerror(error));
        return false;
    }
    memcpy(&o->address, found->ai_addr, sizeof o->address);
    freeaddrinfo(found);
    o->host = host;
    return true;
}

/* ---- progress ---- */

static void show_progress(const struct load_progress *p)
{
    fprintf(stderr, "\r\033[K%6.1f s  %8.0f/s  %10" PRIu64 " answers  %" PRIu64 " failed  p99 %.2f ms",
            p->seconds, p->per_second, p->answers, p->failed, p->p99_ms);
    fflush(stderr);
}

static void end_progress(void)
{
    fputs("\r\033[K", stderr);
}

/* ---- the report for people ---- */

static const char *statuses(struct cli *c, const struct kind *k)
{
    char text[STATUS_TEXT] = "";
    size_t at = 0;
    for (unsigned i = 0; i < STATUS_END && at < sizeof text; i++) {
        if (k->statuses[i])
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%u: %" PRIu64, at ? ", " : "", i,
                                   k->statuses[i]);
    }
    for (unsigned i = 0; i < WIRE_ERRORS && at < sizeof text; i++) {
        if (k->errors[i])
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s: %" PRIu64, at ? ", " : "",
                                   wire_error_name((enum wire_error)i), k->errors[i]);
    }
    return arena_strdup(&c->arena, text);
}

static void print_kinds(struct cli *c, const struct load_report *r)
{
    static const char *const HEADS[] = {"request", ">count",    ">per s",  ">p50 ms",  ">p90 ms",
                                        ">p99 ms", ">p99.9 ms", ">max ms", "statuses", NULL};
    static const double FRACTIONS[] = {0.5, 0.9, 0.99, 0.999, 1};
    struct table t;
    table_init(&t, HEADS);
    for (unsigned i = 0; i < r->kind_count; i++) {
        const struct kind *k = &r->kinds[i];
        uint64_t count = kind_answered(k) + kind_errors(k);
        if (count == 0)
            continue;
        table_cell(&t, k->name);
        table_cell(&t, arena_printf(&c->arena, "%" PRIu64, count));
        table_cell(
            &t, arena_printf(&c->arena, "%.0f", r->seconds > 0 ? (double)kind_answered(k) / r->seconds : 0));
        for (unsigned f = 0; f < 5; f++)
            table_cell(&t, arena_printf(&c->arena, "%.2f", histogram_ms(&k->latency, FRACTIONS[f])));
        table_cell(&t, statuses(c, k));
    }
    table_print(&t);
}

static void print_figures(struct cli *c, const struct load_report *r)
{
    static const char *const HEADS[] = {"figure", ">value", "meaning", NULL};
    struct table t;
    table_init(&t, HEADS);
    for (unsigned i = 0; i < r->figure_count; i++) {
        const struct load_figure *f = &r->figures[i];
        const char *form = f->value == floor(f->value) ? "%.0f%s%s" : "%.2f%s%s";
        table_cell(&t, f->name);
        table_cell(&t, arena_printf(&c->arena, form, f->value, *f->unit ? " " : "", f->unit));
        table_cell(&t, f->meaning);
    }
    if (r->figure_count) {
        putchar('\n');
        table_print(&t);
    } else {
        table_free(&t);
    }
}

static void print_rule(const char *name, const char *meaning, const struct rule_result *r)
{
    if (r->breaches)
        printf("rule %s BROKEN %" PRIu64 " times; the first: %s\n", name, r->breaches, r->first);
    else
        printf("rule %s holds%s%s\n", name, *meaning ? ": " : "", meaning);
}

static void print_rules(const struct load_report *r)
{
    putchar('\n');
    for (unsigned i = 0; i < RULES && r->verified; i++)
        print_rule(rule_name((enum rule)i), rule_meaning((enum rule)i), &r->rules[i]);
    if (r->scenario_rule_name)
        print_rule(r->scenario_rule_name, "", &r->scenario_rule);
    if (!r->verified)
        printf("the rules of selling were not checked%s\n",
               r->interrupted ? ": the run was interrupted" : "");
}

static void print_report(struct cli *c, const struct load_scenario *s, const struct load_options *o,
                         const struct load_report *r)
{
    printf("%s: %.1f s, %u connections, ", load_scenario_name(s), r->seconds, o->connections);
    if (o->rate > 0)
        printf("open loop at %.10g/s", o->rate);
    else
        fputs(load_scenario_is_paced(s) ? "open loop" : "closed loop", stdout);
    printf("; the client's core was busy for %.0f %%\n\n", 100 * r->client_busy);
    print_kinds(c, r);
    print_figures(c, r);
    if (r->timeline.size) {
        putchar('\n');
        fwrite(r->timeline.data, 1, r->timeline.size, stdout);
    }
    print_rules(r);
}

/* ---- the command ---- */

static int report(struct cli *c, const struct load_scenario *s, const struct load_options *o,
                  const struct load_report *r, int failed)
{
    if (failed)
        return cli_fail("bench: %s", r->error);
    if (c->json) {
        struct buf out = {0};
        load_report_json(r, s, o, &out);
        fwrite(out.data, 1, out.size, stdout);
        putchar('\n');
        buf_done(&out);
    } else {
        print_report(c, s, o, r);
    }
    if (load_is_broken(r))
        return cli_fail("bench: a rule of selling was broken");
    return EXIT_DONE;
}

static int run(struct cli *c, const struct load_scenario *s, struct load_options *o, int client_cpu)
{
    struct load_report r;
    if (client_cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)client_cpu, &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0)
            return cli_fail("cannot use core %d", client_cpu);
    }
    o->interrupted = cli_interrupted;
    if (isatty(STDERR_FILENO))
        o->progress = show_progress;
    int failed = load_run(s, o, &r);
    if (o->progress)
        end_progress();
    int code = report(c, s, o, &r, failed);
    load_report_done(&r);
    return code;
}

static int say_no_scenario(struct cli *c)
{
    char names[200] = "";
    size_t at = 0;
    for (unsigned i = 0; load_scenario_at(i); i++)
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ", " : "",
                               load_scenario_name(load_scenario_at(i)));
    return cli_usage(c, "there is no scenario '%s'; there are %s", c->words[0], names);
}

static int bench(struct cli *c)
{
    const struct load_scenario *s = load_scenario_find(c->words[0]);
    const char *serve_options[LIMIT_BENCH_SERVE_OPTIONS + 1];
    struct own_server server = {0};
    struct load_options o;
    char host[64];
    int server_cpu, client_cpu;
    bool own = !cli_value(c, "url");
    if (!s)
        return say_no_scenario(c);
    if (!read_numbers(c, s, &o) || !read_pin(c, &server_cpu, &client_cpu) ||
        !read_serve_options(c, serve_options))
        return EXIT_USAGE;
    if (!own && serve_options[0])
        return cli_usage(c, "--serve-option is for the benchmark's own server, --url names another");
    if (!own && !read_url(c, c->url, host, &o))
        return EXIT_USAGE;
    cli_catch_interrupt(); /* before there is a server that would have to be stopped */
    if (own && !own_server_start(&server, server_cpu, serve_options))
        return EXIT_REFUSED;
    int code = EXIT_REFUSED;
    if (own && read_url(c, server.url, host, &o)) {
        o.key = server.key;
        code = run(c, s, &o, client_cpu);
    } else if (!own && cli_find_key(c)) {
        o.key = c->key;
        code = run(c, s, &o, client_cpu);
    }
    if (!own_server_stop(&server) && code == EXIT_DONE)
        code = EXIT_REFUSED;
    return code;
}

const struct cli_verb bench_verbs[] = {
    {"", "SCENARIO", 1, 1,
     "Measure a server under load and check the rules of selling afterwards. SCENARIO is one of\n"
     "  holds           durable holds of one seat each, every one of a seat that nobody has\n"
     "  orders          whole purchases of one seat: hold, order, confirm, each durable\n"
     "  hot-seat        everybody wants the same seat; beside it /healthz, in alternating slices\n"
     "  best-available  parties want the best seats together, until the house is sold out\n"
     "  on-sale         a sale opens and a crowd of people and bots is there\n\n"
     "With --url (and an API key) the server there is measured; it gets events of the benchmark's own, which "
     "stay.\n"
     "Otherwise the benchmark starts a server of its own in a new folder under $BENCH_DIR (/var/tmp) and "
     "removes it.\n"
     "Latencies count from when a request was due. Exit code 1 when a rule was broken.",
     OPTIONS, bench},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
