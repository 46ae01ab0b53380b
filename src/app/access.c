#include "app/access.h"
#include "base/error.h"

int app_allow(const struct app *app, const struct credential *who, enum app_right right)
{
    if (who->kind == CREDENTIAL_KEY || right == RIGHT_PUBLIC)
        return 0;
    if (who->kind == CREDENTIAL_NONE)
        return BOX_EUNAUTHORIZED;
    switch (right) {
    case RIGHT_BUYER:
        return 0;
    case RIGHT_BEGIN:
        return who->may_begin ? 0 : BOX_EUNAUTHORIZED;
    case RIGHT_CONFIRM:
        return app->parts.demo_payments ? 0 : BOX_EFORBIDDEN;
    default:
        return BOX_EFORBIDDEN;
    }
}

bool app_sees_event(const struct credential *who, const struct event *event)
{
    return !event->deleted && (event->published || who->kind == CREDENTIAL_KEY);
}

bool app_owns(const struct credential *who, const struct session_id *session)
{
    if (who->kind == CREDENTIAL_SESSION)
        return uuid_equal(&who->session.u, &session->u);
    return who->kind == CREDENTIAL_KEY;
}
