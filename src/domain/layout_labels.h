/*
 * Labels while a layout is built. Venues repeat themselves: most rows are called "1".."40" and most seats
 * "1".."30". So each text is kept once (then two labels are equal if their pointers are), and so is each list
 * of labels.
 *
 * All tables are open-addressed with linear probing and at most half full; nothing is ever removed.
 */
#ifndef DOMAIN_LAYOUT_LABELS_H
#define DOMAIN_LAYOUT_LABELS_H

#include "base/arena.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts packed one behind the other: an arena would round each up to 16 bytes. */
struct text_pool {
    char *next;
    size_t left;
};
const char *text_pool_add(struct text_pool *pool, struct arena *arena, const char *text, size_t size);

enum { NO_LABEL_ROW = UINT32_MAX };

struct label {
    const char *text; /* NULL: a free slot */
    uint32_t hash;
    uint32_t id;     /* 0, 1, ... in the order of first use */
    uint32_t number; /* label_number() */
    /* as the label of a seat: the newest row that has it, and which seat that is */
    uint32_t seat_row, seat;
    /* as the label of a row: the newest section that has it, and its first and newest row there */
    uint32_t section, first_row, newest_row;
};

struct label_table {
    struct label *slots;
    size_t cap;
    uint32_t count;
};
/* The entry of @text, or NULL. Entries move when one is added. */
struct label *label_find(struct label_table *t, const char *text);
/* A new entry (there must be none); the text is copied. */
struct label *label_add(struct label_table *t, struct text_pool *pool, struct arena *arena, const char *text);
/*
 * n when @text is n in decimal as a counted seat would have it: n >= 1, short enough to be a count of
 * seats; else 0.
 */
uint32_t label_number(const char *text);
void label_table_done(struct label_table *t);

/* Lists of labels (pointers from a label_table), each kept once. */
struct label_list {
    const char *const *labels; /* NULL: a free slot */
    uint32_t count;
    uint32_t id; /* 0, 1, ... in the order of first use */
    uint64_t hash;
};
struct list_table {
    struct label_list *slots;
    size_t cap;
    uint32_t count;
};
/* The one copy of a list of @count > 0 labels, in the arena. Lent until the next call. */
const struct label_list *list_keep(struct list_table *t, struct arena *arena, const char *const *labels,
                                   uint32_t count);
void list_table_done(struct list_table *t);

/* A set of pairs of numbers. */
struct pair_set {
    uint64_t *slots; /* 0: free; else the pair + 1 */
    size_t cap;
    uint32_t count;
};
/* Add (@a, @b), not both UINT32_MAX. Returns false if it is there already. */
bool pair_add(struct pair_set *s, uint32_t a, uint32_t b);
void pair_set_done(struct pair_set *s);

#endif
