/* `boxoffice import`: an event from a file into a store. */
#include "cli/cli.h"
#include "cli/open_store.h"
#include "transfer/import.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct progress {
    enum import_phase phase;
    unsigned tenth;
};

static void say_progress(void *ctx, enum import_phase phase, uint64_t done, uint64_t total)
{
    static const char *const WORDS[] = {
        [IMPORT_CHECK] = "checking the file: change",
        [IMPORT_TICKETS] = "creating tickets:",
        [IMPORT_CHANGES] = "committing changes:",
        [IMPORT_VERIFY] = "looking whether all is there:",
    };
    struct progress *p = ctx;
    unsigned tenth = (unsigned)(done * 10 / total);
    if (p->phase == phase && p->tenth == tenth)
        return;
    *p = (struct progress){.phase = phase, .tenth = tenth};
    fprintf(stderr, "boxoffice: %s %llu of %llu\n", WORDS[phase], (unsigned long long)done,
            (unsigned long long)total);
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static void say_result(const struct import_result *r, bool dry_run)
{
    uint64_t missing = r->changes - r->had;
    char id[UUID_TEXT + 1];
    uuid_format(&r->event_id.u, id);
    printf("%s '%s' (%s), %u seats, %llu change%s, %llu order%s\n", id, r->slug, r->name, r->seats,
           (unsigned long long)r->changes, plural(r->changes), (unsigned long long)r->orders,
           plural(r->orders));
    if (missing == 0) {
        printf("the store has all of it already\n");
        return;
    }
    if (r->had)
        printf("the store has the first %llu change%s already\n", (unsigned long long)r->had, plural(r->had));
    if (dry_run)
        printf("would be written: %s%s%llu change%s\n", r->venue_there ? "" : "the venue, ",
               r->had ? "" : "the tickets, ", (unsigned long long)missing, plural(missing));
    else
        printf("imported: %llu change%s in %llu group%s\n", (unsigned long long)missing, plural(missing),
               (unsigned long long)r->groups, plural(r->groups));
}

static int say_findings(const struct findings *f)
{
    for (size_t i = 0; i < f->count; i++)
        fprintf(stderr, "boxoffice: %s: %s; should be: %s\n", f->list[i].where, f->list[i].is,
                f->list[i].should_be);
    return f->count ? cli_fail("the event was imported, but is not as it should be") : EXIT_DONE;
}

static int run(struct cli *c, struct open_store *s, FILE *file)
{
    struct import_result result;
    struct progress progress = {.tenth = UINT32_MAX};
    const struct import_options options = {
        .store = s->store,
        .file = file,
        .dry_run = cli_value(c, "dry-run") != NULL,
        .clock = &s->clock,
        .rng = &s->rng,
        .progress = say_progress,
        .ctx = &progress,
    };
    int code = EXIT_DONE;
    if (import_event(&options, &result)) {
        code = cli_fail("%s", result.reason);
    } else {
        say_result(&result, options.dry_run);
        code = say_findings(&result.findings);
    }
    findings_done(&result.findings);
    return code;
}

static int import(struct cli *c)
{
    struct open_store s;
    FILE *file = fopen(c->words[0], "rbe");
    if (!file)
        return cli_fail("cannot read %s: %s", c->words[0], strerror(errno));
    int code = open_store(c, cli_value(c, "dry-run") == NULL, &s);
    if (code == EXIT_DONE) {
        code = run(c, &s, file);
        close_store(&s);
    }
    fclose(file);
    return code;
}

static const struct cli_option import_options[] = {
    STORE_OPTIONS,
    {"dry-run", NULL, "look at file and store, say what would happen, write nothing"},
    {NULL, NULL, NULL},
};

const struct cli_verb import_verbs[] = {
    {"", "FILE", 1, 1,
     "Put an event from a file of 'boxoffice export' into a store: the same event, with the same ids, "
     "numbers "
     "and hashes.\nThe whole file is checked before anything is written. Refused is an event whose id or "
     "slug "
     "the store has with\nother changes. An import that ended early is begun again with the same file and "
     "goes "
     "on where it stood.\n\nNo server may use the store meanwhile: stop it, or all of a cluster's.",
     import_options, import},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
