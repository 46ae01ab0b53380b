/*
 * `boxoffice export`: an event into a file. The file is written under another name first, so that under its
 * own there is either all of it or nothing.
 */
#include "cli/cli.h"
#include "cli/open_store.h"
#include "store/event_names.h"
#include "transfer/export.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say_progress(void *ctx, uint64_t done, uint64_t total)
{
    unsigned *tenth = ctx, now = (unsigned)(done * 10 / total);
    if (now == *tenth)
        return;
    *tenth = now;
    fprintf(stderr, "boxoffice: %llu of %llu changes\n", (unsigned long long)done, (unsigned long long)total);
}

static int write_event(struct open_store *s, const char *name, FILE *file)
{
    struct event_id id;
    struct export_totals totals;
    const char *reason;
    unsigned tenth = 0;
    int ret = event_names_find(s->store, name, &id);
    if (ret)
        return cli_fail(ret == BOX_ENOTFOUND ? "there is no event '%s'" : "the store cannot be read for '%s'",
                        name);
    const struct export_options options = {
        .store = s->store,
        .event_id = id,
        .file = file,
        .now_ms = clock_wall_us(&s->clock) / 1000,
        .progress = say_progress,
        .ctx = &tenth,
    };
    ret = export_event(&options, &totals, &reason);
    if (ret)
        return cli_fail("'%s' cannot be exported: %s", name, reason);
    fprintf(stderr, "boxoffice: exported '%s': %u seats, %llu changes, %llu orders\n", name, totals.seats,
            (unsigned long long)totals.changes, (unsigned long long)totals.orders);
    return EXIT_DONE;
}

/* Into @path, which must not exist; mode 0600: there are buyers' data in it. */
static int write_file(struct cli *c, struct open_store *s, const char *path)
{
    const char *part = arena_printf(&c->arena, "%s.part", path);
    if (access(path, F_OK) == 0)
        return cli_fail("%s exists; remove it, or name another file", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd >= 0 && fchmod(fd, 0600) == 0 ? fdopen(fd, "wb") : NULL;
    if (!file) {
        int code = cli_fail("cannot write %s: %s", part, strerror(errno));
        if (fd >= 0)
            close(fd);
        return code;
    }
    int code = write_event(s, c->words[0], file);
    bool written = code == EXIT_DONE && fflush(file) == 0 && fsync(fd) == 0;
    int error = errno;
    written = fclose(file) == 0 && written;
    if (code == EXIT_DONE && (!written || link(part, path)))
        code = cli_fail("cannot write %s: %s", path, strerror(written ? errno : error));
    unlink(part);
    return code;
}

static int export(struct cli *c)
{
    const char *path = cli_value(c, "output");
    struct open_store s;
    if (!path && isatty(STDOUT_FILENO))
        return cli_usage(c, "what is exported are bytes, and secret: name a file by --output");
    int code = open_store(c, false, &s);
    if (code)
        return code;
    code = path ? write_file(c, &s, path) : write_event(&s, c->words[0], stdout);
    close_store(&s);
    return code;
}

static const struct cli_option export_options[] = {
    STORE_OPTIONS,
    {"output", "FILE", "a file that does not exist yet (default: standard output, if that is no terminal)"},
    {NULL, NULL, NULL},
};

const struct cli_verb export_verbs[] = {
    {"", "EVENT", 1, 1,
     "Write an event into a file that 'boxoffice import' puts into any other store: its venue, every change, "
     "and the\npersonal data of its orders (names, e-mail addresses, payment references). THE FILE IS A "
     "SECRET: "
     "it is made with\nmode 0600; keep it so, and remove it when the event has moved. Keys of the server and "
     "answers to Idempotency-Keys\nare not in it.\n\nThe file shows the event as it is now. Before an event "
     "moves, pause it, so that nothing is sold that is not in\nthe file; after the import, resume it there. "
     "An "
     "embedded store has one user at a time: stop its server first.",
     export_options, export},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
