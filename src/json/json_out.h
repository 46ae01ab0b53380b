/*
 * Writing JSON into a buffer. Commas are put by itself; nesting (at most 64 levels) is the caller's duty and
 * checked with must(). Outside of any object or array several values or members may follow each other: a
 * fragment. Text is valid UTF-8 and is escaped as RFC 8259 wants (", \, control characters; U+2028 and 2029
 * too).
 */
#ifndef JSON_JSON_OUT_H
#define JSON_JSON_OUT_H

#include "base/buf.h"
#include "base/uuid.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_out {
    struct buf *buf;
    bool comma; /* a value stands before, on this level */
    bool keyed; /* a key stands before and wants its value */
    int depth;
    uint64_t objects; /* bit depth-1 is set where that level is an object */
};

/* Write to the end of @buf. */
void json_out_init(struct json_out *j, struct buf *buf);
/* Go on behind a member of an object, on the first level, that was left open in @buf. */
void json_out_resume(struct json_out *j, struct buf *buf);
void json_out_object(struct json_out *j);     /* { */
void json_out_end_object(struct json_out *j); /* } */
void json_out_array(struct json_out *j);      /* [ */
void json_out_end_array(struct json_out *j);  /* ] */
/* A member's name (plain ASCII without characters to escape); its value comes next. */
void json_out_key(struct json_out *j, const char *name);
/* The same for a name of any valid UTF-8. */
void json_out_key_text(struct json_out *j, const char *name);
void json_out_text(struct json_out *j, const char *text); /* NULL gives null */
void json_out_int(struct json_out *j, int64_t value);
void json_out_bool(struct json_out *j, bool value);
void json_out_null(struct json_out *j);
void json_out_uuid(struct json_out *j, const struct uuid *u);         /* nil is written as it is */
void json_out_uuid_or_null(struct json_out *j, const struct uuid *u); /* nil gives null */
void json_out_time(struct json_out *j, int64_t ms);
void json_out_time_or_null(struct json_out *j, int64_t ms); /* 0 gives null */
/* Bytes that are a JSON value already. */
void json_out_raw(struct json_out *j, const void *json, size_t size);
/* @size bytes as a base64 text. */
void json_out_base64(struct json_out *j, const void *data, size_t size);

/* name and value in one. */
void json_out_member_text(struct json_out *j, const char *name, const char *text);
void json_out_member_int(struct json_out *j, const char *name, int64_t value);
void json_out_member_bool(struct json_out *j, const char *name, bool value);
void json_out_member_uuid(struct json_out *j, const char *name, const struct uuid *u);
void json_out_member_uuid_or_null(struct json_out *j, const char *name, const struct uuid *u);
void json_out_member_time(struct json_out *j, const char *name, int64_t ms);
void json_out_member_time_or_null(struct json_out *j, const char *name, int64_t ms);

#endif
