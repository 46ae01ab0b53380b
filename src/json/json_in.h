/*
 * Reading a JSON body with limits and with all faults reported at once.
 *
 * A decoder is made from the bytes; nodes walk it. A read that does not fit records {pointer, detail} in the
 * decoder and returns a harmless value, so that an api function reads everything and then asks
 * json_in_status() once. Malformed text, duplicate or unknown members are BOX_EBADREQUEST; values that do not
 * fit are BOX_EINVALID. Only this folder knows yyjson. Thread: one at a time. Everything lent lives as long
 * as the decoder.
 */
#ifndef JSON_JSON_IN_H
#define JSON_JSON_IN_H

#include "base/arena.h"
#include "base/uuid.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_error {
    const char *pointer; /* RFC 6901, "" is the whole body */
    const char *detail;
    struct json_error *next;
};

enum {
    JSON_POINTER_BYTES = 1024, /* a longer pointer ends at the last member that fits */
    JSON_NODE_LEVELS = 40,     /* levels whose last node is remembered, see struct json_level */
};

struct json_node;

/* The last node of a level that something below it was read from. */
struct json_level {
    const struct json_node *up; /* the arena's copy of it */
    void *item;                 /* yyjson_val: where in that array the last item stood, or NULL */
    size_t index;               /* of item */
};

struct json_in {
    struct arena *arena;
    void *doc;                              /* yyjson_doc, or NULL */
    int code;                               /* BOX_OK, BOX_EBADREQUEST or BOX_EINVALID */
    const char *detail;                     /* for BOX_EBADREQUEST: what is wrong and where */
    struct json_error *errors, *last_error; /* the first LIMIT_JSON_ERRORS */
    size_t error_count;                     /* of all */
    struct json_level levels[JSON_NODE_LEVELS];
};

/* A value in the document, or nothing (value NULL) where a member is absent. Passed by value. */
struct json_node {
    struct json_in *in;
    void *value;                /* yyjson_val or NULL */
    const struct json_node *up; /* the arena's; one copy serves all members or items that are read in a row */
    const char *key;            /* member name, NULL for an item */
    size_t index;
    unsigned level; /* 0 is the body */
};

/*
 * Parse. An empty body counts as absent: json_in_root() is then absent. Depth above LIMIT_JSON_DEPTH, objects
 * of more than LIMIT_JSON_MEMBERS members, text after the value, duplicate members, invalid UTF-8 and U+0000
 * are refused. Returns 0, or BOX_EBADREQUEST (in->detail says why and where). Ownership: @data is only read.
 */
int json_in_parse(struct json_in *in, struct arena *arena, const char *data, size_t size);
/* Free the tree; before the arena goes. Twice does no harm. */
void json_in_done(struct json_in *in);
/* BOX_EBADREQUEST if anything of that kind was recorded, else BOX_EINVALID if a value did not fit, else 0. */
int json_in_status(const struct json_in *in);

/* The whole body. */
struct json_node json_in_root(struct json_in *in);
/* Record that @node's value does not fit (BOX_EINVALID). */
void json_in_fault(struct json_node node, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a name that is not in the body, e.g. "/limit" for a query parameter. */
void json_in_fault_at(struct json_in *in, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Expect an object whose members are all in @known (NULL-terminated list); with NULL any members are passed
 * over. Returns false (recorded) if it is absent or not an object.
 */
bool json_in_object(struct json_node node, const char *const *known);
/*
 * The member, or an absent node; @name must live as long as the decoder (a literal). A null member is
 * present; json_in_absent() treats it as absent. The members are looked through one by one: to read all of an
 * object that may have many, use json_in_next_member().
 */
struct json_node json_in_member(struct json_node object, const char *name);
/* The node of a member that is known not to be there, for a fault: it is not looked for. */
struct json_node json_in_no_member(struct json_node object, const char *name);
bool json_in_absent(struct json_node node);  /* not there, or null */
bool json_in_missing(struct json_node node); /* not there at all (null is there) */
bool json_in_is_object(struct json_node node);
bool json_in_is_array(struct json_node node);
bool json_in_is_text(struct json_node node);
bool json_in_is_int(struct json_node node);

/*
 * Expect an array of @min..@max items; *ret_count how many (0 after a fault). Returns false if recorded a
 * fault.
 */
bool json_in_array(struct json_node node, size_t min, size_t max, size_t *ret_count);
/* An item, or an absent node. Read them in rising order: then each is found from the one before. */
struct json_node json_in_item(struct json_node array, size_t index);

/* Text of @min..@max code points without control characters. NULL after a fault. Lent. */
const char *json_in_text(struct json_node node, size_t min, size_t max);
/* Integer in @min..@max (1.0 is not an integer). @min after a fault. */
int64_t json_in_int(struct json_node node, int64_t min, int64_t max);
/* true or false; false after a fault. */
bool json_in_bool(struct json_node node);
/* UUID text. Nil after a fault. */
struct uuid json_in_uuid(struct json_node node);
/* RFC 3339 time with any offset -> ms since 1970. 0 after a fault. */
int64_t json_in_time(struct json_node node);
/* A JSON number of any kind as plan units: rounded to the nearest integer, |value| <= LIMIT_COORDINATE. */
int32_t json_in_coordinate(struct json_node node);

/* Iterate over an object's members in the order of the text. *iter starts as NULL. Returns false at the end.
 */
bool json_in_next_member(struct json_node object, void **iter, const char **ret_name,
                         struct json_node *ret_value);

#endif
