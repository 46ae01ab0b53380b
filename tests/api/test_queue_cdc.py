"""The order queue (one row per seat in checkout) and its change log."""

import math
import uuid
from datetime import datetime, timezone

import pytest

from box import Box, new_id, parse_time, time_text, until


def by_seq(rows):
    """Rows of the change log as {seq: rows}, in the order in which they came."""
    groups = {}
    for row in rows:
        groups.setdefault(row["seq"], []).append(row)
    return groups


def check_log(event, rows):
    """What holds for any log of an event. Every test of this file ends here."""
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    times = [uuid.UUID(row["cdc$time"]) for row in rows]
    assert all(time.version == 1 for time in times)
    assert [time.time for time in times] == sorted(time.time for time in times), "cdc$time went back"
    open_rows = {}
    for seq, group in by_seq(rows).items():
        assert [row["cdc$batch_seq_no"] for row in group] == list(range(len(group))), seq
        assert [row["cdc$end_of_batch"] for row in group] == [False] * (len(group) - 1) + [True]
        assert len({row["ticket_id"] for row in group}) == len(group), "one row a seat"
        assert len({(row["hold_id"], row["cdc$operation"], row["hold_session"]) for row in group}) == 1
    for row in rows:
        assert row["cdc$stream_id"] == "0x" + event.id.replace("-", "")
        assert row["event_id"] == event.id
        key = (row["ticket_id"], row["started_at"])
        if row["cdc$operation"] == 2:
            assert key not in open_rows, "began twice"
            open_rows[key] = row["hold_id"]
        elif row["cdc$operation"] == 1:
            assert open_rows[key] == row["hold_id"]
        else:
            assert open_rows.pop(key) == row["hold_id"], "ended what had not begun"
        if row["cdc$operation"] in (1, 2):
            assert row["session_id"] == row["hold_session"]
    starts = {}
    for row in rows:
        if row["cdc$operation"] == 2:
            assert starts.get(row["ticket_id"], "") < row["started_at"], "started_at did not grow"
            starts[row["ticket_id"]] = row["started_at"]
    queue = {(row["ticket_id"], row["started_at"]): row["hold_id"] for row in event.queue()}
    assert queue == open_rows, "the queue is what has begun and not ended"


def seconds_left(hold):
    """Until a hold's end, rounded up; this machine's clock is the server's."""
    return math.ceil((parse_time(hold["expires_at"]) - datetime.now(timezone.utc)).total_seconds())


def kinds(rows):
    """(operation, outcome, number of rows) of each change."""
    return [(group[0]["cdc$operation"], group[0]["outcome"], len(group)) for group in by_seq(rows).values()]


def test_queue_rows(box):
    """One row a seat with its session, start and the seconds left, rounded up; found by ticket and start."""
    event = box.event(hold_seconds=600)
    buyer = box.session()
    hold = buyer.hold(event, 4, 2)
    most, rows, least = seconds_left(hold), event.queue(), seconds_left(hold)
    assert [row["ticket_id"] for row in rows] == event.tickets(2, 4), "by event, ticket and start"
    for row in rows:
        assert (row["session_id"], row["hold_id"], row["seq"]) == (buyer.session_id, hold["hold_id"], hold.seq)
        assert row["started_at"] == hold["started_at"]
        assert least <= row["ttl"] <= most, "rounded up"
    box.session().hold(event, 3)
    assert [row["ticket_id"] for row in event.queue(limit=1)] == event.tickets(2, 3, 4)
    one = event.queue(ticket_id=event.ticket(4), started_at=hold["started_at"])
    assert [row["ticket_id"] for row in one] == event.tickets(4)
    assert event.queue(ticket_id=event.ticket(4), started_at="2020-01-01T00:00:00Z") == []
    assert event.queue(ticket_id=event.ticket(0)) == []
    assert box.key.get("/v1/order_queue", params={"event_id": new_id()})["rows"] == []
    nil = "00000000-0000-0000-0000-000000000000"
    assert box.key.get("/v1/order_queue", params={"event_id": nil})["rows"] == []
    assert event.queue(ticket_id=nil) == []
    for name, value in (("event_id", "x"), ("ticket_id", "x"), ("started_at", "now"), ("limit", "1001"), ("cursor", "~")):
        assert box.key.get("/v1/order_queue", params={name: value}, expect=422).pointers == [f"/{name}"]
    check_log(event, event.cdc())


