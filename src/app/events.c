#include "app/usecases.h"
#include "base/must.h"

void app_event_command(struct app_call *call, enum command_kind kind)
{
    app_command(call, kind);
    app_on_writer(call, app_written);
}

void app_event_edit(struct app_call *call, const struct event_edit *edit)
{
    app_command(call, COMMAND_EVENT_EDIT)->edit = edit;
    app_on_writer(call, app_written);
}

void app_event_price(struct app_call *call, const struct price_entry *prices, size_t count)
{
    struct command *c = app_command(call, COMMAND_EVENT_PRICE);
    c->prices = prices;
    c->price_count = count;
    app_on_writer(call, app_written);
}

void app_seats_block(struct app_call *call, enum command_kind kind, const uint32_t *seats, uint32_t count)
{
    must(kind == COMMAND_BLOCK || kind == COMMAND_UNBLOCK);
    struct command *c = app_command(call, kind);
    c->seats = seats;
    c->seat_count = count;
    app_on_writer(call, app_written);
}
