"""Many buyers at once: what must hold whoever comes first. After each test every rule of rules.py is checked."""

import asyncio
import base64
import dataclasses
import time

import pytest

import rules
from box import Box
from buyers import Crowd, Wire
from harness import Server, scaled

pytestmark = pytest.mark.timeout(300)  # against hanging


@pytest.fixture(scope="module")
def racing(tmp_path_factory):
    """A server for this file's crowds."""
    server = Server(tmp_path_factory.mktemp("race") / "data").start()
    yield server
    if server.process is not None:
        server.stop()


@pytest.fixture
def box(racing):
    yield Box(racing)
    racing.check_alive()
    racing.check_stderr()


@pytest.fixture
def crowd(racing, request):
    return Crowd(racing, request.node.name)


def hall(box, rows, seats, **members):
    """An event of rows of regular seats and some standing places, with two price types."""
    venue = box.venue(rows=rows, seats=seats, standing=8)
    section = venue["sections"][0]["section_id"]
    prices = [{"section": section, "type_id": "regular", "price_type": "child", "price": "20.00"}]
    return box.event(venue, prices=prices, **members)


async def at_once(requests, port):
    """Sends each request on a connection of its own; all connections are open before the first is sent."""
    wires = await asyncio.gather(*(Wire(port).open() for _ in requests))
    try:
        return await asyncio.gather(*(wire.send(request) for wire, request in zip(wires, requests)))
    finally:
        for wire in wires:
            await wire.close()


def now_ms():
    return time.time_ns() // 1_000_000


# ---- one seat ----


def test_contested_seat(box, crowd):
    """500 buyers ask for one seat: one gets it, all others are told that it is taken."""
    event = crowd.event(hall(box, 1, 4))
    ticket = event.ticket(2)

    async def race():
        buyers = await asyncio.gather(*(crowd.buyer() for _ in range(scaled(500))))
        asked = [{"seat_indexes": [2]}, {"ticket_ids": [ticket]}]
        requests = [(buyer, buyer.hold_request(event, **asked[i % 2])) for i, buyer in enumerate(buyers)]
        return await asyncio.gather(*(buyer.send(request) for buyer, request in requests))

    (replies,) = crowd.run(race())
    won = [reply for reply in replies if reply.status == 201]
    lost = [reply for reply in replies if reply.status != 201]
    assert len(won) == 1
    assert {(reply.status, reply.problem) for reply in lost} <= {(409, "seats-taken")}
    assert all(reply.json["taken"] == [ticket] for reply in lost)
    snapshot = crowd.check(event)[event.id]
    assert [c["hold_id"] for c in snapshot.checkouts] == [won[0].json["hold_id"]]
    assert snapshot.event["counts"]["held"] == 1


def test_chains_of_seats(box, crowd):
    """Everybody wants two or three seats, each overlapping the next one's: nobody gets a part of what he asked for."""
    event = crowd.event(hall(box, 2, 30))
    wanted = [[i, (i + 1) % 60, (i + 2) % 60][: 2 + i % 2] for i in range(60)] * 2

    async def race():
        buyers = await asyncio.gather(*(crowd.buyer() for _ in wanted))
        requests = [buyer.hold_request(event, seat_indexes=seats) for buyer, seats in zip(buyers, wanted)]
        return await asyncio.gather(*(buyer.send(request) for buyer, request in zip(buyers, requests)))

    (replies,) = crowd.run(race())
    held = set()
    for seats, reply in zip(wanted, replies):
        if reply.status == 201:
            assert [line["seat_index"] for line in reply.json["tickets"]] == seats
            assert not held & set(seats)
            held |= set(seats)
    tickets = {event.ticket(seat): seat for seat in range(60)}
    for seats, reply in zip(wanted, replies):
        if reply.status != 201:
            assert reply.problem == "seats-taken"
            taken = {tickets[ticket] for ticket in reply.json["taken"]}
            assert taken and taken <= set(seats) & held
    snapshot = crowd.check(event)[event.id]
    assert {t["seat_index"] for t in snapshot.tickets if t["status"] == "held"} == held


# ---- the crowd ----


