"""The moment when everyone presses the button: the contested seat, the first millisecond, the crowd beside the others."""

import asyncio
import itertools
import json
import time

import pytest

from box import Box, from_now, parse_time
from buyers import Request, Wire
from harness import Server, scaled

pytestmark = pytest.mark.timeout(300)  # against hanging


@pytest.fixture
def box(tmp_path):
    """A server that nobody else uses: its counters are read."""
    server = Server(tmp_path / "data").start()
    yield Box(server)
    server.check_alive()
    server.check_stderr()
    server.stop()


def hold(event, token, seats):
    """A request for these seats, without an Idempotency-Key, as a bot sends it."""
    body = json.dumps({"seat_indexes": seats}).encode()
    return Request("hold", "POST", f"/v1/events/{event.id}/holds", token, event.id, body)


async def on_wires(port, count, work):
    """work(number, wire) on each of so many connections at once."""
    wires = await asyncio.gather(*(Wire(port).open() for _ in range(count)))
    try:
        return await asyncio.gather(*(work(i, wire) for i, wire in enumerate(wires)))
    finally:
        for wire in wires:
            await wire.close()


def test_ten_thousand_for_one_seat(box):
    """One gets it, all others are refused; the refusals write nothing; the other seats and events go on meanwhile."""
    hot, other = box.event(box.venue(rows=20, seats=100), max_tickets_per_session=10000), box.event(box.venue(rows=20, seats=100))
    tokens = [box.session().token for _ in range(20)]
    crowd, attempts, beside = 100, scaled(10000), itertools.count(1)
    running = crowd

    async def press(number, wire):
        nonlocal running
        replies = [await wire.send(hold(hot, tokens[number % 20], [0])) for _ in range(attempts // crowd)]
        running -= 1
        return replies

    async def shop(number, wire):
        """Somebody who wants another seat of the event, or another event, while the crowd presses."""
        event, won = (hot, other)[number], 0
        while running:
            reply = await wire.send(hold(event, tokens[next(beside) % 20], [1 + won]))
            assert reply.status == 201, reply
            await wire.send(Request("release", "DELETE", f"/v1/holds/{reply.json['hold_id']}", box.server.api_key, event.id))
            won += 1
            if won == 1999:
                break
        return won

    async def race():
        port = box.server.port
        return await asyncio.gather(on_wires(port, crowd, press), on_wires(port, 2, shop))

    groups = box.server.metric("commit_groups_total")
    pressed, won = asyncio.run(race())
    replies = [reply for replies in pressed for reply in replies]
    assert len(replies) == attempts // crowd * crowd
    winners = [reply for reply in replies if reply.status == 201]
    assert len(winners) == 1
    lost = [reply for reply in replies if reply.status != 201]
    assert {(reply.status, reply.problem) for reply in lost} == {(409, "seats-taken")}
    assert all(reply.json["taken"] == [hot.ticket(0)] for reply in lost)
    assert all(count > 0 for count in won)
    # Each shopper's hold and release, and the winner's hold, are the only changes that anything was written for.
    assert box.server.metric("commit_groups_total") - groups <= 2 * sum(won) + 1
    assert hot.status(0) == "held" and hot.counts()[1] == 1 and other.counts()[1] == 0


def test_the_first_millisecond(box):
    """A crowd asks without a pause while the sale begins: who asks before is refused, who asks from then on gets a seat."""
    opens = from_now(1.5)
    opens_ns = round(parse_time(opens).timestamp() * 1000) * 1_000_000
    event = box.event(box.venue(rows=50, seats=100), on_sale_at=opens, max_tickets_per_session=10000)
    token = box.session().token
    seats = iter(range(event.total))
    early, won = [], []

    async def press(_number, wire):
        for _ in range(20):
            while True:
                seat, sent = next(seats) if not free else free.pop(), time.time_ns()
                reply = await wire.send(hold(event, token, [seat]))
                if reply.status == 201:
                    won.append(reply)
                    break
                early.append((sent, reply))
                free.append(seat)  # nobody has it
                assert reply.problem == "not-on-sale"

    free = []
    asyncio.run(on_wires(box.server.port, 20, press))
    assert len(won) == 400 and len(early) > 0
    assert all(sent < opens_ns for sent, _ in early), "refused although it was asked for after the sale had begun"
    assert min(reply.json["started_at"] for reply in won) >= opens
    assert event.counts()[1] == 400


def test_a_crowd_and_a_neighbour(box):
    """While a crowd buys at one event with all its connections, an order at another is done from begin to end."""
    hot, quiet = box.event(box.venue(rows=100, seats=100), max_tickets_per_session=10000), box.event()
    token = box.session().token
    seats, done = iter(range(hot.total)), False

    async def press(_number, wire):
        count = 0
        for seat in seats:
            if done:
                break
            reply = await wire.send(hold(hot, token, [seat]))
            assert reply.status == 201
            count += 1
        return count

    async def buy(_number, wire):
        nonlocal done
        for number in range(8):
            made = await wire.send(hold(quiet, token, [number]))
            assert made.status == 201, made
            body = json.dumps({"hold_id": made.json["hold_id"]}).encode()
            order = await wire.send(Request("order", "POST", "/v1/orders", token, quiet.id, body))
            assert order.status == 201, order
            body = json.dumps({"payment_reference": f"p{number}"}).encode()
            path = f"/v1/orders/{order.json['order_id']}/confirm"
            paid = await wire.send(Request("confirm", "POST", path, box.server.api_key, quiet.id, body))
            assert paid.status == 200, paid
        done = True

    async def race():
        port = box.server.port
        return await asyncio.gather(on_wires(port, 100, press), on_wires(port, 1, buy))

    counts, _ = asyncio.run(race())
    assert sum(counts) > 100
    assert quiet.counts()[2] == 8 and hot.counts()[1] == sum(counts)
