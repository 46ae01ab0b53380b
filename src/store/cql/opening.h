/*
 * What the steps of store_cql_open() share: the store in the making, and the one line that says what is
 * wrong.
 */
#ifndef STORE_CQL_OPENING_H
#define STORE_CQL_OPENING_H

#include "store/cql/call.h"
#include "store/cql/store_cql.h"

struct opening {
    const struct store_cql_options *options;
    struct cql_store *s;
    struct cql_topology topology;
    char hosts[1024];
    char *reason, *note; /* of OPENING_TEXT bytes */
};
enum { OPENING_TEXT = 512 };

/* Say why it cannot be opened; returns @code. */
int opening_refuse(struct opening *o, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Say that the driver or the cluster refused; returns the code that the kind stands for. */
int opening_error(struct opening *o, const char *what, const struct cql_error *error);
/* Add to the note. */
void opening_note(struct opening *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * keyspace.c: make the keyspace if there is none, else look whether its replication is fit.
 * schema_apply.c: make what is missing of the tables; take turns with other servers.
 * Return 0 or what store_cql_open() returns, said.
 */
int opening_keyspace(struct opening *o);
int opening_schema(struct opening *o);

/* meta, which must exist and its statements be prepared: a value ("" if there is none), and one made once. */
int opening_get_meta(struct opening *o, const char *key, char *ret_value, size_t size);
int opening_make_meta(struct opening *o, const char *key, const char *value, bool *ret_made);

#endif
