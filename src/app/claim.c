#include "app/claim.h"

void app_claim(struct app_call *call, const char *slug, app_step *then)
{
    call->req = (struct writer_req){.op = WRITER_CLAIM, .slug = slug};
    app_on_writer(call, then);
}

void app_release_claim(struct app_call *call, const char *slug, const struct idem_record *answer,
                       app_step *then)
{
    call->req = (struct writer_req){.op = WRITER_RELEASE, .slug = slug, .answer = answer};
    app_on_writer(call, then);
}
