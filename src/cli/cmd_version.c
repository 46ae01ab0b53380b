#include "cli/cli.h"
#include <stdio.h>

static int version(struct cli *c)
{
    if (c->json)
        printf("{\"version\":\"%s\"}\n", BOXOFFICE_VERSION);
    else
        printf("boxoffice %s\n", BOXOFFICE_VERSION);
    return EXIT_DONE;
}

const struct cli_verb version_verbs[] = {
    {"", "", 0, 0, "Print the version of this program.", NULL, version},
    {NULL, NULL, 0, 0, NULL, NULL, NULL},
};
