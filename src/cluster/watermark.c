#include "cluster/watermark.h"

void watermark_begin(struct watermark *w, int64_t stable_us)
{
    w->least_us = stable_us;
}

void watermark_server(struct watermark *w, int64_t stable_us)
{
    if (stable_us < w->least_us)
        w->least_us = stable_us;
}

bool watermark_end(struct watermark *w, bool settled)
{
    if (!settled || w->least_us <= w->until_us)
        return false;
    w->until_us = w->least_us;
    return true;
}
