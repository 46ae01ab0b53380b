"""Orders: made of a hold, confirmed once, cancelled, refunded and sold again, found again."""

import pytest

from box import Box, new_id, parse_time

ADA = {"name": "Ada Example", "email": "Ada.Example@example.org"}


def test_order(box):
    """The 201: pending, with a code, the hold's tickets, sum and deadline; the hold names it."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 3, 4)
    user = new_id()
    made = buyer.order(hold, user_id=user, buyer=ADA)
    assert made.headers["location"] == f"/v1/orders/{made['order_id']}"
    assert made.headers["cache-control"] == "no-store"
    assert made.seq == hold.seq + 1
    for name in ("event_id", "hold_id", "session_id", "tickets", "total_price", "currency", "expires_at"):
        assert made[name] == hold[name], name
    assert (made["status"], made["user_id"], made["buyer"]) == ("pending", user, ADA)
    assert (made["purchased_at"], made["ended_at"], made["payment_reference"]) == (None, None, None)
    assert hold["started_at"] <= made["created_at"] <= made["now"] < made["expires_at"]
    assert buyer.get(made.headers["location"]).json | {"now": made["now"]} == made.json
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["order_id"] == made["order_id"]
    assert event.statuses()[3:5] == ["held", "held"]


def test_optional_members(box):
    """user_id and buyer may be left out, null, or partly given."""
    event = box.event(max_tickets_per_session=100)
    cases = [
        ({}, None), ({"buyer": None, "user_id": None}, None), ({"buyer": {"name": "A"}}, {"name": "A", "email": None}),
        ({"buyer": {"email": "a@b", "name": None}}, {"name": None, "email": "a@b"}),
        # Their UTF-8 has the bytes of a no-break space, c2 and a0.
        ({"buyer": {"email": "Р£à@example.org"}}, {"name": None, "email": "Р£à@example.org"}),
    ]  # fmt: skip
    for seat, (body, wanted) in enumerate(cases):
        made = box.order(event, seat, **body)
        assert (made["buyer"], made["user_id"]) == (wanted, None)
    made = box.order(event, 9, buyer={})
    assert made["buyer"] in (None, {"name": None, "email": None})


def test_order_exists(box):
    """A hold has at most one pending order: 409 with its id, for the owner and for a key."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0)
    order = buyer.order(hold)
    for client in (buyer, box.key):
        refused = client.post("/v1/orders", {"hold_id": hold["hold_id"]}, expect=409, problem="order-exists")
        assert refused["order_id"] == order["order_id"]
    assert event.get().seq == order.seq


def test_confirm(box):
    """Confirmed: paid, sold for good, the hold purchased, purchased_at set."""
    event = box.event()
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0, 1))
    paid = box.confirm(order, "pay_3f8a21")
    assert paid.seq == order.seq + 1
    assert (paid["status"], paid["payment_reference"], paid["total_price"]) == ("paid", "pay_3f8a21", "90.00")
    assert order["created_at"] <= paid["purchased_at"] <= paid["now"]
    assert paid["ended_at"] is None
    assert event.counts() == (18, 0, 2, 0)
    seen = buyer.get(f"/v1/orders/{order['order_id']}")
    assert (seen["status"], seen["tickets"]) == ("paid", order["tickets"])
    assert seen["payment_reference"] is None, "always null for buyers"
    hold = buyer.get(f"/v1/holds/{order['hold_id']}")
    assert (hold["status"], hold["ended_at"], hold["order_id"]) == ("purchased", paid["purchased_at"], order["order_id"])
    assert buyer.hold(event, 0, expect=409).problem == "seats-taken"


def test_confirm_again(box):
    """The same payment_reference again is 200 and changes nothing; another one is 409, and nothing changes either."""
    event = box.event()
    order = box.order(event, 0)
    paid = box.confirm(order, "one")
    again = box.confirm(order, "one")
    assert again.json | {"now": None} == paid.json | {"now": None}
    assert again.seq == paid.seq
    refused = box.confirm(order, "two", expect=409)
    assert (refused.problem, refused["current"]) == ("order-state", "paid")
    assert box.key.get(f"/v1/orders/{order['order_id']}")["payment_reference"] == "one"
    assert event.get().seq == paid.seq
    assert len([row for row in event.cdc() if row["outcome"] == "purchased"]) == 1


def test_same_reference_twice(box):
    """Two orders may carry one reference: a payment for both."""
    event = box.event()
    assert box.paid(event, 0, reference="joint")["status"] == "paid"
    assert box.paid(event, 1, reference="joint")["status"] == "paid"


