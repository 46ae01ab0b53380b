#include "base/error.h"
#include "cli/cli.h"
#include "server/server.h"
#include <stdio.h>

int cmd_serve(int argc, char **argv)
{
    struct config config;
    char reason[256];
    int ret = config_read(argc, argv, &config, reason);
    if (ret == BOX_EEXISTS) {
        printf("usage: boxoffice serve [--option VALUE...]\n\nRun the server until SIGTERM or SIGINT. Each "
               "option is also an "
               "environment variable; the command line wins.\n\n");
        config_help();
        return EXIT_DONE;
    }
    if (ret) {
        config_say(reason);
        return EXIT_USAGE;
    }
    return server_run(&config);
}