async def shop(buyer, event, hot, best=False, visits=6):
    """A buyer who comes a few times: picks seats from the first `hot` ones, and then does one of many things."""
    rng = buyer.rng
    bought = 0
    for _ in range(visits):
        count = rng.choice([1, 1, 2, 2, 3, 4])
        first = rng.randrange(hot - count + 1)
        seats = list(range(first, first + count))
        body = {"seat_indexes": seats}
        if best:
            body, seats = {"best_available": {"count": count}}, None
        elif rng.random() < 0.5:
            body = {"ticket_ids": event.tickets(*seats)}
        if not best and rng.random() < 0.3:
            body["price_types"] = [rng.choice(["standard", "child"]) for _ in seats]
        reply = await buyer.hold(event, **body)
        if reply.status == 409:
            assert reply.problem in {"seats-taken", "session-limit", "not-enough-seats"}, reply
            if reply.problem == "seats-taken":
                assert seats and reply.json["taken"] and set(reply.json["taken"]) <= set(event.tickets(*seats))
            if reply.problem == "not-enough-seats":
                assert best
            if reply.problem == "session-limit":
                assert (reply.json["limit"], reply.json["held"]) == (event.made["max_tickets_per_session"], bought)
                assert bought + count > reply.json["limit"]
            continue
        assert reply.status == 201, reply
        hold = reply.json
        lines = hold["tickets"]
        assert len(lines) == count and (best or [line["seat_index"] for line in lines] == seats)
        assert [line["price_type"] for line in lines] == body.get("price_types", ["standard"] * count)
        bought += await checkout(buyer, hold)


async def checkout(buyer, hold):
    """Ends a hold in one of many ways, or leaves it. Returns how many tickets the session then has of it."""
    rng, count = buyer.rng, len(hold["tickets"])
    way = rng.choice(["leave", "release", "cancel", "buy", "buy", "buy", "buy", "refund", "refund-block", "drop-order"])
    if rng.random() < 0.3:
        reply = await buyer.extend(hold)
        assert reply.status == 200 and reply.json["expires_at"] >= hold["expires_at"]
    if way == "leave":
        return count
    if way == "release":
        assert (await buyer.release(hold)).status == 204
        reply = await buyer.get(f"/v1/holds/{hold['hold_id']}")
        assert reply.json["status"] == "released" and reply.json["ended_at"]
        reply = await buyer.release(hold)
        assert (reply.status, reply.problem, reply.json["current"]) == (409, "hold-state", "released")
        return 0
    reply = await buyer.order(hold)
    assert reply.status == 201, reply
    order = reply.json
    assert order["total_price"] == hold["total_price"] and order["tickets"] == hold["tickets"]
    reply = await buyer.order(hold)
    assert (reply.status, reply.problem, reply.json["order_id"]) == (409, "order-exists", order["order_id"])
    if way == "drop-order":
        assert (await buyer.release(hold)).status == 204
        assert (await buyer.get(f"/v1/orders/{order['order_id']}")).json["status"] == "cancelled"
        return 0
    if way == "cancel":
        reply = await buyer.cancel(order)
        assert reply.status == 200 and reply.json["status"] == "cancelled"
        return 0
    reply = await buyer.confirm(order)
    assert reply.status == 200 and reply.json["status"] == "paid", reply
    assert (await buyer.get(f"/v1/holds/{hold['hold_id']}")).json["status"] == "purchased"
    if way == "buy":
        return count
    reply = await buyer.refund(order, release_seats=way == "refund")
    assert reply.status == 200 and reply.json["status"] == "refunded"
    reply = await buyer.confirm(order)
    assert (reply.status, reply.problem, reply.json["current"]) == (409, "order-state", "refunded")
    return 0