def test_cancel(box):
    """Cancelled by its owner: the hold ends, the seats are free, the outcome is cancelled."""
    event = box.event()
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0, 1))
    path = f"/v1/orders/{order['order_id']}"
    cancelled = buyer.post(f"{path}/cancel", expect=200)
    assert (cancelled["status"], cancelled.seq) == ("cancelled", order.seq + 1)
    assert cancelled["ended_at"] is not None
    assert event.counts() == (20, 0, 0, 0)
    assert buyer.get(f"/v1/holds/{order['hold_id']}")["status"] == "released"
    assert event.checkouts()[0]["outcome"] == "cancelled"
    for action, client, body in (
        ("cancel", buyer, None), ("cancel", box.key, None), ("refund", box.key, None),
        ("confirm", box.key, {"payment_reference": "x"}),
    ):  # fmt: skip
        refused = client.post(f"{path}/{action}", body, expect=409, problem="order-state")
        assert refused["current"] == "cancelled"
    box.session().hold(event, 0, 1)


def test_cancel_of_a_paid_one(box):
    """A paid order is refunded instead."""
    event = box.event()
    buyer = box.session()
    paid = box.paid(event, 0, by=buyer)
    for client in (buyer, box.key):
        path = f"/v1/orders/{paid['order_id']}/cancel"
        assert client.post(path, expect=409, problem="order-state")["current"] == "paid"
    assert event.counts() == (19, 0, 1, 0)


def test_cancel_by_key(box):
    """An API key may cancel anybody's."""
    event = box.event()
    order = box.order(event, 0)
    assert box.key.post(f"/v1/orders/{order['order_id']}/cancel", expect=200)["status"] == "cancelled"


@pytest.mark.parametrize(("body", "status"), [
    (None, "available"), ({}, "available"), ({"release_seats": True}, "available"), ({"release_seats": None}, "available"),
    ({"release_seats": False}, "blocked"),
])  # fmt: skip
def test_refund(box, body, status):
    """Refunded: the seats are free, or blocked where the box office says so; a refund happens once."""
    event = box.event()
    buyer = box.session()
    paid = box.paid(event, 0, 1, by=buyer)
    rows = len(event.cdc())
    path = f"/v1/orders/{paid['order_id']}/refund"
    buyer.post(path, body, expect=403)
    refunded = box.key.post(path, body, expect=200)
    assert (refunded["status"], refunded.seq) == ("refunded", paid.seq + 1)
    assert refunded["purchased_at"] == paid["purchased_at"]
    assert refunded["ended_at"] >= paid["purchased_at"]
    assert event.statuses()[:3] == [status, status, "available"]
    assert box.key.post(path, body, expect=409, problem="order-state")["current"] == "refunded"
    assert box.confirm(paid, expect=409)["current"] == "refunded"
    assert len(event.cdc()) == rows, "no CDC row"
    assert buyer.get(f"/v1/orders/{paid['order_id']}")["status"] == "refunded"


def test_resale(box):
    """A refunded seat is sold again; the old order keeps its tickets and cannot be refunded into the new sale."""
    event = box.event()
    first = box.paid(event, 0)
    box.key.post(f"/v1/orders/{first['order_id']}/refund", expect=200)
    second = box.paid(event, 0)
    assert second["order_id"] != first["order_id"]
    box.key.post(f"/v1/orders/{first['order_id']}/refund", expect=409, problem="order-state")
    assert event.status(0) == "sold"
    found = box.key.pages("/v1/orders", "orders", {"ticket_id": event.ticket(0)})
    assert {(order["order_id"], order["status"]) for order in found} == {
        (first["order_id"], "refunded"), (second["order_id"], "paid"),
    }  # fmt: skip


def test_refund_of_a_pending_one(box):
    """Only a paid order is refunded."""
    order = box.order(box.event(), 0)
    refused = box.key.post(f"/v1/orders/{order['order_id']}/refund", expect=409, problem="order-state")
    assert refused["current"] == "pending"
    box.key.post(f"/v1/orders/{order['order_id']}/refund", {"release_seats": "no"}, expect=422)


def test_codes(box):
    """Codes are 8 unambiguous characters, different for each order, and found in a list."""
    event = box.event(max_tickets_per_session=100)
    orders = [box.order(event, seat) for seat in range(12)]
    codes = {order["code"] for order in orders}
    assert len(codes) == 12
    assert not set("".join(codes)) & set("IO01")


