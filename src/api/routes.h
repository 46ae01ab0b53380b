/* Every handler; routes.c has the table. */
#ifndef API_ROUTES_H
#define API_ROUTES_H

#include "api/api.h"
#include "api/request.h"

http_handler post_venue, post_venue_import, get_venues, get_venue, get_venue_section_type;
http_handler post_event, get_events, get_event, patch_event, delete_event, put_prices;
http_handler post_publish, post_unpublish, post_pause, post_resume, post_cancel_event;
http_handler get_sections, get_seatmap, get_availability, get_changes, get_tickets, get_ticket, post_block,
    post_unblock;
http_handler post_session, post_hold, get_hold, delete_hold, post_extend;
http_handler post_order, get_order, get_orders, post_confirm, post_cancel_order, post_refund;
http_handler get_order_queue, get_cdc, get_checkouts;
http_handler get_outbox, get_event_image;
http_handler get_healthz, get_readyz, get_metrics, get_openapi, get_problem, get_index;

#endif