async def watch(crowd, event, truth, done):
    """A reader who follows the event by its changes and looks at the whole too: there are never two truths of one seq."""
    wire = await Wire(crowd.server.port).open()
    path, total = f"/v1/events/{event.id}/availability", event.total
    seats, seq = None, 0
    finished = False
    while not finished:
        finished = done.is_set()
        since = f"?since={seq}" if seats is not None else ""
        reply = await crowd.send(wire, crowd.request("get", "GET", path + since, None))
        shown = reply.json
        assert shown["seq"] >= seq and shown["seq"] == reply.seq
        seq = shown["seq"]
        if "changes" in shown:
            for seat, status in shown["changes"]:
                seats[seat] = status
        else:
            seats = rules.unpack(base64.b64decode(shown["statuses"]), total)
        for number, name in enumerate(rules.NAMES):
            assert shown[name] == seats.count(number), (seq, name)
        whole = (await crowd.send(wire, crowd.request("get", "GET", path, None))).json
        unpacked = bytes(rules.unpack(base64.b64decode(whole["statuses"]), total))
        assert truth.setdefault(seq, bytes(seats)) == bytes(seats), seq
        assert truth.setdefault(whole["seq"], unpacked) == unpacked, whole["seq"]
    await wire.close()
    return seq, bytes(seats)


def test_crowd(box, crowd):
    """300 buyers on two small events, one of them by best available only; readers follow both all the time."""
    picked, best = crowd.event(hall(box, 6, 20)), crowd.event(hall(box, 8, 20))

    async def race():
        done = asyncio.Event()
        followed = [(event, {}) for event in (picked, best)] * 2
        watchers = [asyncio.create_task(watch(crowd, event, truth, done)) for event, truth in followed]
        try:
            buyers = await asyncio.gather(*(crowd.buyer() for _ in range(scaled(300))))
            await asyncio.gather(*(
                shop(buyer, best, best.total, best=True) if i % 3 == 0 else shop(buyer, picked, 100)
                for i, buyer in enumerate(buyers)))
        finally:
            done.set()
        return await asyncio.gather(*watchers)

    (seen,) = crowd.run(race())
    snapshots = crowd.check(picked, best)
    for (seq, seats), event in zip(seen, (picked, best) * 2):
        snapshot = snapshots[event.id]
        assert seq == snapshot.seq
        assert seats == bytes(rules.unpack(snapshot.raw, event.total))
    assert all(snapshots[e.id].event["counts"]["sold"] > 0 for e in (picked, best))


def test_best_available_sells_out(box, crowd):
    """A crowd that asks for the best two until there are none gets every seat once, and two that are side by side as
    long as there are any."""
    event = crowd.event(box.event(box.venue(rows=5, seats=20), max_tickets_per_session=100))

    async def take(buyer):
        pairs = []
        while True:
            reply = await buyer.hold(event, best_available={"count": 2})
            if reply.status == 409:
                assert reply.problem == "not-enough-seats"
                return pairs
            assert reply.status == 201
            pairs.append((reply.seq, sorted(line["seat_index"] for line in reply.json["tickets"])))

    async def race():
        buyers = await asyncio.gather(*(crowd.buyer() for _ in range(30)))
        return await asyncio.gather(*(take(buyer) for buyer in buyers))

    (taken,) = crowd.run(race())
    free = set(range(100))
    for seq, (a, b) in sorted(pair for of_buyer in taken for pair in of_buyer):
        assert {a, b} <= free, seq
        neighbours = [seat for seat in free if seat + 1 in free and (seat + 1) % 20]
        assert a in neighbours and b == a + 1 or not neighbours, f"change {seq}: {a} and {b}, with {sorted(free)} free"
        free -= {a, b}
    assert not free
    assert crowd.check(event)[event.id].event["counts"]["held"] == 100


# ---- one hold, one order ----


def test_double_submits(box, crowd):
    """Each request is sent four times at once with one Idempotency-Key: one effect, one answer, said four times."""
    event = crowd.event(hall(box, 4, 25, max_tickets_per_session=4))
    port = crowd.server.port

    async def four_times(buyer, request):
        replies = await at_once([request] * 4, port)
        request.replies += replies
        assert [reply.replayed for reply in replies].count(False) == 1, request
        assert len({(reply.status, reply.body, reply.seq) for reply in replies}) == 1, request
        assert replies[0].status in (200, 201), request
        # The same JSON in other bytes is another body.
        other = dataclasses.replace(request, body=request.body + b" ", replies=[])
        reply = await buyer.send(other)
        assert (reply.status, reply.problem) == (422, "idempotency-key-reused"), other
        return replies[0].json

    async def purchase(number):
        buyer = await crowd.buyer()
        seats = [3 * number, 3 * number + 1]
        hold = await four_times(buyer, buyer.hold_request(event, seat_indexes=seats))
        order = await four_times(buyer, buyer.order_request(hold))
        paid = await four_times(buyer, buyer.confirm_request(order))
        assert paid["status"] == "paid"
        if number % 2:
            assert (await four_times(buyer, buyer.refund_request(paid)))["status"] == "refunded"
        return hold["hold_id"], order["order_id"]

    purchases = crowd.run(*(purchase(number) for number in range(30)))
    snapshot = crowd.check(event)[event.id]
    assert {(c["hold_id"], c["order_id"]) for c in snapshot.checkouts} == set(purchases)
    assert snapshot.event["counts"]["sold"] == 30