def test_list_filters(box):
    """By event, status, code, e-mail (in any case), ticket, alone and together; pages; unknown ones find nothing."""
    event, other = box.event(), box.event()
    mail = f"{new_id()}@Example.org"
    paid = box.paid(event, 0, 1, reference="r")
    pending = box.order(event, 2)
    buyer = box.session()
    mailed = buyer.order(buyer.hold(event, 3), buyer={"email": mail})
    elsewhere = buyer.order(buyer.hold(other, 0), buyer={"email": mail.upper()})
    ids = [order["order_id"] for order in (paid, pending, mailed, elsewhere)]

    def found(**params):
        listed = [order["order_id"] for order in box.key.pages("/v1/orders", "orders", params)]
        assert len(listed) == len(set(listed))
        return {ids.index(order_id) for order_id in listed}

    assert found(event_id=event.id) == found(event_id=event.id, limit=1) == {0, 1, 2}
    assert found(event_id=event.id, status="pending") == {1, 2}
    assert found(event_id=event.id, status="paid") == {0}
    assert found(event_id=event.id, status="refunded") == set()
    assert found(code=pending["code"]) == {1}
    assert found(code=pending["code"], event_id=other.id) == set()
    assert found(email=mail) == found(email=mail.lower()) == {2, 3}
    assert found(email=mail, event_id=other.id) == {3}
    assert found(ticket_id=event.ticket(1)) == {0}
    assert found(ticket_id=event.ticket(1), status="pending") == set()
    assert found(event_id=new_id()) == found(ticket_id=new_id()) == found(email="nobody@example.org") == set()
    assert found(code="ZZZZZZZZ") == set()
    assert found(event_id="00000000-0000-0000-0000-000000000000") == set()
    for name, value in (("status", "sold"), ("event_id", "x"), ("ticket_id", "x"), ("limit", "0"), ("cursor", "~")):
        assert box.key.get("/v1/orders", params={name: value}, expect=422).pointers == [f"/{name}"]


def test_buyer_data(box):
    """Name and e-mail are shown to the owner and to keys, and stand in no log, queue or metric."""
    event = box.event()
    buyer = box.session()
    secret = f"x{new_id().replace('-', '')}"
    order = buyer.order(buyer.hold(event, 0), buyer={"name": f"N {secret}", "email": f"{secret}@example.org"})
    for client in (buyer, box.key):
        assert client.get(f"/v1/orders/{order['order_id']}")["buyer"]["name"] == f"N {secret}"
    box.session().get(f"/v1/orders/{order['order_id']}", expect=404)
    box.public.get(f"/v1/orders/{order['order_id']}", expect=401)
    box.confirm(order, reference=f"ref-{secret}")
    for path in (f"{event.path}/checkouts", f"/v1/order_queue?event_id={event.id}", "/metrics", event.path):
        assert secret not in box.key.get(path).text
    assert secret not in str(event.cdc())
    assert secret not in box.server.stderr()


REFUSED = {
    "no hold": ({"hold_id": None}, "/hold_id"), "no UUID": ({"hold_id": "x"}, "/hold_id"),
    "user no UUID": ({"user_id": "x"}, "/user_id"), "buyer no object": ({"buyer": "Ada"}, "/buyer"),
    "name empty": ({"buyer": {"name": ""}}, "/buyer/name"), "name long": ({"buyer": {"name": "x" * 201}}, "/buyer/name"),
    "mail without @": ({"buyer": {"email": "ada"}}, "/buyer/email"),
    "mail with two @": ({"buyer": {"email": "a@b@c"}}, "/buyer/email"),
    "mail with a space": ({"buyer": {"email": "a b@c"}}, "/buyer/email"),
    "mail with a no-break space": ({"buyer": {"email": "a\u00a0b@c"}}, "/buyer/email"),
    "mail too long": ({"buyer": {"email": "a" * 250 + "@b.cd"}}, "/buyer/email"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(box, name):
    """What does not fit is 422 with its pointer, and there is no order."""
    change, pointer = REFUSED[name]
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0)
    reply = buyer.post("/v1/orders", {"hold_id": hold["hold_id"]} | change, expect=422, problem="invalid-request")
    assert reply.pointers == [pointer]
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["order_id"] is None


def test_confirm_refused(box):
    """payment_reference: 1 to 255 characters; nothing else is taken; unknown orders are 404."""
    order = box.order(box.event(), 0)
    path = f"/v1/orders/{order['order_id']}/confirm"
    for body in ({}, {"payment_reference": ""}, {"payment_reference": "x" * 256}, {"payment_reference": None},
                 {"payment_reference": 7}, {"payment_reference": "a\tb"}):  # fmt: skip
        assert box.key.post(path, body, expect=422).pointers == ["/payment_reference"]
    box.key.post(path, {"payment_reference": "x", "amount": "1"}, expect=400)
    box.key.post(path, expect=(400, 415, 422))
    for action in ("confirm", "cancel", "refund"):
        body = {"payment_reference": "x"} if action == "confirm" else None
        box.key.post(f"/v1/orders/{new_id()}/{action}", body, expect=404)
    box.session().order(new_id(), expect=404)
    assert box.confirm(order, "é" * 255)["payment_reference"] == "é" * 255


def test_demo_payments(new_server):
    """With --demo-payments a buyer's own session may confirm, and nobody else's; without it, 403."""
    box = Box(new_server(args=["--demo-payments"]))
    event = box.event()
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0))
    assert box.confirm(order, client=box.session(), expect=404).problem == "not-found"
    paid = box.confirm(order, client=buyer)
    assert paid["status"] == "paid"
    assert parse_time(paid["purchased_at"])
    buyer.post(f"/v1/orders/{order['order_id']}/refund", expect=403)
    assert event.counts() == (19, 0, 1, 0)
