/*
 * The server: its parts, its threads, their order of start and stop.
 *
 *   thread     how many            what it owns
 *   main       1                   waits for a signal, then stops the others
 *   http       --http-threads      its listening socket, its connections, its mailbox
 *   stream     1                   every live stream: sockets, followers of events and of the log
 *   worker     --worker-threads    nothing: takes one task at a time (store reads, big bodies, tickets)
 *   writer     1                   every inventory, deadlines, keys under way; publishes to the view
 *
 * Stop: no new connections, every answer is sent, streams are ended, workers end, the writer ends, the store
 * is closed.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "server/config.h"

/*
 * Run a server until SIGTERM or SIGINT. Prints "boxoffice: listening on http://HOST:PORT" to standard output
 * when it is ready. Thread: the main one, before any other exists (it blocks signals for all). Returns the
 * exit code: 0 after a clean stop, 1 when it could not start (one line on standard error says why).
 */
int server_run(const struct config *config);

#endif
