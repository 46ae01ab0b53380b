#include "store/cql/statements.h"
#include "base/buf.h"

const struct cql_statement_def CQL_STATEMENT_DEFS[CQL_STATEMENTS] = {
#define STATEMENT(name, kind, where, text) {#name, kind, where, text},
#include "store/cql/statements.def"
#undef STATEMENT
};

size_t cql_markers(enum cql_st st)
{
    size_t count = 0;
    for (const char *p = CQL_STATEMENT_DEFS[st].text; *p; p++)
        count += *p == '?';
    return count;
}

/* Put the keyspace in. */
static void write_text(const char *text, const char *keyspace, struct buf *ret)
{
    for (const char *p = text; *p; p++) {
        if (*p == '@')
            buf_printf(ret, "%s.", keyspace);
        else
            buf_addc(ret, *p);
    }
    buf_addc(ret, '\0');
}

enum cql_kind cql_statement_prepare(struct cql_session *session, const char *keyspace, enum cql_st st,
                                    struct cql_statement *statements[CQL_STATEMENTS],
                                    struct cql_error *ret_error)
{
    struct buf text = {0};
    if (statements[st])
        return CQL_OK;
    write_text(CQL_STATEMENT_DEFS[st].text, keyspace, &text);
    enum cql_kind kind = cql_prepare(session, text.data, &statements[st], ret_error);
    buf_done(&text);
    return kind;
}

enum cql_kind cql_statements_prepare(struct cql_session *session, enum schema_dialect dialect,
                                     const char *keyspace, struct cql_statement *statements[CQL_STATEMENTS],
                                     struct cql_error *ret_error, const char **ret_failed)
{
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        if (!schema_belongs(CQL_STATEMENT_DEFS[i].where, dialect))
            continue;
        enum cql_kind kind = cql_statement_prepare(session, keyspace, (enum cql_st)i, statements, ret_error);
        if (kind != CQL_OK) {
            *ret_failed = CQL_STATEMENT_DEFS[i].name;
            return kind;
        }
    }
    return CQL_OK;
}

void cql_statements_free(struct cql_statement *statements[CQL_STATEMENTS])
{
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        cql_statement_free(statements[i]);
        statements[i] = NULL;
    }
}
