"""Every change of an event has a number: 1, 2, 3, ... without gaps, told by Change-Seq."""

import threading

import pytest

from box import Box, new_id, until


def test_whole_life(box):
    """Each write of an event's life is the next number, on the write and on every read after it; refusals take none."""
    event = box.event(published=False)
    buyer = box.session()
    key, reads = box.key, ["", "/sections", "/seatmap", "/availability", "/tickets", f"/tickets/{event.ticket(0)}"]
    seq = 1

    def shown():
        for path in reads:
            reply = key.get(event.path + path)
            assert reply.seq == seq, path
        assert event.availability()["seq"] == key.get(f"{event.path}/sections")["seq"] == seq

    def wrote(reply):
        nonlocal seq
        assert reply.status in (200, 201, 204)
        seq += 1
        assert reply.seq == seq, reply
        shown()
        return reply

    shown()
    price = {"prices": [{"section": event.section(), "type_id": "regular", "price": "50.00"}]}
    wrote(event.post("publish"))
    wrote(key.put(f"{event.path}/prices", price))
    wrote(key.patch(event.path, {"name": "Renamed"}))
    wrote(event.post("pause"))
    event.post("pause", expect=409)
    buyer.hold(event, 0, expect=409)
    wrote(event.post("resume"))
    hold = wrote(buyer.hold(event, 0, 1))
    buyer.hold(event, 1, 2, expect=409)
    wrote(buyer.post(f"/v1/holds/{hold['hold_id']}/extend"))
    order = wrote(buyer.order(hold))
    buyer.order(hold, expect=409)
    wrote(box.confirm(order))
    box.confirm(order, "another", expect=409)
    wrote(event.post("block", {"ticket_ids": event.tickets(5, 6)}))
    event.post("block", {"ticket_ids": event.tickets(4, 5)}, expect=409)
    wrote(event.post("unblock", {"ticket_ids": event.tickets(5)}))
    wrote(key.post(f"/v1/orders/{order['order_id']}/refund", {"release_seats": False}))
    given = wrote(buyer.hold(event, 7))
    wrote(buyer.delete(f"/v1/holds/{given['hold_id']}"))
    cancelled = wrote(buyer.order(wrote(buyer.hold(event, 8))))
    wrote(buyer.post(f"/v1/orders/{cancelled['order_id']}/cancel"))
    wrote(event.post("unpublish"))
    wrote(event.post("publish"))
    wrote(event.post("cancel"))
    event.post("cancel", expect=409)
    assert box.confirm(order, expect=409).problem == "order-state"
    shown()
    assert [row["seq"] for row in event.cdc()] == sorted(row["seq"] for row in event.cdc())


def test_repeated_confirmation_shows_the_newest(box):
    """Where nothing had to change any more, the event's newest change."""
    event = box.event()
    order = box.order(event, 0)
    paid = box.confirm(order, "r")
    box.session().hold(event, 1)
    assert box.confirm(order, "r").seq == paid.seq + 1 == event.get().seq


def test_reads_of_holds_and_orders(box):
    """What a read of a hold or an order rests on is not older than the change that made it."""
    event = box.event()
    buyer = box.session()
    order = buyer.order(buyer.hold(event, 0))
    for path in (f"/v1/holds/{order['hold_id']}", f"/v1/orders/{order['order_id']}"):
        assert buyer.get(path).seq >= order.seq


def test_concurrent_writers(box):
    """Writers at the same time get different numbers, and together all of them."""
    event = box.event(venue=box.venue(rows=8, seats=20), max_tickets_per_session=10000)
    numbers, lock = [], threading.Lock()

    def work(first):
        buyer = box.session()
        for seat in range(first, first + 20):
            hold = buyer.hold(event, seat)
            mine = [hold.seq]
            if seat % 2:
                mine.append(buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204).seq)
            else:
                order = buyer.order(hold)
                mine += [order.seq, box.confirm(order).seq]
            assert mine == sorted(mine)
            with lock:
                numbers.extend(mine)

    threads = [threading.Thread(target=work, args=(20 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 8 * (10 * 2 + 10 * 3)
    assert sorted(numbers) == list(range(2, len(numbers) + 2))
    assert event.get().seq == len(numbers) + 1
    assert event.counts() == (80, 0, 80, 0)


def test_expiries_are_numbered(box):
    """The system's own changes have numbers too."""
    event = box.event(hold_seconds=1)
    for seat in range(3):
        box.session().hold(event, seat)
    until(lambda: event.counts()[1] == 0, "the expiries")
    assert event.get().seq == 7
    assert sorted({row["seq"] for row in event.cdc()}) == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("path", ["", "/sections", "/seatmap", "/availability", "/tickets"])
def test_read_waits(box, path):
    """A GET with Change-Seq: N waits for change N: it answers with what was written after it had been asked."""
    event = box.event()
    buyer = box.session()
    for _ in range(20):
        seq = event.get().seq
        replies, asked = [], threading.Event()

        def read(wanted=str(seq + 1), replies=replies, asked=asked):
            asked.set()
            replies.append(box.public.get(event.path + path, headers={"Change-Seq": wanted}))

        reader = threading.Thread(target=read)
        reader.start()
        asked.wait()
        hold = buyer.hold(event, 0)
        reader.join()
        buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
        if replies[0].seq > seq:
            return
    raise AssertionError("no read ever waited")


def test_read_waits_not_for_ever(box):
    """A change that does not come within a second is not waited for: the answer is what there is."""
    event = box.event()
    for wanted in ("2", "1000000000000"):
        assert box.public.get(event.path, headers={"Change-Seq": wanted}).seq == 1
    for have in ("0", "1"):
        assert box.public.get(event.path, headers={"Change-Seq": have}).seq == 1


@pytest.mark.parametrize("wrong", ["x", "-1", "1.0", "", "1 2", "18446744073709551616"])
def test_no_number(box, wrong):
    """A Change-Seq that is no number is 400."""
    box.public.get(box.event().path, headers={"Change-Seq": wrong}, expect=400)


def test_of_an_unknown_event(box):
    """Waiting is for events that there are."""
    box.public.get(f"/v1/events/{new_id()}", headers={"Change-Seq": "5"}, expect=404)


def test_goes_on_after_a_crash(new_server):
    """After kill -9 the numbers go on where they were."""
    server = new_server()
    box = Box(server)
    event = box.event()
    buyer = box.session()
    last = buyer.order(buyer.hold(event, 0)).seq
    server.kill()
    server.start()
    assert event.get().seq == last
    assert buyer.hold(event, 1).seq == last + 1