def test_queue_of_all_events(box):
    """Without a filter: every event's rows."""
    events = [box.event(), box.event()]
    for event in events:
        box.session().hold(event, 0)
    listed = box.key.pages("/v1/order_queue", "rows", {"limit": 1000})
    assert {event.id for event in events} <= {row["event_id"] for row in listed}
    ticket = box.key.pages("/v1/order_queue", "rows", {"ticket_id": events[1].ticket(0)})
    assert [row["event_id"] for row in ticket] == [events[1].id]


def test_insert(box):
    """A hold of four seats is one change with four inserts (2), cdc$ttl = hold_seconds."""
    event = box.event(hold_seconds=777)
    buyer = box.session()
    hold = buyer.hold(event, 0, 1, 2, 3)
    rows = event.cdc()
    assert kinds(rows) == [(2, None, 4)]
    for row in rows:
        assert (row["seq"], row["cdc$ttl"], row["session_id"]) == (hold.seq, 777, buyer.session_id)
        assert (row["hold_id"], row["started_at"]) == (hold["hold_id"], hold["started_at"])
        assert row["cdc$deleted_session_id"] in (None, False)
    assert {row["ticket_id"] for row in rows} == set(event.tickets(0, 1, 2, 3))
    check_log(event, rows)


def test_update(box):
    """An extension is one update (1) a seat, with the new TTL, and the queue's row has it too."""
    event = box.event(hold_seconds=100)
    buyer = box.session()
    hold = buyer.hold(event, 0, 1)
    buyer.order(hold)
    before = buyer.get(f"/v1/holds/{hold['hold_id']}")
    when = parse_time(before["now"]).replace(microsecond=0).timestamp() + 5000
    target = time_text(datetime.fromtimestamp(when, timezone.utc))
    extended = box.key.post(f"/v1/holds/{hold['hold_id']}/extend", {"until": target}, expect=200)
    rows = event.cdc()
    assert kinds(rows) == [(2, None, 2), (1, None, 2)]
    updates = [row for row in rows if row["cdc$operation"] == 1]
    least, most = (math.ceil((parse_time(target) - parse_time(r["now"])).total_seconds()) for r in (extended, before))
    for row in updates:
        assert row["seq"] == extended.seq
        assert least <= row["cdc$ttl"] <= most, "rounded up"
        assert row["started_at"] == hold["started_at"]
    most, rows_now, least = seconds_left(extended), event.queue(), seconds_left(extended)
    for row in rows_now:
        assert least <= row["ttl"] <= most
        assert row["seq"] == extended.seq
    check_log(event, rows)


ENDS = {
    "purchased": lambda box, buyer, hold: box.confirm(buyer.order(hold)),
    "released": lambda box, buyer, hold: buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204),
    "cancelled": lambda box, buyer, hold: buyer.post(f"/v1/orders/{buyer.order(hold)['order_id']}/cancel", expect=200),
}


@pytest.mark.parametrize("outcome", ENDS)
def test_delete(box, outcome):
    """A purchase, release or cancellation is one row delete (3) a seat, without session, with its outcome."""
    event = box.event()
    buyer = box.session()
    hold = buyer.hold(event, 0, 1, 2)
    ended = ENDS[outcome](box, buyer, hold)
    rows = event.cdc()
    assert kinds(rows) == [(2, None, 3), (3, outcome, 3)]
    for row in rows[3:]:
        assert row["seq"] == ended.seq
        assert (row["session_id"], row["cdc$ttl"]) == (None, None)
        assert (row["hold_id"], row["hold_session"]) == (hold["hold_id"], buyer.session_id)
    assert event.queue() == []
    check_log(event, rows)


