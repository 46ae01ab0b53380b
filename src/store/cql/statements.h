/*
 * The prepared statements, one table: statements.def. Each has a kind, which says how it is sent; nobody else
 * chooses a consistency.
 *
 *   READ     QUORUM
 *   SERIAL   a read at LOCAL_SERIAL, which ends a Paxos round that is still open
 *   WRITE    QUORUM
 *   LWT      conditional: LOCAL_SERIAL and QUORUM, by the partition's first live replica
 *
 * In the text @ stands for the keyspace and a dot. LWTs and plain writes never write the same column of
 * tickets but once, at creation: an LWT's cells bear times of Paxos, a plain write's those of a client's
 * clock, and whichever is greater would win.
 */
#ifndef STORE_CQL_STATEMENTS_H
#define STORE_CQL_STATEMENTS_H

#include "cql.h"
#include "store/cql/schema.h"
#include <stddef.h>

enum cql_statement_kind { CQL_KIND_READ, CQL_KIND_SERIAL, CQL_KIND_WRITE, CQL_KIND_LWT };

enum cql_st {
#define STATEMENT(name, kind, where, text) CQL_ST_##name,
#include "store/cql/statements.def"
#undef STATEMENT
    CQL_STATEMENTS
};

struct cql_statement_def {
    const char *name; /* "GET_HOLD" */
    enum cql_statement_kind kind;
    enum schema_where where; /* where it is prepared */
    const char *text;
};
extern const struct cql_statement_def CQL_STATEMENT_DEFS[CQL_STATEMENTS];

/* How many markers a statement has. */
size_t cql_markers(enum cql_st st);

/* Prepare one for @keyspace, unless it is prepared. Blocks. Returns CQL_OK, or the kind that *ret_error
 * tells. */
enum cql_kind cql_statement_prepare(struct cql_session *session, const char *keyspace, enum cql_st st,
                                    struct cql_statement *statements[CQL_STATEMENTS],
                                    struct cql_error *ret_error);
/* Prepare all statements of @dialect; the others stay NULL. As above; *ret_failed: which one it was. */
enum cql_kind cql_statements_prepare(struct cql_session *session, enum schema_dialect dialect,
                                     const char *keyspace, struct cql_statement *statements[CQL_STATEMENTS],
                                     struct cql_error *ret_error, const char **ret_failed);
/* Free them. */
void cql_statements_free(struct cql_statement *statements[CQL_STATEMENTS]);

#endif
