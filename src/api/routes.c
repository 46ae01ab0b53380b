#include "api/routes.h"
#include "base/params.h"

#define READ(path, handler)                                                                                  \
    {                                                                                                        \
        HTTP_GET, path, handler, 0, false                                                                    \
    }
#define DELETE(path, handler)                                                                                \
    {                                                                                                        \
        HTTP_DELETE, path, handler, 0, false                                                                 \
    }
#define ACT(path, handler)                                                                                   \
    {                                                                                                        \
        HTTP_POST, path, handler, 0, false                                                                   \
    }
#define WRITE(method, path, handler)                                                                         \
    {                                                                                                        \
        method, path, handler, LIMIT_BODY_BYTES, true                                                        \
    }
#define PLAN(path, handler)                                                                                  \
    {                                                                                                        \
        HTTP_POST, path, handler, LIMIT_PLAN_BODY_BYTES, true                                                \
    }

/* clang-format off */
const struct http_route api_routes[] = {
    PLAN("/v1/venues", post_venue),
    PLAN("/v1/venues/import", post_venue_import),
    READ("/v1/venues", get_venues),
    READ("/v1/venues/{venue_id}", get_venue),
    READ("/v1/venues/{venue_id}/sections/{section_id}/types/{type_id}", get_venue_section_type),

    WRITE(HTTP_POST, "/v1/events", post_event),
    READ("/v1/events", get_events),
    READ("/v1/events/{event_id}", get_event),
    WRITE(HTTP_PATCH, "/v1/events/{event_id}", patch_event),
    DELETE("/v1/events/{event_id}", delete_event),
    ACT("/v1/events/{event_id}/publish", post_publish),
    ACT("/v1/events/{event_id}/unpublish", post_unpublish),
    ACT("/v1/events/{event_id}/pause", post_pause),
    ACT("/v1/events/{event_id}/resume", post_resume),
    ACT("/v1/events/{event_id}/cancel", post_cancel_event),
    WRITE(HTTP_PUT, "/v1/events/{event_id}/prices", put_prices),

    READ("/v1/events/{event_id}/sections", get_sections),
    READ("/v1/events/{event_id}/seatmap", get_seatmap),
    READ("/v1/events/{event_id}/availability", get_availability),
    READ("/v1/events/{event_id}/changes", get_changes),
    READ("/v1/events/{event_id}/tickets", get_tickets),
    READ("/v1/events/{event_id}/tickets/{ticket_id}", get_ticket),
    WRITE(HTTP_POST, "/v1/events/{event_id}/block", post_block),
    WRITE(HTTP_POST, "/v1/events/{event_id}/unblock", post_unblock),

    WRITE(HTTP_POST, "/v1/sessions", post_session),
    WRITE(HTTP_POST, "/v1/events/{event_id}/holds", post_hold),
    READ("/v1/holds/{hold_id}", get_hold),
    DELETE("/v1/holds/{hold_id}", delete_hold),
    WRITE(HTTP_POST, "/v1/holds/{hold_id}/extend", post_extend),

    WRITE(HTTP_POST, "/v1/orders", post_order),
    READ("/v1/orders", get_orders),
    READ("/v1/orders/{order_id}", get_order),
    WRITE(HTTP_POST, "/v1/orders/{order_id}/confirm", post_confirm),
    ACT("/v1/orders/{order_id}/cancel", post_cancel_order),
    WRITE(HTTP_POST, "/v1/orders/{order_id}/refund", post_refund),

    READ("/v1/order_queue", get_order_queue),
    READ("/v1/cdc/order_queue", get_cdc),
    READ("/v1/events/{event_id}/checkouts", get_checkouts),

    READ("/internal/v1/outbox", get_outbox),
    READ("/internal/v1/events/{event_id}/image", get_event_image),

    READ("/healthz", get_healthz),
    READ("/readyz", get_readyz),
    READ("/metrics", get_metrics),
    READ("/openapi.json", get_openapi),
    READ("/problems/{slug}", get_problem),
    READ("/", get_index),
    {0},
};
/* clang-format on */
