#include "app/call.h"
#include "app/outcome.h"
#include "base/error.h"
#include "base/must.h"
#include <string.h>

static struct app_call *call_of_task(struct task *t)
{
    return (struct app_call *)(void *)((char *)t - offsetof(struct app_call, task));
}

static struct app_call *call_of_req(struct writer_req *req)
{
    return (struct app_call *)(void *)((char *)req - offsetof(struct app_call, req));
}

void app_call_init(struct app_call *call, struct app *app, struct arena *arena, struct mailbox *reply_to)
{
    call->app = app;
    call->arena = arena;
    call->reply_to = reply_to;
    call->now_ms = app_now_ms(app);
}

void app_call_end(struct app_call *call)
{
    if (call->event)
        view_release(call->event);
    call->event = NULL;
    layout_unref(call->layout);
    call->layout = NULL;
    event_unref(call->event_now);
    call->event_now = NULL;
}

int app_find_event(struct app_call *call, const struct event_id *id)
{
    must(!call->event);
    struct snapshot *s = view_find(call->app->parts.view, id);
    if (s && !app_sees_event(&call->who, s->event)) {
        view_release(s);
        s = NULL;
    }
    call->event = s;
    return s ? 0 : BOX_ENOTFOUND;
}

int app_find_event_of(struct app_call *call, const struct uuid *id)
{
    must(!call->event);
    call->event = id_is_ours(id) ? view_find_tag(call->app->parts.view, id) : NULL;
    return call->event ? 0 : BOX_ENOTFOUND;
}

/* ---- workers ---- */

static void run_then(struct task *t)
{
    struct app_call *call = call_of_task(t);
    call->then(call);
}

static void run_work(struct task *t)
{
    struct app_call *call = call_of_task(t);
    call->work(call);
    call->task.run = run_then;
    task_post(call->reply_to, &call->task);
}

void app_on_worker(struct app_call *call, app_step *work, app_step *then)
{
    call->code = BOX_OK;
    call->work = work;
    call->then = then;
    call->task.run = run_work;
    int ret = work_submit(call->app->parts.workers, &call->task);
    if (ret == 0)
        return;
    call->code = ret;
    then(call);
}

/* ---- the writer ---- */

static void run_written(struct writer_req *req)
{
    struct app_call *call = call_of_req(req);
    call->code = req->code;
    call->then(call);
}

/* Thread: the writer's. */
static void render_kept(struct writer_req *req, struct idem_record *ret_answer)
{
    struct app_call *call = call_of_req(req);
    outcome_of_verdict(call);
    call->render(call, ret_answer);
    ret_answer->change_seq = call->seq;
}

void app_on_writer(struct app_call *call, app_step *then)
{
    struct writer_req *req = &call->req;
    call->code = BOX_OK;
    call->then = then;
    req->idem = call->idem;
    req->arena = call->arena;
    req->render = render_kept;
    req->reply_to = call->reply_to;
    req->done = run_written;
    int ret = writer_submit(call->app->parts.writer, req);
    if (ret == 0)
        return;
    call->code = ret;
    then(call);
}

struct command *app_command(struct app_call *call, enum command_kind kind)
{
    must(call->event);
    call->req.op = WRITER_COMMAND;
    call->req.event_id = call->event->event->event_id;
    call->req.command = (struct command){.kind = kind, .actor = credential_actor(&call->who)};
    return &call->req.command;
}

/* ---- ends ---- */

void app_done(struct app_call *call, int code)
{
    call->code = code;
    call->done(call);
}

void app_written(struct app_call *call)
{
    const struct writer_req *req = &call->req;
    if (call->code) {
        app_done(call, call->code);
        return;
    }
    if (req->replay) {
        call->replayed = true;
        call->answer = req->replay;
        call->seq = req->replay->change_seq;
        app_done(call, BOX_OK);
        return;
    }
    if (req->rendered) {
        call->answer = req->rendered;
        app_done(call, BOX_OK);
        return;
    }
    outcome_of_verdict(call);
    app_answer(call);
}

void app_answer(struct app_call *call)
{
    call->kept = (struct idem_record){.change_seq = call->seq};
    call->render(call, &call->kept);
    call->answer = &call->kept;
    app_done(call, BOX_OK);
}

/* Thread: a worker. Is there a first answer to this request? */
static void find_first_answer(struct app_call *call)
{
    struct idem_record *found = arena_alloc(call->arena, sizeof(*found));
    int64_t now_ms = app_now_ms(call->app);
    int ret = store_idem_find(call->app->parts.store, &call->idem->key, now_ms, call->arena, found);
    call->found = ret ? NULL : found;
    if (ret != 0 && ret != BOX_ENOTFOUND)
        call->code = ret;
}

static void refused(struct app_call *call)
{
    int code = call->code ? call->code : call->req.verdict.code;
    if (!call->found || call->code) {
        app_done(call, code);
        return;
    }
    if (!digest_equal(&call->found->request, &call->idem->request)) {
        app_done(call, BOX_EIDEMREUSED);
        return;
    }
    call->replayed = true;
    call->answer = call->found;
    call->seq = call->found->change_seq;
    app_done(call, BOX_OK);
}

void app_refuse(struct app_call *call, int code)
{
    must(code != BOX_OK);
    call->req.verdict.code = code;
    if (call->idem)
        app_on_worker(call, find_first_answer, refused);
    else
        app_done(call, code);
}

void app_refuse_state(struct app_call *call, int code, const char *current)
{
    call->req.verdict.current = current;
    app_refuse(call, code);
}
