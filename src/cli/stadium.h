/* The demo's stadium: 50,000 numbered seats on a bowl, as the body of POST /v1/venues. */
#ifndef CLI_STADIUM_H
#define CLI_STADIUM_H

#include "base/buf.h"

enum { STADIUM_SEATS = 50000 };

/* Append the JSON. Every row is curved around the pitch, every seat has its position (decimetres). */
void stadium_write(struct buf *ret);

#endif
