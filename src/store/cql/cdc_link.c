#include "store/cql/cdc_link.h"
#include "base/error.h"
#include "base/must.h"
#include "store/cql/call.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 32, TRIES = 3, PAGE_ROWS = 2000, CONNECT_MS = 10000 };

static int failed(struct cdc_link *l, const char *what, const struct cql_error *error)
{
    snprintf(l->reason, sizeof(l->reason), "%s: %s", what, error->message);
    switch (error->kind) {
    case CQL_AUTH:
        return BOX_EUNAUTHORIZED;
    case CQL_SYNTAX:
    case CQL_INVALID:
    case CQL_NOT_FOUND:
        return BOX_EINVALID;
    default:
        return BOX_EUNAVAILABLE;
    }
}

int cdc_link_open(struct cdc_link *l, const struct cql_options *options)
{
    struct cql_error error;
    struct cql_options with = *options;
    *l = (struct cdc_link){.session = NULL};
    with.threads = 1;
    with.connect_timeout_ms = CONNECT_MS;
    if (cql_open(&with, &l->session, &error) != CQL_OK) {
        l->session = NULL;
        return failed(l, "cannot connect", &error);
    }
    cql_topology(l->session, &l->topology);
    return 0;
}

void cdc_link_close(struct cdc_link *l)
{
    if (l->session)
        cql_close(l->session);
    l->session = NULL;
}

int cdc_link_prepare(struct cdc_link *l, const char *cql, struct cql_statement **ret_statement)
{
    struct cql_error error;
    return cql_prepare(l->session, cql, ret_statement, &error) == CQL_OK ? 0 : failed(l, cql, &error);
}

/* ---- requests ---- */

struct running;

/* One request under way. */
struct slot {
    struct running *running;
    size_t index; /* of the request */
    unsigned tries;
    struct cql_result *page; /* the one before: it says where the next begins */
    /* the answer, under the mutex until it is taken */
    struct cql_result *result;
    struct cql_error error;
    struct slot *next_answered;
};

struct running {
    struct cdc_link *link;
    const struct cdc_request *requests;
    size_t count, begun, under_way;
    int result; /* the first error */
    pthread_mutex_t mtx;
    pthread_cond_t cond;
    struct slot *answered; /* under mtx */
    struct slot slots[AT_ONCE];
};

/* On a thread of the driver's. */
static void on_answer(void *ctx, struct cql_result *result, const struct cql_error *error)
{
    struct slot *slot = ctx;
    struct running *r = slot->running;
    pthread_mutex_lock(&r->mtx);
    slot->result = result;
    slot->error = *error;
    slot->next_answered = r->answered;
    r->answered = slot;
    pthread_cond_signal(&r->cond);
    pthread_mutex_unlock(&r->mtx);
}

static void send(struct slot *slot)
{
    const struct cdc_request *request = &slot->running->requests[slot->index];
    struct cql_request how = {
        .consistency = request->consistency, .timeout_ms = CQL_TRY_MS, .page_size = PAGE_ROWS};
    if (slot->page)
        how.page = cql_page(slot->page);
    cql_execute(slot->running->link->session, request->statement, request->values.cells,
                request->values.count, &how, on_answer, slot);
}

/* Have the slot work on the next request. False: there is none left, or it is not wanted any more. */
static bool begin_next(struct running *r, struct slot *slot)
{
    if (r->result || r->begun == r->count)
        return false;
    *slot = (struct slot){.running = r, .index = r->begun++};
    send(slot);
    return true;
}

static struct slot *wait_for_answer(struct running *r)
{
    pthread_mutex_lock(&r->mtx);
    while (!r->answered)
        pthread_cond_wait(&r->cond, &r->mtx);
    struct slot *slot = r->answered;
    r->answered = slot->next_answered;
    pthread_mutex_unlock(&r->mtx);
    return slot;
}

/* Returns true when the slot is under way again: another try, or its next page. */
static bool take_answer(struct running *r, struct slot *slot,
                        int (*each)(void *ctx, size_t index, const struct cql_result *page), void *ctx)
{
    if (!slot->result) {
        if (!r->result && cql_worth_retry(slot->error.kind) && ++slot->tries < TRIES) {
            send(slot);
            return true;
        }
        if (!r->result)
            r->result = failed(r->link, "no answer", &slot->error);
        return false;
    }
    if (!r->result && each)
        r->result = each(ctx, slot->index, slot->result);
    cql_result_free(slot->page);
    slot->page = slot->result;
    slot->result = NULL;
    slot->tries = 0;
    if (r->result || cql_page(slot->page).size <= 0)
        return false;
    send(slot);
    return true;
}

int cdc_link_run_many(struct cdc_link *l, const struct cdc_request *requests, size_t count,
                      int (*each)(void *ctx, size_t index, const struct cql_result *page), void *ctx)
{
    struct running *r = calloc(1, sizeof(*r));
    must(r && pthread_mutex_init(&r->mtx, NULL) == 0 && pthread_cond_init(&r->cond, NULL) == 0);
    r->link = l;
    r->requests = requests;
    r->count = count;
    while (r->under_way < AT_ONCE && begin_next(r, &r->slots[r->under_way]))
        r->under_way++;
    while (r->under_way) {
        struct slot *slot = wait_for_answer(r);
        if (take_answer(r, slot, each, ctx))
            continue;
        cql_result_free(slot->page);
        if (!begin_next(r, slot))
            r->under_way--;
    }
    int ret = r->result;
    pthread_cond_destroy(&r->cond);
    pthread_mutex_destroy(&r->mtx);
    free(r);
    return ret;
}

int cdc_link_run(struct cdc_link *l, const struct cdc_request *request,
                 int (*each)(void *ctx, size_t index, const struct cql_result *page), void *ctx)
{
    return cdc_link_run_many(l, request, 1, each, ctx);
}
