#include "store/cql/statements.h"
#include "base/buf.h"
#include "base/must.h"
#include <string.h>

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

enum cql_kind cql_statements_prepare(struct cql_session *session, enum schema_dialect dialect,
                                     const char *keyspace,
                                     struct cql_statement *ret_statements[CQL_STATEMENTS],
                                     struct cql_error *ret_error, const char **ret_failed)
{
    enum cql_kind kind = CQL_OK;
    struct buf text = {0};
    memset(ret_statements, 0, CQL_STATEMENTS * sizeof(*ret_statements));
    for (size_t i = 0; kind == CQL_OK && i < CQL_STATEMENTS; i++) {
        const struct cql_statement_def *def = &CQL_STATEMENT_DEFS[i];
        if (!schema_belongs(def->where, dialect))
            continue;
        buf_reset(&text);
        write_text(def->text, keyspace, &text);
        kind = cql_prepare(session, text.data, &ret_statements[i], ret_error);
        if (kind != CQL_OK)
            *ret_failed = def->name;
    }
    buf_done(&text);
    if (kind != CQL_OK)
        cql_statements_free(ret_statements);
    return kind;
}

void cql_statements_free(struct cql_statement *statements[CQL_STATEMENTS])
{
    for (size_t i = 0; i < CQL_STATEMENTS; i++) {
        cql_statement_free(statements[i]);
        statements[i] = NULL;
    }
}
