#include "cli/show.h"
#include "base/must.h"
#include <stdio.h>
#include <string.h>

enum { SHOW_COLUMNS = 16 };

static void print_members(struct cli *c, struct json_node object, const char *prefix)
{
    void *iter = NULL;
    const char *name;
    struct json_node value;
    while (json_in_next_member(object, &iter, &name, &value)) {
        if (json_in_is_array(value)) {
            size_t count;
            json_in_array(value, 0, SIZE_MAX, &count);
            printf("%s%s: %zu\n", prefix, name, count);
        } else if (json_in_is_object(value)) {
            print_members(c, value, arena_printf(&c->arena, "%s%s.", prefix, name));
        } else {
            const char *text = cli_text(c, object, name);
            if (*text || json_in_is_text(value))
                printf("%s%s: %s\n", prefix, name, text);
            else
                printf("%s%s: %s\n", prefix, name,
                       json_in_absent(value) ? "-"
                       : json_in_bool(value) ? "yes"
                                             : "no");
        }
    }
}

int show_call(struct cli *c, const char *method, const char *path, const struct buf *body)
{
    struct cli_reply reply;
    int code = cli_call(c, method, path, body, NULL, &reply);
    if (code)
        return code;
    if (c->json)
        cli_print_json(&reply);
    else if (json_in_is_object(json_in_root(&reply.in)))
        print_members(c, json_in_root(&reply.in), "");
    else
        printf("done\n");
    cli_reply_done(&reply);
    return EXIT_DONE;
}

static void add_rows(struct cli *c, struct table *t, struct json_node list, const struct show_column *columns)
{
    size_t count;
    json_in_array(list, 0, SIZE_MAX, &count);
    for (size_t i = 0; i < count; i++) {
        struct json_node item = json_in_item(list, i);
        for (const struct show_column *col = columns; col->head; col++) {
            const char *dot = strchr(col->member, '.');
            struct json_node from = item;
            if (dot)
                from =
                    json_in_member(item, arena_strndup(&c->arena, col->member, (size_t)(dot - col->member)));
            /* The text must outlive the reply: the arena's copy. */
            table_cell(t, arena_strdup(&c->arena, cli_text(c, from, dot ? dot + 1 : col->member)));
        }
    }
}

/* The next page's path, or NULL at the end. */
static const char *next_page(struct cli *c, struct json_node root, const char *path)
{
    const char *cursor = cli_text(c, root, "next_cursor");
    if (!*cursor)
        return NULL;
    return arena_printf(&c->arena, "%s%ccursor=%s", path, strchr(path, '?') ? '&' : '?',
                        cli_escape(c, cursor));
}

int show_list(struct cli *c, const char *path, const char *list_name, const struct show_column *columns)
{
    const char *heads[SHOW_COLUMNS + 1] = {NULL};
    for (int i = 0; columns[i].head; i++) {
        must(i < SHOW_COLUMNS);
        heads[i] = columns[i].head;
    }
    struct table table;
    table_init(&table, heads);
    int code = EXIT_DONE;
    for (const char *page = path; page && !code;) {
        struct cli_reply reply;
        code = cli_call(c, "GET", page, NULL, NULL, &reply);
        if (code)
            break;
        struct json_node root = json_in_root(&reply.in);
        if (c->json)
            cli_print_json(&reply);
        else
            add_rows(c, &table, json_in_member(root, list_name), columns);
        page = next_page(c, root, path);
        cli_reply_done(&reply);
    }
    if (code) /* said already; half a table would look like all of it */
        table_free(&table);
    else if (!c->json)
        table_print(&table);
    return code;
}

bool show_confirmed(struct cli *c, const char *what)
{
    if (cli_value(c, "yes"))
        return true;
    cli_fail("this would %s. Nothing was changed; add --yes to do it.", what);
    return false;
}

const char *show_query(struct cli *c, const char *path, const char *option, const char *parameter)
{
    const char *value = cli_value(c, option);
    if (!value)
        return path;
    return arena_printf(&c->arena, "%s%c%s=%s", path, strchr(path, '?') ? '&' : '?', parameter,
                        cli_escape(c, value));
}
