"""A sale to which much has happened, and all that a server says of it: the same wherever the event is kept."""

from box import Box

ADA = {"name": "Ada Lovelace", "email": "ada@example.org"}


def make_sale(server, slug="night"):
    """An event on sale with orders of each kind, live holds, a blocked seat. Its id, and those of two records."""
    box = Box(server)
    event = box.event(venue=box.venue(rows=3, seats=10, standing=5), slug=slug)
    buyer = box.session()
    order = box.paid(event, 0, 1, 2, by=buyer, buyer=ADA, reference="pay-77")
    pending = box.order(event, 5, 6, by=buyer)
    refunded = box.paid(event, 10)
    box.key.post(f"/v1/orders/{refunded['order_id']}/refund", {}, expect=200)
    held = buyer.hold(event, 20, 21)
    released = buyer.hold(event, 25)
    buyer.delete(f"/v1/holds/{released['hold_id']}", expect=204)
    event.post("block", {"ticket_ids": event.tickets(29)}, expect=200)
    sale = {"id": event.id, "order": order["order_id"], "hold": held["hold_id"], "pending": pending["order_id"]}
    return sale | {"said": what_is_said(server, sale)}


def what_is_said(server, sale):
    """All that a server says of the event, without what tells the time."""
    key, event_id = server.key, sale["id"]
    hold = key.get(f"/v1/holds/{sale['hold']}").json
    order = key.get(f"/v1/orders/{sale['order']}").json
    for reply in (hold, order):
        reply.pop("now")
    rows, _ = Box(server).cdc()
    event = key.get(f"/v1/events/{event_id}")
    return {
        "seq": event.seq,
        "event": event.json,
        "availability": key.get(f"/v1/events/{event_id}/availability").json,
        "seatmap": key.get(f"/v1/events/{event_id}/seatmap").json,
        "sections": key.get(f"/v1/events/{event_id}/sections").json,
        "tickets": key.pages(f"/v1/events/{event_id}/tickets", "tickets"),
        "checkouts": key.pages(f"/v1/events/{event_id}/checkouts", "checkouts"),
        "orders": [o["order_id"] for o in key.pages("/v1/orders", "orders", {"event_id": event_id})],
        "by_email": [o["order_id"] for o in key.pages("/v1/orders", "orders", {"email": ADA["email"]})],
        "queue": [{k: v for k, v in row.items() if k != "ttl"}
                  for row in key.pages("/v1/order_queue", "rows", {"event_id": event_id})],
        "cdc": [row for row in rows if row["event_id"] == event_id],
        "order": order,
        "hold": hold,
    }  # fmt: skip
