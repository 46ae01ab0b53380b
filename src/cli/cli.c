/*
 * Commands, verbs, words and options: reading them, and the help texts, which are made from the same tables.
 */
#include "cli/cli.h"
#include "base/error.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_command COMMANDS[] = {
    {"serve", "run the server", NULL, cmd_serve, false},
    {"demo", "load two venues, each with an event on sale", demo_verbs, NULL, false},
    {"venue", "list, show, create and import venues", venue_verbs, NULL, false},
    {"event", "list, show, create, publish, price and end events; block seats", event_verbs, NULL, false},
    {"hold", "start, show, extend and give back checkouts", hold_verbs, NULL, false},
    {"order", "create, find, confirm, cancel and refund orders", order_verbs, NULL, false},
    {"cdc", "read the change log of order_queue", cdc_verbs, NULL, false},
    {"bench", "measure a server under load, check the rules afterwards", bench_verbs, NULL, false},
    {"export", "write an event into a file", export_verbs, NULL, true},
    {"import", "put an event from a file into a store", import_verbs, NULL, true},
    {"verify", "look whether a store is as its change log says", verify_verbs, NULL, true},
    {"schema", "print the tables as CQL", schema_verbs, NULL, true},
    {"version", "print the version", version_verbs, NULL, false},
    {NULL, NULL, NULL, NULL, false},
};

static const struct cli_option CLIENT_OPTIONS[] = {
    {"url", "URL", "the server ($BOXOFFICE_URL; default http://127.0.0.1:8080)"},
    {"api-key-file", "FILE", "file with NAME:KEY lines, the first counts (else $BOXOFFICE_API_KEY)"},
    {"json", NULL, "print the server's reply as it is"},
    {NULL, NULL, NULL},
};

static void print_options(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options->name, options->arg ? " " : "",
                 options->arg ? options->arg : "");
        printf("  %-26s %s\n", left, options->help);
    }
}

static void help_all(void)
{
    printf("boxoffice %s: an event-ticket server\n\nusage: boxoffice COMMAND [VERB] [WORD...] [--option "
           "VALUE...]\n\n",
           BOXOFFICE_VERSION);
    for (const struct cli_command *c = COMMANDS; c->name; c++)
        printf("  %-10s %s\n", c->name, c->help);
    printf(
        "\n'boxoffice COMMAND --help' says more. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n");
}

static void help_verb(const struct cli_command *command, const struct cli_verb *verb)
{
    printf("usage: boxoffice %s%s%s%s%s [--option VALUE...]\n\n%s\n\n", command->name, *verb->name ? " " : "",
           verb->name, *verb->words ? " " : "", verb->words, verb->help);
    print_options(verb->options);
    if (!command->local)
        print_options(CLIENT_OPTIONS);
}

static void help_command(const struct cli_command *command)
{
    if (!*command->verbs[0].name) {
        help_verb(command, &command->verbs[0]);
        return;
    }
    printf("boxoffice %s: %s\n\n", command->name, command->help);
    for (const struct cli_verb *v = command->verbs; v->name; v++) {
        char left[80];
        snprintf(left, sizeof left, "%s %s", v->name, v->words);
        printf("  %-34s %s\n", left, v->help);
    }
    printf("\n'boxoffice %s VERB --help' lists the options of each.\n", command->name);
}

int cli_usage(const struct cli *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "boxoffice: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "%s\n", c && c->verb ? "; --help says more" : "; 'boxoffice --help' lists the commands");
    va_end(args);
    return EXIT_USAGE;
}

int cli_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "boxoffice: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_REFUSED;
}

const char *cli_value_at(const struct cli *c, const char *name, int index)
{
    for (int i = 0; i < c->value_count; i++)
        if (!strcmp(c->values[i].name, name) && index-- == 0)
            return c->values[i].value;
    return NULL;
}

const char *cli_value(const struct cli *c, const char *name)
{
    const char *last = NULL;
    for (int i = 0; i < c->value_count; i++)
        if (!strcmp(c->values[i].name, name))
            last = c->values[i].value;
    return last;
}

bool cli_number(const struct cli *c, const char *option, const char *text, long *ret_number)
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || end == text || *end) {
        cli_usage(c, "--%s is '%s'; it must be a whole number", option, text);
        return false;
    }
    *ret_number = number;
    return true;
}

bool cli_read_file(const char *path, struct buf *ret)
{
    FILE *f = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    if (!f) {
        cli_fail("cannot read %s: %s", path, strerror(errno));
        return false;
    }
    size_t n;
    do {
        n = fread(buf_reserve(ret, 65536), 1, 65536, f);
        ret->size += n;
    } while (n > 0);
    bool good = !ferror(f);
    if (!good)
        cli_fail("cannot read %s: %s", path, strerror(errno));
    if (f != stdin)
        fclose(f);
    return good;
}

