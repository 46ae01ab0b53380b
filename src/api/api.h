/*
 * The HTTP interface: thin handlers that decode, call the app and encode.
 */
#ifndef API_API_H
#define API_API_H

#include "http/http.h"

/* Every route, ended by an entry without a path. The ctx of http_open() must be the app (app/app.h). */
extern const struct http_route api_routes[];

#endif
