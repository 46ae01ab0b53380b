/* `boxoffice verify`: what verify/verify.h finds, as lines or as JSON. */
#include "cli/cli.h"
#include "cli/open_store.h"
#include "store/event_names.h"
#include "verify/verify.h"
#include "json/json_out.h"
#include <stdio.h>

static void say_progress(void *ctx, const struct verify_totals *t)
{
    (void)ctx;
    if (t->events && t->events % 100 == 0)
        fprintf(stderr, "boxoffice: %llu events looked at\n", (unsigned long long)t->events);
}

static void print_finding(const struct finding *f)
{
    char id[UUID_TEXT + 1] = "store";
    if (!uuid_is_nil(&f->event_id.u))
        uuid_format(&f->event_id.u, id);
    printf("%s: %s: %s; should be: %s\n", id, f->where, f->is, f->should_be);
}

static void print_lines(const struct findings *f, const struct verify_totals *t)
{
    for (size_t i = 0; i < f->count; i++)
        print_finding(&f->list[i]);
    if (f->left_out)
        printf("... and %zu more\n", f->left_out);
    fprintf(stderr,
            "boxoffice: %llu events, %llu changes, %llu holds, %llu orders, %llu rows of the CDC log: %s\n",
            (unsigned long long)t->events, (unsigned long long)t->changes, (unsigned long long)t->holds,
            (unsigned long long)t->orders, (unsigned long long)t->cdc_rows,
            f->count || f->left_out ? "NOT as the change log says" : "all as the change log says");
}

static void print_json(const struct findings *f, const struct verify_totals *t)
{
    struct buf b = {0};
    struct json_out j;
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_member_int(&j, "events", (int64_t)t->events);
    json_out_member_int(&j, "changes", (int64_t)t->changes);
    json_out_member_int(&j, "holds", (int64_t)t->holds);
    json_out_member_int(&j, "orders", (int64_t)t->orders);
    json_out_member_int(&j, "cdc_rows", (int64_t)t->cdc_rows);
    json_out_key(&j, "findings");
    json_out_array(&j);
    for (size_t i = 0; i < f->count; i++) {
        json_out_object(&j);
        json_out_member_uuid_or_null(&j, "event_id", &f->list[i].event_id.u);
        json_out_member_text(&j, "where", f->list[i].where);
        json_out_member_text(&j, "is", f->list[i].is);
        json_out_member_text(&j, "should_be", f->list[i].should_be);
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
    json_out_member_int(&j, "left_out", (int64_t)f->left_out);
    json_out_end_object(&j);
    printf("%.*s\n", (int)b.size, b.data);
    buf_done(&b);
}

static int run(struct cli *c, struct open_store *s, const struct event_id *event)
{
    struct findings findings;
    struct verify_totals totals;
    const struct verify_options options = {
        .store = s->store,
        .event = event,
        .now_ms = clock_wall_us(&s->clock) / 1000,
        .progress = say_progress,
    };
    int ret = verify_run(&options, &findings, &totals), code = EXIT_DONE;
    if (ret) {
        char why[256];
        store_reason(s->store, why, sizeof why);
        code =
            cli_fail("the store cannot be read (%s): %s", error_info(ret)->title, *why ? why : "no reason");
    } else {
        (c->json ? print_json : print_lines)(&findings, &totals);
        code = findings.count || findings.left_out ? EXIT_REFUSED : EXIT_DONE;
    }
    findings_done(&findings);
    return code;
}

static int verify(struct cli *c)
{
    struct open_store s;
    struct event_id id;
    int code = open_store(c, false, &s);
    if (code)
        return code;
    int ret = c->word_count ? event_names_find(s.store, c->words[0], &id) : 0;
    if (ret)
        code = cli_fail(ret == BOX_ENOTFOUND ? "there is no event '%s'" : "the store cannot be read for '%s'",
                        c->words[0]);
    else
        code = run(c, &s, c->word_count ? &id : NULL);
    close_store(&s);
    return code;
}

static const struct cli_option verify_options[] = {
    STORE_OPTIONS,
    {"json", NULL, "print one JSON object: counts, and findings with where, is, should_be"},
    {NULL, NULL, NULL},
};

const struct cli_verb verify_verbs[] = {
    {"", "[EVENT]", 0, 1,
     "Look whether an event, or all of a store, is as its change log says: every change in order and "
     "unaltered, "
     "and\ntickets, holds, orders, order_queue and the CDC log just what the changes write. Each line says "
     "where something\nis wrong, what is there and what should be. Nothing is written. Exit code 0: all is "
     "well; 1: "
     "it is not, or the\nstore cannot be read.\n\nAn embedded store has one user at a time: stop its server "
     "first. A cluster's servers may go on.",
     verify_options, verify},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
