/*
 * The HTTP interface: thin handlers that decode, call the app and encode.
 */
#ifndef API_API_H
#define API_API_H

#include "api/client_address.h"
#include "app/app.h"
#include "feed/feed.h"
#include "http/http.h"

/* What the handlers work with: the ctx of http_open(). The parts are borrowed. */
struct api {
    struct app *app;
    struct feed *feed;
    struct shelf *lists;           /* pages of the list of events */
    const struct proxies *proxies; /* who may say from whom a request comes; NULL: nobody wants to know */
};

/* Every route, ended by an entry without a path. */
extern const struct http_route api_routes[];

#endif