def test_two_confirmations_of_one_order(box, crowd):
    """Two payments of one order arrive at once: one is taken, the other refused, so that its money goes back."""
    event = crowd.event(hall(box, 2, 25))

    async def pay(number):
        buyer = await crowd.buyer()
        hold = (await buyer.hold(event, seat_indexes=[number])).json
        order = (await buyer.order(hold)).json
        requests = [buyer.confirm_request(order) for _ in range(3)]
        replies = await at_once(requests, crowd.server.port)
        for request, reply in zip(requests, replies):
            request.replies.append(reply)
        assert sorted(reply.status for reply in replies) == [200, 409, 409]
        winner = next(reply for reply in replies if reply.status == 200)
        won = requests[replies.index(winner)]
        assert {(r.problem, r.json["current"]) for r in replies if r.status == 409} == {("order-state", "paid")}
        # The winner's payment again, as providers do: 200, and nothing happens.
        reference = winner.json["payment_reference"]
        assert reference.encode() in won.body
        again = await buyer.send(buyer.confirm_request(order, reference, again=True))
        assert again.status == 200 and not again.replayed and again.json["payment_reference"] == reference
        return order["order_id"], reference

    paid = crowd.run(*(pay(number) for number in range(50)))
    snapshot = crowd.check(event)[event.id]
    assert {(o["order_id"], o["payment_reference"]) for o in snapshot.orders} == set(paid)
    assert snapshot.event["counts"]["sold"] == 50


def test_one_end_of_a_checkout(box, crowd):
    """Confirm, cancel and release of one checkout at once: exactly one ends it; the others are told what it is now."""
    event = crowd.event(hall(box, 3, 25))

    async def end(number):
        buyer = await crowd.buyer()
        hold = (await buyer.hold(event, seat_indexes=[number])).json
        order = (await buyer.order(hold)).json
        requests = [buyer.confirm_request(order), buyer.cancel_request(order), buyer.release_request(hold)]
        buyer.rng.shuffle(requests)
        replies = await at_once(requests, crowd.server.port)
        for request, reply in zip(requests, replies):
            request.replies.append(reply)
        outcome = {request.what: reply for request, reply in zip(requests, replies)}
        won = [what for what, reply in outcome.items() if reply.status < 300]
        assert len(won) == 1, requests
        order_is = {"confirm": "paid", "cancel": "cancelled", "release": "cancelled"}[won[0]]
        hold_is = {"confirm": "purchased", "cancel": "released", "release": "released"}[won[0]]
        for what, reply in outcome.items():
            if what != won[0]:
                current = ("hold-state", hold_is) if what == "release" else ("order-state", order_is)
                assert (reply.status, reply.problem, reply.json["current"]) == (409, *current), requests
        return order["order_id"], order_is

    ended = crowd.run(*(end(number) for number in range(75)))
    snapshot = crowd.check(event)[event.id]
    assert {(o["order_id"], o["status"]) for o in snapshot.orders} == set(ended)


