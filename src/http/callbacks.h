/* What this folder's files hand to libmicrohttpd. Apart from internal.h, so that tests need not see
 * microhttpd.h. */
#ifndef HTTP_CALLBACKS_H
#define HTTP_CALLBACKS_H

#include "http/internal.h"
#include <microhttpd.h>

/* MHD_AccessHandlerCallback; the closure is the loop. */
enum MHD_Result http_on_access(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                               const char *version, const char *data, size_t *size, void **con_cls);
/* MHD_RequestCompletedCallback. */
void http_on_completed(void *cls, struct MHD_Connection *mhd, void **con_cls,
                       enum MHD_RequestTerminationCode code);
/* MHD_NotifyConnectionCallback. */
void http_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context,
                        enum MHD_ConnectionNotificationCode code);
/* MHD's unescape callback. */
size_t http_on_unescape(void *cls, struct MHD_Connection *mhd, char *text);

#endif
