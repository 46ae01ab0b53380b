"""What the tests need in a server: venues, events, purchases. Each call makes something of its own."""

import base64
import json
import time
import uuid
from datetime import datetime, timedelta, timezone

from harness import REPO

STATUSES = ("available", "held", "sold", "blocked")


def new_slug():
    return f"e-{uuid.uuid4().hex[:16]}"


def new_id():
    return str(uuid.uuid4())


def parse_time(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def time_text(when):
    return when.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_now(seconds):
    """A time of this machine's clock, which is the server's too."""
    return time_text(datetime.now(timezone.utc) + timedelta(seconds=seconds))


def until(condition, what="the condition", pause=0.01, guard=60.0):
    """Ask until it is true, and return what was true. The guard is for a server that hangs."""
    end = time.monotonic() + guard
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not come true within {guard} s"
        time.sleep(pause)


def unpack(packed, total):
    """Two bits a seat -> a list of 0..3."""
    return [packed[i // 4] >> 2 * (i % 4) & 3 for i in range(total)]


def rows_of(rows, seats):
    return [{"row": str(i + 1), "seats": seats} for i in range(rows)]


def riethsporthalle():
    """The seating plan of a real hall: 1,252 seats, 7 zones, 6 categories."""
    return json.loads((REPO / "tests" / "data" / "riethsporthalle.pretix.json").read_text(encoding="utf-8"))


class Event:
    """An event of a test."""

    def __init__(self, box, made, venue):
        self.box = box
        self.made = made
        self.venue = venue
        self.id = made["event_id"]
        self.path = f"/v1/events/{self.id}"
        self.total = made["tickets_created"]
        self._prefix = None

    def section(self, index=0):
        return self.venue["sections"][index]["section_id"]

    def ticket(self, seat):
        """The ticket_id of a seat, made as the seat map says."""
        if self._prefix is None:
            self._prefix = self.box.key.get(f"{self.path}/seatmap")["ticket_id"]["prefix"]
        return str(uuid.UUID(f"{self._prefix}{seat:08x}"))

    def tickets(self, *seats):
        return [self.ticket(seat) for seat in seats]

    def get(self, **kwargs):
        return self.box.key.get(self.path, **kwargs)

    def post(self, action, body=None, **kwargs):
        return self.box.key.post(f"{self.path}/{action}", body, **kwargs)

    def availability(self, client=None, **kwargs):
        return (client or self.box.key).get(f"{self.path}/availability", **kwargs)

    def statuses(self):
        """The status of every seat, by name; the counts must agree."""
        reply = self.availability()
        packed = base64.b64decode(reply["statuses"], validate=True)
        assert len(packed) == (self.total + 3) // 4
        values = [STATUSES[value] for value in unpack(packed, self.total)]
        for status in STATUSES:
            assert reply[status] == values.count(status)
        return values

    def status(self, seat):
        return self.statuses()[seat]

    def counts(self):
        """(available, held, sold, blocked); they sum up."""
        counts = self.get()["counts"]
        values = tuple(counts[status] for status in STATUSES)
        assert sum(values) == counts["total"] == self.total
        return values

    def cdc(self):
        """The event's rows of the change log, from the start."""
        return [row for row in self.box.log() if row["event_id"] == self.id]

    def queue(self, **params):
        return self.box.key.pages("/v1/order_queue", "rows", {"event_id": self.id, **params})

    def checkouts(self, **params):
        return self.box.key.pages(f"{self.path}/checkouts", "checkouts", params)


class Box:
    """Factories on one server."""

    def __init__(self, server):
        self.server = server

    @property
    def key(self):
        return self.server.key

    @property
    def public(self):
        return self.server.public

    def session(self):
        return self.server.session()

    def venue(self, rows=2, seats=10, price="45.00", standing=0, sections=None, name="Hall", timezone="Europe/Berlin"):
        """A venue; one section "Block A" with regular rows (and standing places) unless @sections says otherwise."""
        if sections is None:
            types = [{"type_id": "regular", "price": price, "rows": rows_of(rows, seats)}]
            if standing:
                types.append({"type_id": "standing", "price": "25.00", "seats_count": standing})
            sections = [{"name": "Block A", "types": types}]
        body = {"name": name, "timezone": timezone, "sections": sections}
        return self.key.post("/v1/venues", body, expect=201).json

    def event_body(self, venue, **members):
        body = {
            "venue_id": venue["venue_id"],
            "name": "Northern Lights",
            "slug": new_slug(),
            "date": "2030-11-22T20:00:00+01:00",
            "currency": "EUR",
        }
        body.update(members)
        return body

    def event(self, venue=None, published=True, **members):
        """An event in @venue (a new one of 2 rows of 10 seats if not given)."""
        venue = venue or self.venue()
        body = self.event_body(venue, published=published, **members)
        return Event(self, self.key.post("/v1/events", body, expect=201).json, venue)

    def confirm(self, order, reference="pay-1", expect=200, client=None, headers=None):
        order_id = order if isinstance(order, str) else order["order_id"]
        body = {"payment_reference": reference}
        return (client or self.key).post(f"/v1/orders/{order_id}/confirm", body, expect=expect, headers=headers)

    def order(self, event, *seats, by=None, **body):
        """A pending order of these seats."""
        buyer = by or self.session()
        return buyer.order(buyer.hold(event, *seats), **body)

    def paid(self, event, *seats, by=None, reference="pay-1", **body):
        """These seats, sold."""
        return self.confirm(self.order(event, *seats, by=by, **body), reference)

    def log(self):
        """The whole change log; only what is new is read, from where the last call ended."""
        with self.server.log_lock:
            rows, self.server.log_cursor = self.cdc(after=self.server.log_cursor)
            self.server.log_rows += rows
            return list(self.server.log_rows)

    def cdc(self, after=None, limit=1000):
        """Rows of the change log after a cursor (None: all), and the cursor to go on from."""
        rows = []
        while True:
            params = {"limit": limit} | ({"after": after} if after else {})
            page = self.key.get("/v1/cdc/order_queue", params=params)
            rows += page["rows"]
            after = page["next_cursor"]
            if not page["more"]:
                return rows, after