def test_expiry_races_confirmation(box, crowd):
    """Payments arrive around the deadline: in time they are taken, at the deadline or later never."""
    events = [crowd.event(hall(box, 2, 25, hold_seconds=seconds)) for seconds in (1, 2)]
    ends = {"paid": 0, "expired": 0}

    async def pay(event, number):
        buyer = await crowd.buyer()
        hold = (await buyer.hold(event, seat_indexes=[number])).json
        deadline = rules.ms(hold["expires_at"])
        assert deadline - rules.ms(hold["started_at"]) == event.made["hold_seconds"] * 1000
        reply = await buyer.order(hold)
        if reply.status == 409:  # a very slow machine
            assert reply.problem == "hold-expired" and now_ms() >= deadline
            return None
        order = reply.json
        request = buyer.confirm_request(order)
        # From 60 ms before the deadline to 40 ms after it.
        await asyncio.sleep((deadline - 60 + 2 * number - now_ms()) / 1000)
        sent = now_ms()
        reply = await buyer.send(request)
        answered = now_ms()
        if sent >= deadline:
            assert reply.status == 409, f"paid {sent - deadline} ms after the deadline: {request!r}"
        if answered < deadline:
            assert reply.status == 200, f"refused {deadline - answered} ms before the deadline: {request!r}"
        if reply.status == 200:
            assert rules.ms(reply.json["purchased_at"]) < deadline
            ends["paid"] += 1
        else:
            assert (reply.status, reply.problem) == (409, "hold-expired"), request
            ends["expired"] += 1
        return order["order_id"], "paid" if reply.status == 200 else "expired"

    ended = crowd.run(*(pay(event, number) for event in events for number in range(50)))
    snapshots = crowd.check(*events)
    assert {(o["order_id"], o["status"]) for s in snapshots.values() for o in s.orders} == set(ended) - {None}
    assert sum(s.event["counts"]["sold"] for s in snapshots.values()) == ends["paid"]
    assert ends["expired"] > 0


def test_expired_seats_are_fought_for(box, crowd):
    """Who wants a seat whose hold is about to end asks again and again: it is never given before the deadline, and then
    with a later start."""
    event = crowd.event(hall(box, 1, 12, hold_seconds=1))

    async def want(buyer, seat, first):
        while True:
            sent = now_ms()
            reply = await buyer.hold(event, seat_indexes=[seat])
            if reply.status == 201:
                assert now_ms() >= rules.ms(first["expires_at"])
                assert reply.json["started_at"] > first["started_at"]
                assert rules.ms(reply.json["started_at"]) >= rules.ms(first["expires_at"])
                return reply.json["hold_id"]
            assert reply.problem == "seats-taken"
            if sent > rules.ms(first["expires_at"]) and (await successor(buyer, seat, first)):
                return None

    async def successor(buyer, seat, first):
        """True when another one has got the seat since: its order_queue row has a later start."""
        path = f"/v1/order_queue?event_id={event.id}&ticket_id={event.ticket(seat)}"
        request = crowd.request("get", "GET", path, crowd.server.api_key)
        rows = (await buyer.send(request)).json["rows"]
        return any(row["started_at"] > first["started_at"] for row in rows)

    async def fight(seat):
        owner = await crowd.buyer()
        rivals = [await crowd.buyer() for _ in range(4)]
        first = (await owner.hold(event, seat_indexes=[seat])).json
        # Waits for the deadline to come near; the rivals then ask without a pause.
        await asyncio.sleep((rules.ms(first["expires_at"]) - 30 - now_ms()) / 1000)
        got = await asyncio.gather(*(want(rival, seat, first) for rival in rivals))
        assert any(got), seat
        return [first["hold_id"], *filter(None, got)]

    holds = crowd.run(*(fight(seat) for seat in range(6)))
    snapshot = crowd.check(event)[event.id]
    assert {c["hold_id"] for c in snapshot.checkouts} == {hold_id for of_seat in holds for hold_id in of_seat}
    assert [c["status"] for c in snapshot.checkouts].count("expired") >= 6


# ---- the organiser among the crowd ----


def test_prices_change_in_the_rush(box, crowd):
    """A hold has the prices of the change before it: the old ones up to the organiser's change, the new ones after it."""
    event = crowd.event(hall(box, 4, 25, max_tickets_per_session=100))
    prices = [f"{amount}.50" for amount in range(50, 70)]
    changed = {}  # seq: price from then on

    async def organise():
        wire = await Wire(crowd.server.port).open()
        for price in prices:
            body = {"prices": [{"section": event.section(), "type_id": "regular", "price": price}]}
            path = f"/v1/events/{event.id}/prices"
            request = crowd.request("prices", "PUT", path, crowd.server.api_key, event.id, body)
            reply = await crowd.send(wire, request)
            assert reply.status == 200, request
            changed[reply.seq] = price
        await wire.close()

    async def buy(number):
        buyer = await crowd.buyer()
        holds = []
        for seat in range(5 * number, 5 * number + 5):
            reply = await buyer.hold(event, seat_indexes=[seat])
            assert reply.status == 201
            holds.append((reply.seq, reply.json["tickets"][0]["price"]))
            order = (await buyer.order(reply.json)).json
            assert (await buyer.confirm(order)).json["total_price"] == reply.json["total_price"]
        return holds

    results = crowd.run(organise(), *(buy(number) for number in range(20)))
    for seq, price in (hold for holds in results[1:] for hold in holds):
        before = [at for at in changed if at < seq]
        assert price == (changed[max(before)] if before else "45.00"), seq
    assert crowd.check(event)[event.id].event["counts"]["sold"] == 100