def test_expiry(box):
    """An expiry is one -3 a seat, not before the hold's end, and the last row of the seat."""
    event = box.event(hold_seconds=1)
    buyer = box.session()
    hold = buyer.hold(event, 5, 6)
    rows = until(lambda: len(found := event.cdc()) == 4 and found, "the expiry in the log")
    assert kinds(rows) == [(2, None, 2), (-3, "expired", 2)]
    for row in rows[2:]:
        assert (row["session_id"], row["cdc$ttl"], row["hold_session"]) == (None, None, buyer.session_id)
        # 100 ns since 1582-10-15, as UUIDs count
        seconds = (uuid.UUID(row["cdc$time"]).time - 0x01B21DD213814000) / 1e7
        assert seconds >= parse_time(hold["expires_at"]).timestamp() - 0.001
    check_log(event, rows)


def test_no_rows(box):
    """Orders, refunds, blocks, prices and edits write none."""
    event = box.event()
    paid = box.paid(event, 0)
    rows = event.cdc()
    box.key.post(f"/v1/orders/{paid['order_id']}/refund", expect=200)
    event.post("block", {"ticket_ids": event.tickets(3)}, expect=200)
    event.post("unblock", {"ticket_ids": event.tickets(3)}, expect=200)
    box.key.patch(event.path, {"name": "Other"}, expect=200)
    event.post("pause", expect=200)
    assert event.cdc() == rows
    check_log(event, rows)


def test_cancelled_event(box):
    """A cancelled event ends each hold with a change of its own."""
    event = box.event()
    box.session().hold(event, 0, 1)
    box.session().hold(event, 2)
    event.post("cancel", expect=200)
    rows = event.cdc()
    assert sorted(kinds(rows)[2:]) == [(3, "cancelled", 1), (3, "cancelled", 2)]
    check_log(event, rows)


def test_cursor(box):
    """Pages of any size give the same rows; the last cursor goes on later, and gives nothing until then."""
    event = box.event()
    everything, end = box.cdc()
    buyer = box.session()
    for seat in range(3):
        hold = buyer.hold(event, seat, seat + 5)
        buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    more, new_end = box.cdc(after=end)
    mine = [row for row in more if row["event_id"] == event.id]
    assert len(mine) == 12
    for limit in (1, 5, 11):
        assert [r for r in box.cdc(after=end, limit=limit)[0] if r["event_id"] == event.id] == mine
    page = box.key.get("/v1/cdc/order_queue", params={"after": end, "limit": 1})
    assert (len(page["rows"]), page["more"]) == (1, True)
    nothing = box.key.get("/v1/cdc/order_queue", params={"after": new_end})
    assert nothing["more"] is False
    assert [row for row in nothing["rows"] if row["event_id"] == event.id] == []
    hold = buyer.hold(event, 9)
    later, _ = box.cdc(after=nothing["next_cursor"])
    assert [row["hold_id"] for row in later if row["event_id"] == event.id] == [hold["hold_id"]]
    again, _ = box.cdc()
    assert [row for row in again if row["event_id"] == event.id] == mine + [r for r in later if r["event_id"] == event.id]
    assert again[: len(everything)] == everything
    for name, value in (("after", "~"), ("after", ""), ("limit", "0"), ("limit", "1001"), ("limit", "x")):
        assert box.key.get("/v1/cdc/order_queue", params={name: value}, expect=422).pointers == [f"/{name}"]
    check_log(event, event.cdc())


def test_many_starts(box):
    """A seat that is held and given back many times: insert and delete in turn, started_at and cdc$time never back."""
    event = box.event()
    buyer = box.session()
    for _ in range(15):
        hold = buyer.hold(event, 0, 1)
        buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    rows = event.cdc()
    assert kinds(rows) == [(2, None, 2), (3, "released", 2)] * 15
    check_log(event, rows)


def test_survives_restart(new_server):
    """The log and the queue are the same after a restart, and the old cursor goes on."""
    server = new_server()
    box = Box(server)
    event = box.event()
    box.paid(event, 0)
    box.session().hold(event, 1)
    rows, cursor = box.cdc()
    server.restart()
    assert box.cdc()[0] == rows
    box.session().hold(event, 2)
    assert [row["ticket_id"] for row in box.cdc(after=cursor)[0]] == event.tickets(2)
    check_log(event, event.cdc())
