/*
 * Who may do and see what: the one place that decides it. (Whose a live hold or order is, is decided by the
 * inventory, by the same rule as app_owns().)
 *
 *  - Nobody in particular reads published events and their seats.
 *  - A session does that too, begins holds, and acts on its own holds and orders. There are no others for it.
 *  - An API key does everything.
 */
#ifndef APP_ACCESS_H
#define APP_ACCESS_H

#include "app/app.h"

enum app_right {
    RIGHT_PUBLIC,  /* anybody */
    RIGHT_BUYER,   /* a session or a key */
    RIGHT_BEGIN,   /* a session that may begin holds, or a key */
    RIGHT_KEY,     /* a key */
    RIGHT_CONFIRM, /* a key; with demo payments the buyer's own session too */
};

/* May this credential do what needs @right? Returns 0, BOX_EUNAUTHORIZED or BOX_EFORBIDDEN. Thread: any. */
int app_allow(const struct app *app, const struct credential *who, enum app_right right);

/* Does this event exist for @who: published, or asked for by a key? */
bool app_sees_event(const struct credential *who, const struct event *event);

/* Is what belongs to @session @who's to see and to act on? */
bool app_owns(const struct credential *who, const struct session_id *session);

#endif
