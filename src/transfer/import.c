#include "transfer/import.h"
#include "base/error.h"
#include "base/must.h"
#include "transfer/import_internal.h"
#include "verify/verify.h"
#include <stdarg.h>
#include <stdio.h>

int import_fail(struct import *m, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->result->reason, sizeof m->result->reason, format, args);
    va_end(args);
    return code;
}

int import_fail_file(struct import *m, int code)
{
    if (code == BOX_ESYNTAX)
        return import_fail(m, code, "the file is not one that 'boxoffice export' writes");
    if (code == BOX_ENEWER)
        return import_fail(m, code, "the file was written by a later version of boxoffice; use that one");
    if (code == BOX_EIO)
        return import_fail(m, code, "the file cannot be read");
    return import_fail(m, code, "the file is damaged at byte %ld: %s", m->file.pack.offset, m->file.reason);
}

int import_fail_store(struct import *m, int code, const char *what)
{
    char why[256];
    store_reason(m->options->store, why, sizeof why);
    const char *text = code == BOX_EUNKNOWN ? "it is not known whether it happened; import the file again, "
                                              "which goes on where the store stands"
                       : code == BOX_EUNAVAILABLE ? "the store does not accept writes now; import the file "
                                                    "again later, which goes on where it stands"
                                                  : error_info(code)->explanation;
    return import_fail(m, code, "%s: %s%s%s", what, text, *why ? "; " : "", why);
}

void import_progress(struct import *m, enum import_phase phase, uint64_t done, uint64_t total)
{
    if (m->options->progress)
        m->options->progress(m->options->ctx, phase, done, total);
}

/* The result's part that the file's head says. */
static void take_head(struct import *m)
{
    const struct event_head *head = &m->file.head;
    m->result->event_id = head->event_id;
    snprintf(m->result->slug, sizeof m->result->slug, "%s", head->slug);
    snprintf(m->result->name, sizeof m->result->name, "%s", head->name);
    m->result->changes = head->changes;
    m->result->seats = m->file.layout->seats_total;
}

/* Everything that can be looked at without a write. */
static int check(struct import *m)
{
    int ret = event_file_open(&m->file, m->options->file);
    if (ret)
        return import_fail_file(m, ret);
    take_head(m);
    ret = import_look(m);
    if (!ret)
        ret = import_check_file(m);
    return ret ? ret : import_check_store(m);
}

static int look_again(struct import *m)
{
    struct verify_totals totals;
    const struct verify_options options = {
        .store = m->options->store,
        .event = &m->result->event_id,
        .now_ms = clock_wall_us(m->options->clock) / 1000,
    };
    import_progress(m, IMPORT_VERIFY, 0, 1);
    int ret = verify_run(&options, &m->result->findings, &totals);
    return ret ? import_fail_store(m, ret, "the event was imported, but cannot be looked at") : 0;
}

int import_event(const struct import_options *options, struct import_result *ret_result)
{
    must(options->store && options->file && options->clock && options->rng);
    *ret_result = (struct import_result){0};
    struct import m = {.options = options, .result = ret_result};
    arena_init(&m.page, 0);
    findings_init(&ret_result->findings);
    int ret = check(&m);
    if (!ret && !options->dry_run) {
        bool missing = ret_result->had < ret_result->changes;
        if (missing)
            ret = import_check_servers(&m);
        if (!ret && missing)
            ret = import_write(&m);
        if (!ret)
            ret = look_again(&m);
    }
    event_file_close(&m.file);
    event_unref(m.created);
    arena_done(&m.page);
    return ret;
}
