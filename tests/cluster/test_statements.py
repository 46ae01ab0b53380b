"""The published model's five INSERTs and seven SELECTs, from another driver, on the tables that boxoffice runs on.

The INSERTs are about ids that boxoffice does not manage: it must not mind them. (A plain INSERT of a ticket or an event
that it manages is forbidden: docs/cluster.md.) What the SELECTs say of what boxoffice wrote is compared with the HTTP
interface.
"""

import datetime
import uuid
from decimal import Decimal

import pytest
from box import Box, new_slug, parse_time, until
from tables import Tables

INSERTS = {
    "tickets": "INSERT INTO {}tickets (event_id, ticket_id, price, section, status, type_id) VALUES (?, ?, ?, ?, ?, ?)",
    "order_queue": "INSERT INTO {}order_queue (event_id, ticket_id, started_at, session_id) VALUES (?, ?, ?, ?)",
    "venue_sections": "INSERT INTO {}venue_sections (venue_id, section_id, type_id, price, seats_count) VALUES (?, ?, ?, ?, ?)",
    "orders": "INSERT INTO {}orders (order_id, event_id, purchased_at, status, total_price, user_id) VALUES (?, ?, ?, ?, ?, ?)",
    "events": "INSERT INTO {}events (event_id, date, event_type, has_tickets, name, slug, venue_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
}
TICKETS = "SELECT event_id, status, ticket_id, price, section, type_id FROM {}tickets WHERE event_id = ?"
QUEUE_ROW = (
    "SELECT event_id, ticket_id, started_at, session_id FROM {}order_queue WHERE event_id = ? AND ticket_id = ? AND started_at = ?"
)
VENUE_SECTION = "SELECT * FROM {}venue_sections WHERE venue_id = ? AND section_id = ? AND type_id = ?"
ORDER = "SELECT * FROM {}orders WHERE order_id = ?"
EVENTS = "SELECT * FROM {}events"
AVAILABLE_TICKETS = "SELECT * FROM {}available_tickets WHERE event_id = ? AND status = 'available'"
AVAILABLE_EVENTS = "SELECT * FROM {}available_events WHERE has_tickets = true"
WHEN = datetime.datetime(2030, 11, 22, 19)


