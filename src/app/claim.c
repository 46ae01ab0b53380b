#include "app/claim.h"
#include "base/error.h"

void app_claim(struct app_call *call, const char *slug, app_step *then)
{
    call->req = (struct writer_req){.op = WRITER_CLAIM, .slug = slug};
    app_on_writer(call, then);
}

static void try_release(struct task *t);

static void released(struct app_call *call)
{
    if (call->code != BOX_EBUSY) {
        call->after_release(call);
        return;
    }
    call->task.run = try_release; /* the next round of the loop tries again */
    task_post(call->reply_to, &call->task);
}

static void try_release(struct task *t)
{
    struct app_call *call = (struct app_call *)(void *)((char *)t - offsetof(struct app_call, task));
    app_on_writer(call, released);
}

void app_release_claim(struct app_call *call, const char *slug, const struct idem_record *answer,
                       app_step *then)
{
    call->req = (struct writer_req){.op = WRITER_RELEASE, .slug = slug, .answer = answer};
    call->after_release = then;
    app_on_writer(call, released);
}
