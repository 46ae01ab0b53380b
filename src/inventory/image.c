#include "inventory/image.h"
#include <stdlib.h>

void image_done(struct image *image)
{
    arena_done(&image->arena);
    free(image->seats);
    if (image->event)
        event_unref(image->event);
    if (image->layout)
        layout_unref(image->layout);
    *image = (struct image){0};
}
