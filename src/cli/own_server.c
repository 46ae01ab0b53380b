#include "cli/own_server.h"
#include "base/params.h"
#include "base/uuid.h"
#include "cli/cli.h"
#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static void remove_folder(const char *folder)
{
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* On a disk: what lies in memory is synced in no time, which measures nothing. */
static bool make_folder(struct own_server *s)
{
    const char *parent = getenv("BENCH_DIR");
    snprintf(s->folder, sizeof s->folder, "%s/boxoffice-bench-XXXXXX",
             parent && *parent ? parent : "/var/tmp");
    if (mkdtemp(s->folder))
        return true;
    cli_fail("cannot make the folder %s: %s ($BENCH_DIR says where)", s->folder, strerror(errno));
    return false;
}

static void make_key(struct own_server *s)
{
    struct rng rng;
    struct uuid key;
    rng_init_system(&rng);
    key = uuid_random(&rng);
    uuid_format(&key, s->key);
}

/* What the environment says of servers and keys is for others than this one. */
static void forget_environment(void)
{
    static const char PREFIX[] = "BOXOFFICE_";
    for (char **at = environ; *at;) {
        char *name = strndup(*at, strcspn(*at, "="));
        bool ours = name && strncmp(name, PREFIX, sizeof PREFIX - 1) == 0;
        if (!ours || unsetenv(name) != 0)
            at++; /* otherwise the next has taken its place */
        free(name);
    }
}

/* In the child; does not return. */
static _Noreturn void become_server(const struct own_server *s, int cpu, const char *const *options, int out,
                                    pid_t parent)
{
    char data[300];
    /* A benchmark's buyers come from one address: they may hold what they want, unless a --serve-option says
     * otherwise. */
    const char *const fixed[] = {"boxoffice",
                                 "serve",
                                 "--listen",
                                 "127.0.0.1:0",
                                 "--data-dir",
                                 data,
                                 "--log-level",
                                 "error",
                                 "--http-threads",
                                 cpu < 0 ? "2" : "1",
                                 "--max-held-per-session",
                                 "0",
                                 "--max-held-per-address",
                                 "0"};
    const char *words[sizeof fixed / sizeof fixed[0] + LIMIT_BENCH_SERVE_OPTIONS + 1] = {NULL};
    size_t count = sizeof fixed / sizeof fixed[0];
    memcpy(words, fixed, sizeof fixed);
    cpu_set_t set;
    snprintf(data, sizeof data, "%s/data", s->folder);
    while (*options)
        words[count++] = *options++;
    forget_environment();
    signal(SIGINT, SIG_IGN); /* Ctrl-C goes to the whole group; who started it stops it */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    CPU_ZERO(&set);
    CPU_SET((unsigned)(cpu < 0 ? 0 : cpu), &set);
    if (getppid() != parent || dup2(out, STDOUT_FILENO) < 0 || setenv("BOXOFFICE_API_KEY", s->key, 1) != 0 ||
        (cpu >= 0 && sched_setaffinity(0, sizeof set, &set) != 0))
        _exit(1);
    execv("/proc/self/exe", (char *const *)(uintptr_t)words);
    _exit(1);
}

/* Wait for the line that names the address. */
static bool read_address(struct own_server *s, int from)
{
    static const char START[] = "boxoffice: listening on ";
    char line[256];
    FILE *f = fdopen(from, "r");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        found = strncmp(line, START, sizeof START - 1) == 0;
        line[strcspn(line, "\n")] = 0;
    }
    if (found)
        snprintf(s->url, sizeof s->url, "%s", line + sizeof START - 1);
    if (f)
        fclose(f);
    return found;
}

bool own_server_start(struct own_server *s, int cpu, const char *const *options)
{
    int ends[2];
    *s = (struct own_server){0};
    if (sodium_init() < 0 || !make_folder(s))
        return false;
    make_key(s);
    if (pipe(ends) != 0) {
        remove_folder(s->folder);
        cli_fail("cannot start a server: %s", strerror(errno));
        return false;
    }
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0) {
        close(ends[0]);
        become_server(s, cpu, options, ends[1], parent);
    }
    close(ends[1]);
    if (s->pid > 0 && read_address(s, ends[0]))
        return true;
    if (s->pid > 0)
        own_server_stop(s);
    else
        remove_folder(s->folder);
    cli_fail("the benchmark's own server did not start");
    return false;
}

bool own_server_stop(struct own_server *s)
{
    int status = 0;
    if (s->pid <= 0)
        return true;
    kill(s->pid, SIGTERM);
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    s->pid = 0;
    remove_folder(s->folder);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    cli_fail("the benchmark's own server ended with %s %d", WIFEXITED(status) ? "code" : "signal",
             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return false;
}
