#include "base/must.h"
#include "base/text.h"
#include "cli/cli.h"
#include <stdio.h>
#include <stdlib.h>

enum { MAX_COLUMNS = 24 };

void table_init(struct table *t, const char *const *heads)
{
    *t = (struct table){.heads = heads};
    while (heads[t->columns])
        t->columns++;
    must(t->columns > 0 && t->columns <= MAX_COLUMNS);
}

void table_cell(struct table *t, const char *text)
{
    if (t->cell_count == t->cell_cap) {
        t->cell_cap = t->cell_cap ? 2 * t->cell_cap : 256;
        t->cells = realloc(t->cells, t->cell_cap * sizeof *t->cells);
        must(t->cells);
    }
    t->cells[t->cell_count++] = text;
}

static void print_row(const struct table *t, const char *const *cells, const size_t *widths)
{
    for (int i = 0; i < t->columns; i++) {
        const char *cell = cells[i];
        bool right = t->heads[i][0] == '>';
        size_t size = text_chars(cell), pad = widths[i] - size;
        if (right)
            printf("%*s%s", (int)pad, "", cell);
        else
            printf("%s%*s", cell, i + 1 < t->columns ? (int)pad : 0, "");
        fputs(i + 1 < t->columns ? "  " : "\n", stdout);
    }
}

void table_print(struct table *t)
{
    must(t->cell_count % (size_t)t->columns == 0);
    size_t widths[MAX_COLUMNS] = {0};
    const char *heads[MAX_COLUMNS];
    for (int i = 0; i < t->columns; i++) {
        heads[i] = t->heads[i] + (t->heads[i][0] == '>');
        widths[i] = text_chars(heads[i]);
    }
    for (size_t i = 0; i < t->cell_count; i++) {
        size_t size = text_chars(t->cells[i]), column = i % (size_t)t->columns;
        if (size > widths[column])
            widths[column] = size;
    }
    print_row(t, heads, widths);
    for (size_t row = 0; row < t->cell_count; row += (size_t)t->columns)
        print_row(t, t->cells + row, widths);
    table_free(t);
}

void table_free(struct table *t)
{
    free(t->cells);
    t->cells = NULL;
    t->cell_count = t->cell_cap = 0;
}