static const struct cli_option *find_option(const struct cli_option *options, const char *name, size_t size)
{
    for (; options && options->name; options++)
        if (strlen(options->name) == size && !memcmp(options->name, name, size))
            return options;
    return NULL;
}

/* One "--name VALUE", "--name=VALUE" or "--switch". Returns how many arguments it used, 0 (said) when it is
 * wrong. */
static int read_option(struct cli *c, int argc, char **argv)
{
    const char *name = argv[0] + 2, *equals = strchr(name, '=');
    size_t size = equals ? (size_t)(equals - name) : strlen(name);
    const struct cli_option *o = find_option(c->verb->options, name, size);
    if (!o && !c->command->local)
        o = find_option(CLIENT_OPTIONS, name, size);
    if (!o) {
        cli_usage(c, "unknown option '%s'", argv[0]);
        return 0;
    }
    if (c->value_count == CLI_VALUES) {
        cli_usage(c, "more than %d options", CLI_VALUES);
        return 0;
    }
    if (o->arg ? !equals && argc < 2 : equals != NULL) {
        cli_usage(c, o->arg ? "--%s needs a value" : "--%s takes no value", o->name);
        return 0;
    }
    c->values[c->value_count].name = o->name;
    c->values[c->value_count++].value = !o->arg ? "" : equals ? equals + 1 : argv[1];
    return o->arg && !equals ? 2 : 1;
}

static int read_arguments(struct cli *c, int argc, char **argv)
{
    bool only_words = false;
    while (argc > 0) {
        int used = 1;
        if (!only_words && !strcmp(argv[0], "--")) {
            only_words = true;
        } else if (!only_words && !strncmp(argv[0], "--", 2)) {
            used = read_option(c, argc, argv);
            if (!used)
                return EXIT_USAGE;
        } else if (c->word_count == CLI_WORDS) {
            return cli_usage(c, "more than %d words", CLI_WORDS);
        } else {
            c->words[c->word_count++] = argv[0];
        }
        argc -= used;
        argv += used;
    }
    if (c->word_count < c->verb->min_words || c->word_count > c->verb->max_words)
        return cli_usage(c, "expected %s", *c->verb->words ? c->verb->words : "no words");
    c->json = cli_value(c, "json") != NULL;
    const char *url = cli_value(c, "url"), *from_env = getenv("BOXOFFICE_URL");
    c->url = url ? url : from_env && *from_env ? from_env : "http://127.0.0.1:8080";
    return EXIT_DONE;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

static const struct cli_verb *find_verb(const struct cli_command *command, int *argc, char ***argv)
{
    const struct cli_verb *v = command->verbs;
    if (!*v->name)
        return v;
    for (; *argc > 0 && v->name; v++) {
        if (!strcmp(v->name, (*argv)[0])) {
            (*argc)--;
            (*argv)++;
            return v;
        }
    }
    return NULL;
}

static int run_verb(const struct cli_command *command, const struct cli_verb *verb, int argc, char **argv)
{
    struct cli *c = calloc(1, sizeof *c);
    if (!c)
        return cli_fail("out of memory");
    arena_init(&c->arena, 0);
    c->command = command;
    c->verb = verb;
    int code = read_arguments(c, argc, argv);
    if (code == EXIT_DONE)
        code = verb->run(c);
    if (c->curl)
        curl_easy_cleanup(c->curl);
    free(c->key);
    arena_done(&c->arena);
    free(c);
    if (code == EXIT_DONE && fflush(stdout))
        return cli_fail("cannot write to standard output: %s", strerror(errno));
    return code;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    if (command->raw)
        return command->raw(argc, argv);
    const struct cli_verb *verb = find_verb(command, &argc, &argv);
    if (wants_help(argc, argv) || (!verb && argc == 0)) {
        if (verb)
            help_verb(command, verb);
        else
            help_command(command);
        return wants_help(argc, argv) ? EXIT_DONE : EXIT_USAGE;
    }
    if (!verb)
        return cli_usage(NULL, "'%s' is no verb of '%s'", argv[0], command->name);
    return run_verb(command, verb, argc, argv);
}

int cli_main(int argc, char **argv)
{
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        help_all();
        return argc < 2 ? EXIT_USAGE : EXIT_DONE;
    }
    const char *name = strcmp(argv[1], "--version") ? argv[1] : "version";
    for (const struct cli_command *c = COMMANDS; c->name; c++)
        if (!strcmp(c->name, name))
            return run_command(c, argc - 2, argv + 2);
    return cli_usage(NULL, "unknown command '%s'", argv[1]);
}
