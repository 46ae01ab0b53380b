/* Options of boxoffice-load. */
#include "load.h"
#include "load/fetch.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: boxoffice-load COMMAND [options]; prints one line of NAME=VALUE for each phase\n"
    "\n"
    "  changes  change single seats:      --url U --key K --event ID --prefix P --seats N --rate R --seconds "
    "S\n"
    "  reads    GET --url again and again: --url U [--rate R] --seconds S [--header 'N: V']... [--status "
    "200]\n"
    "           [--bytes B: of each body]; {since} in U: newest Change-Seq less [--back N]; no rate: as fast "
    "as it goes\n"
    "  streams  subscribers of an event:  as changes, and --count N\n"
    "  raw      the streams' peer:        --count N --bytes B [--rounds 20] [--server-cpu 0] [--client-cpu "
    "1]\n"
    "  redis    the orders' peer:         --url U --script SHA... --seconds S\n"
    "\n"
    "  --connections C   of changes and streams (16), of reads (64)\n"
    "  --prefix P        ticket_id.prefix of the event's seat map, 24 hex digits\n";

struct loop loop;

void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("boxoffice-load: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *allocate(size_t count, size_t size)
{
    void *p = calloc(count, size);
    if (!p)
        die("out of memory");
    return p;
}

void need_open_files(uint32_t count)
{
    uint64_t files = raise_open_files();
    if (files < count + 100u)
        die("the open-file limit (%" PRIu64 ") is too low", files);
}

uint64_t get_and_wait(const struct options *o, const char *path, const char *accept, void *ret_body,
                      size_t bytes)
{
    struct fetcher f;
    struct reply reply;
    fetcher_open(&f, &o->address, o->host, o->key);
    if (fetch_as(&f, path, accept, &reply))
        die("%s", f.error);
    if (reply.kept != bytes)
        die("GET %s: %zu bytes instead of %zu", path, reply.kept, bytes);
    memcpy(ret_body, reply.body, bytes);
    fetcher_close(&f);
    return reply.change_seq;
}

static double number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (!*text || *end || !(value >= least && value <= most))
        die("'%s' is not a number from %g to %g", text, least, most);
    return value;
}

static void read_url(struct options *o, const char *url)
{
    char ip[64];
    const char *colon = strncmp(url, "http://", 7) == 0 ? strchr(url + 7, ':') : NULL;
    o->path = colon ? strchr(colon, '/') : NULL;
    if (!colon || colon - (url + 7) >= (ptrdiff_t)sizeof ip)
        die("--url is http://ADDRESS:PORT[/PATH]");
    if (!o->path)
        o->path = "/";
    snprintf(ip, sizeof ip, "%.*s", (int)(colon - (url + 7)), url + 7);
    o->address.sin_family = AF_INET;
    o->address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, ip, &o->address.sin_addr) != 1)
        die("'%s' is not an IPv4 address", ip);
    snprintf(o->host, sizeof o->host, "%s", ip);
}

static void add_word(const char **list, unsigned *count, size_t room, const char *word)
{
    if (*count == room)
        die("too many times: %s", word);
    list[(*count)++] = word;
}

static void read_option(struct options *o, const char *name, const char *value)
{
#define AT(member) offsetof(struct options, member)
    static const struct {
        const char *name;
        enum { TEXT, WHOLE, NUMBER } kind;
        size_t at;
    } OPTIONS[] = {
        {"--key", TEXT, AT(key)},
        {"--event", TEXT, AT(event)},
        {"--prefix", TEXT, AT(prefix)},
        {"--seats", WHOLE, AT(seats)},
        {"--count", WHOLE, AT(count)},
        {"--connections", WHOLE, AT(connections)},
        {"--rounds", WHOLE, AT(rounds)},
        {"--bytes", WHOLE, AT(bytes)},
        {"--status", WHOLE, AT(status)},
        {"--back", WHOLE, AT(back)},
        {"--server-cpu", WHOLE, AT(server_cpu)},
        {"--client-cpu", WHOLE, AT(client_cpu)},
        {"--rate", NUMBER, AT(rate)},
        {"--seconds", NUMBER, AT(seconds)},
    };
    if (!value)
        die("%s needs a value", name);
    if (strcmp(name, "--url") == 0) {
        read_url(o, value);
        return;
    }
    if (strcmp(name, "--header") == 0) {
        add_word(o->headers, &o->headers_count, sizeof o->headers / sizeof o->headers[0], value);
        return;
    }
    if (strcmp(name, "--script") == 0) {
        add_word(o->scripts, &o->scripts_count, sizeof o->scripts / sizeof o->scripts[0], value);
        return;
    }
    for (size_t i = 0; i < sizeof OPTIONS / sizeof OPTIONS[0]; i++) {
        void *member = (char *)o + OPTIONS[i].at;
        if (strcmp(name, OPTIONS[i].name) != 0)
            continue;
        if (OPTIONS[i].kind == TEXT)
            *(const char **)member = value;
        else if (OPTIONS[i].kind == WHOLE)
            *(uint32_t *)member = (uint32_t)number(value, 0, 1e9);
        else
            *(double *)member = number(value, 0.001, 1e9);
        return;
    }
    die("there is no option %s; see --help", name);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct options *o);
        uint32_t connections;
        bool needs_rate;
    } COMMANDS[] = {
        {"changes", cmd_changes, 16, true}, {"reads", cmd_reads, 64, false},
        {"streams", cmd_streams, 16, true}, {"raw", cmd_raw, 0, false},
        {"redis", cmd_redis, 64, false},
    };
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(USAGE, stdout);
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof COMMANDS / sizeof COMMANDS[0]; i++) {
        if (strcmp(argv[1], COMMANDS[i].name) != 0)
            continue;
        struct options o = {.status = 200, .rounds = 20, .seconds = 5, .client_cpu = 1};
        o.connections = COMMANDS[i].connections;
        for (int at = 2; at < argc; at += 2)
            read_option(&o, argv[at], argv[at + 1]);
        if (COMMANDS[i].needs_rate && o.rate <= 0)
            die("--rate is needed");
        return COMMANDS[i].run(&o);
    }
    fputs(USAGE, stderr);
    return 2;
}
