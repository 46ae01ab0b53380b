/*
 * Error codes of the whole program: 0 (BOX_OK) or a negative BOX_Ex, made from defs/errors.def.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stddef.h>

enum box_error {
    BOX_OK = 0,
#define ERROR(name, number, slug, http, title, explanation) BOX_E##name = -(number),
#include "errors.def"
#undef ERROR
};

struct error_info {
    int code;                /* BOX_Ex */
    const char *name;        /* "SEATSTAKEN" */
    const char *slug;        /* "seats-taken", or "" for an internal error */
    int http;                /* status */
    const char *title;       /* a short sentence for people */
    const char *explanation; /* what it means and what to do */
};

/* Look up a code. Thread: any. Returns never NULL; an unknown code gives the entry of BOX_EINTERNAL. */
const struct error_info *error_info(int code);

/*
 * Look up a problem by its slug; where several codes share one, the first of the table. Returns NULL if
 * unknown.
 */
const struct error_info *error_by_slug(const char *slug);

/* Entry @index of the table in its order. Returns NULL past the end. */
const struct error_info *error_at(size_t index);

#endif