def as_time(text):
    """A time of the HTTP interface as the driver has it."""
    return parse_time(text).astimezone(datetime.UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def shop(shared_fleet):
    """Factories on a server, and run(statement, *values) on its keyspace."""
    return Shop(shared_fleet)


class Shop:
    def __init__(self, fleet):
        self.fleet = fleet
        self.tables = Tables(fleet.keyspace)
        self.prepared = {}

    @property
    def box(self):
        return Box(self.fleet[0])

    def run(self, statement, *values):
        if statement not in self.prepared:
            self.prepared[statement] = self.tables.cassandra.prepare(statement.format(f"{self.tables.keyspace}."))
        return list(self.tables.cassandra.execute(self.prepared[statement], values))


def seen(rows, *columns):
    return sorted(tuple(row[column] for column in columns) for row in rows)


# ---- writing what boxoffice does not manage ----


def test_inserts(shop):
    """Each is taken, read back by its SELECT, and is nothing to boxoffice: it shows what it showed, also after a restart."""
    event = shop.box.event()
    event_id, ticket, section, venue, order, user = (uuid.uuid4() for _ in range(6))
    shown = sorted(entry["event_id"] for entry in shop.box.key.pages("/v1/events", "events"))
    venues = sorted(entry["venue_id"] for entry in shop.box.key.pages("/v1/venues", "venues"))

    shop.run(INSERTS["venue_sections"], venue, section, "balcony", Decimal("12.50"), 80)
    assert shop.run(VENUE_SECTION, venue, section, "balcony") == [
        {"venue_id": venue, "section_id": section, "type_id": "balcony", "price": Decimal("12.50"), "seats_count": 80}
    ]
    shop.run(INSERTS["events"], event_id, WHEN, "concert", True, "Theirs", new_slug(), venue)
    [row] = [row for row in shop.run(EVENTS) if row["event_id"] == event_id]
    assert (row["date"], row["event_type"], row["has_tickets"], row["name"]) == (WHEN, "concert", True, "Theirs")
    until(lambda: event_id in {row["event_id"] for row in shop.run(AVAILABLE_EVENTS)}, "the view of events")

    shop.run(INSERTS["tickets"], event_id, ticket, Decimal("45.00"), section, "available", "balcony")
    assert seen(shop.run(TICKETS, event_id), "ticket_id", "status", "price", "section", "type_id") == [
        (ticket, "available", Decimal("45.00"), section, "balcony")
    ]
    until(lambda: [row["ticket_id"] for row in shop.run(AVAILABLE_TICKETS, event_id)] == [ticket], "the view of tickets")
    shop.run(INSERTS["order_queue"], event_id, ticket, WHEN, "their session")
    assert seen(shop.run(QUEUE_ROW, event_id, ticket, WHEN), "session_id") == [("their session",)]
    key = "SELECT TTL(session_id) AS ttl FROM {}order_queue WHERE event_id = ? AND ticket_id = ? AND started_at = ?"
    assert 0 < shop.run(key, event_id, ticket, WHEN)[0]["ttl"] <= 900
    shop.run(INSERTS["orders"], order, event_id, WHEN, "paid", Decimal("45.00"), user)
    assert seen(shop.run(ORDER, order), "event_id", "status", "total_price", "user_id", "purchased_at") == [
        (event_id, "paid", Decimal("45.00"), user, WHEN)
    ]

    for _ in range(2):
        key = shop.box.key
        assert sorted(entry["event_id"] for entry in key.pages("/v1/events", "events")) == shown
        assert sorted(entry["venue_id"] for entry in key.pages("/v1/venues", "venues")) == venues
        for path in (f"/v1/events/{event_id}", f"/v1/orders/{order}", f"/v1/venues/{venue}"):
            key.get(path, expect=404)
        assert key.get("/v1/order_queue", params={"event_id": event.id})["rows"] == []
        shop.box.paid(event, _)
        shop.fleet[0].restart()
    shop.tables.check(event.id)


# ---- reading what boxoffice wrote ----


def test_selects(shop):
    """All seven, of an event with tickets of every status."""
    box = shop.box
    venue = box.venue(rows=2, seats=6, price="45.00", standing=3)
    event = box.event(venue, event_type="concert")
    buyer = box.session()
    held = buyer.hold(event, 0, 1)
    pending = box.order(event, 2)
    paid = box.paid(event, 3, 4)
    event.post("block", {"ticket_ids": event.tickets(5)}, expect=200)
    event_id = uuid.UUID(event.id)
    shop.tables.check(event.id)

    # 1: tickets of an event
    tickets = box.key.pages(f"{event.path}/tickets", "tickets")
    assert len(tickets) == 15
    columns = ("ticket_id", "status", "price", "section", "type_id")
    said = sorted(
        (uuid.UUID(entry["ticket_id"]), entry["status"], Decimal(entry["price"]), uuid.UUID(entry["section"]), entry["type_id"])
        for entry in tickets
    )
    assert seen(shop.run(TICKETS, event_id), *columns) == said
    assert {entry[1] for entry in said} == {"available", "held", "sold", "blocked"}

    # 2: one row of order_queue
    queue = event.queue()
    assert [entry["ticket_id"] for entry in queue] == event.tickets(0, 1, 2)
    for entry in queue:
        found = shop.run(QUEUE_ROW, event_id, uuid.UUID(entry["ticket_id"]), as_time(entry["started_at"]))
        assert seen(found, "session_id") == [(entry["session_id"],)]
    assert {entry["hold_id"] for entry in queue} == {held["hold_id"], pending["hold_id"]}

    # 3: a venue's section
    venue_id, section = venue["venue_id"], event.section()
    for type_id in ("regular", "standing"):
        said = box.key.get(f"/v1/venues/{venue_id}/sections/{section}/types/{type_id}").json
        [row] = shop.run(VENUE_SECTION, uuid.UUID(venue_id), uuid.UUID(section), type_id)
        assert (row["price"], row["seats_count"]) == (Decimal(said["price"]), said["seats_count"])

    # 4: an order
    for order_id in (pending["order_id"], paid["order_id"]):
        said = box.key.get(f"/v1/orders/{order_id}").json
        [row] = shop.run(ORDER, uuid.UUID(order_id))
        assert (row["status"], row["total_price"], str(row["event_id"])) == (
            said["status"], Decimal(said["total_price"]), event.id,
        )  # fmt: skip
        assert row["purchased_at"] == (said["purchased_at"] and as_time(said["purchased_at"]))
        assert row["user_id"] == (said["user_id"] and uuid.UUID(said["user_id"]))

    # 5: all events
    stored = {str(row["event_id"]): row for row in shop.run(EVENTS)}
    said = event.get().json
    row = stored[event.id]
    assert (row["name"], row["slug"], row["event_type"], str(row["venue_id"]), row["has_tickets"]) == (
        said["name"], said["slug"], "concert", venue_id, True,
    )  # fmt: skip
    assert row["date"] == as_time(said["date"])
    assert set(stored) >= {entry["event_id"] for entry in box.key.pages("/v1/events", "events")}

    # 6: available tickets of an event
    available = [uuid.UUID(entry["ticket_id"]) for entry in box.key.pages(f"{event.path}/tickets", "tickets", {"status": "available"})]
    until(lambda: [row["ticket_id"] for row in shop.run(AVAILABLE_TICKETS, event_id)] == available, "the view of tickets")

    # 7: available events
    until(lambda: event.id in {str(row["event_id"]) for row in shop.run(AVAILABLE_EVENTS)}, "the view of events")


def test_sold_out_is_no_available_event(shop):
    """has_tickets turns with the last ticket, and back when one comes free."""
    box = shop.box
    event = box.event(box.venue(rows=1, seats=2))

    def offered():
        return event.id in {str(row["event_id"]) for row in shop.run(AVAILABLE_EVENTS)}

    until(offered, "the event in available_events")
    order = box.paid(event, 0, 1)
    assert event.get()["has_tickets"] is False
    until(lambda: not offered(), "the sold-out event out of available_events")
    box.key.post(f"/v1/orders/{order['order_id']}/refund", {}, expect=200)
    until(offered, "the event in available_events again")
    shop.tables.check(event.id)


def test_no_personal_data_outside_its_table(shop):
    """A buyer's name, e-mail and payment reference stand in personal and in kept answers only."""
    box = shop.box
    event = box.event()
    secrets = ["Ada Nobody-Else", "ada.nobody-else@example.org", "pay-nobody-else-1"]
    order = box.order(event, 0, buyer={"name": secrets[0], "email": secrets[1]})
    box.confirm(order, secrets[2])
    shop.tables.check(event.id)  # and by that: nothing of it is under way
    shop.tables.check_privacy(secrets)
    [row] = shop.tables.execute("SELECT * FROM {}personal WHERE order_id = %s", uuid.UUID(order["order_id"]))
    assert [row["name"], row["email"], row["payment_reference"]] == secrets