def test_blocks_among_buyers(box, crowd):
    """The box office blocks and unblocks seats that buyers want at the same time: each seat has one of them."""
    event = crowd.event(hall(box, 2, 20))
    blocked = set()

    async def office(number):
        rng = (buyer := await crowd.buyer()).rng
        for _ in range(8):
            seats = rng.sample(range(10), 3)
            body = {"ticket_ids": event.tickets(*seats)}
            reply = await buyer.send(buyer.post("block", f"/v1/events/{event.id}/block", event.id, body, by_key=True))
            if reply.status == 409:
                assert set(reply.json["taken"]) <= set(body["ticket_ids"]) and reply.json["taken"]
                continue
            assert reply.status == 200
            # What this office blocked only this office unblocks.
            if rng.random() < 0.5:
                path = f"/v1/events/{event.id}/unblock"
                reply = await buyer.send(buyer.post("unblock", path, event.id, body, by_key=True))
                assert reply.status == 200, reply
            else:
                blocked.update(seats)

    async def visitor():
        await shop(await crowd.buyer(), event, 10)

    crowd.run(*(office(number) for number in range(6)), *(visitor() for _ in range(40)))
    snapshot = crowd.check(event)[event.id]
    refunds = [r for r in crowd.journal if r.what == "refund" and b"false" in r.body]
    kept = {line["seat_index"] for r in refunds for line in r.reply.json["tickets"]}
    assert {t["seat_index"] for t in snapshot.tickets if t["status"] == "blocked"} == blocked | kept


def test_cancelled_in_the_rush(box, crowd):
    """The event is cancelled while people hold and pay: every hold ends, what was paid stays sold, none begins."""
    event = crowd.event(hall(box, 6, 20))

    async def rush(number):
        buyer = await crowd.buyer()
        reply = await buyer.hold(event, seat_indexes=[number])
        if reply.status == 409:
            assert reply.problem == "not-on-sale"
            return None
        hold = reply.json
        reply = await buyer.order(hold)
        if reply.status == 409:
            assert (reply.problem, reply.json["current"]) == ("hold-state", "released")
            return None
        order = reply.json
        reply = await buyer.confirm(order)
        if reply.status == 409:
            assert (reply.problem, reply.json["current"]) == ("order-state", "cancelled")
            return None
        assert reply.status == 200
        return order["order_id"]

    async def organise():
        buyer = await crowd.buyer()
        # When the first seats are sold.
        while (await buyer.get(f"/v1/events/{event.id}")).json["counts"]["sold"] < 5:
            pass
        reply = await buyer.send(buyer.post("event", f"/v1/events/{event.id}/cancel", event.id, by_key=True))
        assert reply.status == 200 and reply.json["event_status"] == "cancelled"
        reply = await buyer.hold(event, seat_indexes=[121])
        assert (reply.status, reply.problem) == (409, "not-on-sale")

    *bought, _ = crowd.run(*(rush(number) for number in range(120)), organise())
    # The change of the event itself comes before those of its holds, and the reply tells the last of them.
    snapshot = crowd.check(event, gaps=False)[event.id]
    known = crowd.known(event.id, snapshot)
    assert len(set(range(1, snapshot.seq + 1)) - known) <= 1
    assert {o["order_id"] for o in snapshot.orders if o["status"] == "paid"} == {o for o in bought if o}
    assert snapshot.event["counts"]["held"] == 0
    assert {c["outcome"] for c in snapshot.checkouts} <= {"purchased", "cancelled"}
