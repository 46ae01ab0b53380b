/*
 * What several commands do alike: call, then print the reply as it is (--json) or for people.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cli.h"

/* Call and print the reply: as it is with --json, else one "name: value" line per plain member. Returns the
 * exit code. */
int show_call(struct cli *c, const char *method, const char *path, const struct buf *body);

/* Members of a list reply as columns: a table's head and the member it shows. */
struct show_column {
    const char *head, *member;
};

/*
 * Read all pages of a list (members of @list_name) and print one table, or with --json one page after the
 * other as they are. @path has its query, or not. Returns the exit code.
 */
int show_list(struct cli *c, const char *path, const char *list_name, const struct show_column *columns);

/* Without --yes: say what @what would do and that nothing was changed. Returns true when --yes was given. */
bool show_confirmed(struct cli *c, const char *what);

/* Add "name=value" of an option to a query that begins with '?' or goes on with '&'. Returns the longer path.
 */
const char *show_query(struct cli *c, const char *path, const char *option, const char *parameter);

#endif
