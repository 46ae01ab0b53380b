/*
 * A server of the benchmark's own: this very program as a child process, on a temporary folder and a free
 * port of 127.0.0.1.
 */
#ifndef CLI_OWN_SERVER_H
#define CLI_OWN_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct own_server {
    pid_t pid; /* 0: there is none */
    char folder[256], url[64], key[40];
};

/*
 * Start it and wait until it listens. @cpu: the core that it may use, -1: any. @options: more words for its
 * command line, ended by NULL. Returns false (said) when it does not start; nothing is left behind then.
 */
bool own_server_start(struct own_server *s, int cpu, const char *const *options);
/* Stop it (SIGTERM), wait for its end, remove the folder. Returns false (said) when it did not end well. */
bool own_server_stop(struct own_server *s);

#endif
