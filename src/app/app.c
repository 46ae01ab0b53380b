#include "app/app.h"
#include "base/must.h"
#include <stdlib.h>

struct app *app_open(const struct app_options *options)
{
    must(options->store && options->view && options->writer && options->workers);
    must(options->clock && options->rng && options->auth);
    struct app *app = calloc(1, sizeof(*app));
    must(app);
    app->parts = *options;
    return app;
}

void app_close(struct app *app)
{
    free(app);
}

static int show_venue(void *ctx, struct layout *layout)
{
    view_put_venue(ctx, layout);
    layout_unref(layout);
    return 0;
}

int app_load_venues(struct store *store, struct view *view)
{
    return store_list_venues(store, show_venue, view);
}

struct layout *app_venue(const struct app *app, const struct venue_id *id)
{
    struct cluster *cluster = app->parts.cluster;
    return cluster ? cluster_venue_of(cluster, id) : view_venue(app->parts.view, id);
}

bool app_ready(const struct app *app)
{
    const struct cluster *cluster = app->parts.cluster;
    return writer_ready(app->parts.writer) && store_writable(app->parts.store) &&
           (!cluster || cluster_joined(cluster));
}

int64_t app_now_ms(const struct app *app)
{
    return clock_wall_us(app->parts.clock) / 1000;
}
