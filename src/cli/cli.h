/*
 * The command line: `boxoffice COMMAND [VERB] [WORD...] [--option VALUE...]`. Commands are clients of a
 * running server's HTTP interface, so that they can do nothing that a developer could not do too; but serve,
 * what opens a store itself (export, import, verify: open_store.h), schema and version.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong usage. What a program may read goes to standard output
 * (with --json exactly the server's reply), what is for people only (progress, errors) to standard error.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/json_in.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };
enum { CLI_WORDS = 128, CLI_VALUES = 256 };

struct cli_option {
    const char *name; /* "section", without dashes; NULL ends a table */
    const char *arg;  /* what the value is called, NULL: a switch */
    const char *help;
};

struct cli;

struct cli_verb {
    const char *name;  /* NULL ends a table; "" for a command without verbs */
    const char *words; /* "EVENT SEAT..." for the usage line */
    int min_words, max_words;
    const char *help;
    const struct cli_option *options; /* or NULL */
    int (*run)(struct cli *c);        /* returns an exit code */
};

struct cli_command {
    const char *name, *help;
    const struct cli_verb *verbs;
    int (*raw)(int argc, char **argv); /* instead of verbs: reads its own options */
    bool local;                        /* asks no server: has none of a client's options */
};

struct cli {
    struct arena arena;
    const struct cli_command *command;
    const struct cli_verb *verb;
    const char *words[CLI_WORDS];
    int word_count;
    struct {
        const char *name, *value;
    } values[CLI_VALUES];
    int value_count;
    bool json;       /* --json */
    const char *url; /* --url, $BOXOFFICE_URL */
    char *key;       /* from $BOXOFFICE_API_KEY or --api-key-file; read at the first call */
    void *curl;
};

/* Run the program. Returns its exit code. */
int cli_main(int argc, char **argv);

/* Value of an option given once (the last one counts), NULL if absent; "" for a switch. */
const char *cli_value(const struct cli *c, const char *name);
/* The @index-th value of an option that may come several times, NULL at the end. */
const char *cli_value_at(const struct cli *c, const char *name, int index);
/* The whole number @text that was given for --@option. Returns false (said) when it is none. */
bool cli_number(const struct cli *c, const char *option, const char *text, long *ret_number);
/* Say what is wrong with the usage; returns EXIT_USAGE. */
int cli_usage(const struct cli *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Say what failed; returns EXIT_REFUSED. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Whole file into @ret; "-" is standard input. Returns false (said) when it cannot be read. */
bool cli_read_file(const char *path, struct buf *ret);

/* ---- the HTTP client ---- */

struct cli_reply {
    long status;
    struct buf body;
    struct json_in in; /* parsed body of a JSON reply */
};

/*
 * One request. @path with its query; @body NULL or JSON; @idempotency_key may be NULL. The reply lives until
 * cli_reply_done(). Returns EXIT_DONE for a 2xx reply, else EXIT_REFUSED (said on standard error in one
 * line).
 */
int cli_call(struct cli *c, const char *method, const char *path, const struct buf *body,
             const char *idempotency_key, struct cli_reply *ret_reply);
/* The same, but says nothing about a reply that is not 2xx. Returns EXIT_REFUSED only when there is no reply.
 */
int cli_call_quiet(struct cli *c, const char *method, const char *path, const struct buf *body,
                   const char *idempotency_key, struct cli_reply *ret_reply);
/* Say a problem reply in one line. */
void cli_say_problem(const struct cli_reply *reply);
void cli_reply_done(struct cli_reply *reply);
/* Text percent-encoded for a path or query. The arena's. */
const char *cli_escape(struct cli *c, const char *text);
/* Members of a reply for printing: "" where absent or null; numbers as text. The arena's. */
const char *cli_text(struct cli *c, struct json_node object, const char *name);
int64_t cli_int(struct json_node object, const char *name);
/* Print the body and a newline: what --json does. */
void cli_print_json(const struct cli_reply *reply);
/*
 * An event given by its slug or id -> its id (the arena's), NULL (said) when there is none.
 */
const char *cli_event_id(struct cli *c, const char *slug_or_id);

/* Have the API key in c->key. Returns false (said) when a file was named that has none. */
bool cli_find_key(struct cli *c);
/*
 * Make @curl (a handle of libcurl's) ready for a request to @path: address, protocols. Returns the header
 * fields that each request has (a curl_slist, the caller's); the key has been found.
 */
void *cli_begin_request(struct cli *c, void *curl, const char *path, const char *accept);

/* A message of a stream. All text is lent for the call; the arena is reset after it. */
typedef void cli_on_message(struct cli *c, void *ctx, const char *event, const char *id, const char *data);
/*
 * Read the stream at @path, from after @last_id ("": from where the path says), until Ctrl-C or a refusal
 * (said); connects again when it ends. Resets the arena. Returns an exit code.
 */
int cli_stream(struct cli *c, const char *path, const char *last_id, cli_on_message *on_message, void *ctx);
/* From now on the first Ctrl-C or SIGTERM only makes cli_interrupted() true; a second one ends the program.
 */
void cli_catch_interrupt(void);
bool cli_interrupted(void);

/* ---- tables for people ---- */

struct table {
    const char *const *heads; /* ended by NULL; a head that begins with '>' is right-aligned */
    int columns;
    const char **cells; /* row after row */
    size_t cell_count, cell_cap;
};

/* @heads must live as long as the table. */
void table_init(struct table *t, const char *const *heads);
/* The next cell; text must live until table_print(). */
void table_cell(struct table *t, const char *text);
/* Print with aligned columns to standard output and free the cells. */
void table_print(struct table *t);
/* Free the cells without printing them. */
void table_free(struct table *t);

/* ---- the commands ---- */
extern const struct cli_verb venue_verbs[], event_verbs[], hold_verbs[], order_verbs[], cdc_verbs[],
    demo_verbs[], bench_verbs[], export_verbs[], import_verbs[], verify_verbs[], schema_verbs[],
    version_verbs[];
/* `boxoffice serve`: reads its own options (defs/options.def). */
int cmd_serve(int argc, char **argv);

#endif
