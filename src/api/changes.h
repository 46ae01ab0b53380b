/* The change log as a live stream. */
#ifndef API_CHANGES_H
#define API_CHANGES_H

#include "api/request.h"

/* Does the client prefer a stream to a page? */
bool changes_wanted(struct api_req *c);
/* Answer with a stream of the log's rows. */
void changes_of_log(struct api_req *c);

#endif
