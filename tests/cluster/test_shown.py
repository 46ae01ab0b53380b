"""What one server decides is shown at the others: on live streams, in the change log, and how soon."""

import collections
import statistics
import time

import pytest
from box import Box
from streams import Stream, follow

SALES = 300


@pytest.fixture
def event(pair):
    box = Box(pair[0])
    made = box.event(box.venue(rows=20, seats=20), max_tickets_per_session=10000)
    assert pair.home(made.id) is pair[0]
    pair.settle(made)
    return made



def test_seats_are_shown_elsewhere(pair, event, record_property):
    """Each hold at one server comes by the other's stream; how soon after the answer at the first is told."""
    home, other = pair
    buyer = home.session()
    late = []
    with follow(event, other.public) as stream:
        for seat in range(SALES):
            hold = buyer.hold(event, seat)
            answered = time.monotonic()
            message = stream.until(lambda message, seq=hold.seq: message.seq >= seq)[-1]
            late.append(max(0.0, time.monotonic() - answered))
            assert message.changes == [[seat, 1]]
    late.sort()
    p99 = late[int(0.99 * len(late))]
    told = f"{SALES} holds: median {1000 * statistics.median(late):.1f} ms, p99 {1000 * p99:.1f} ms, most {1000 * late[-1]:.1f} ms"
    record_property("shown elsewhere after", told)
    print(f"shown at the other server after the answer: {told}")
    assert other.metric("cluster_follow_lag_seconds_count") >= 1
    assert event.availability(other.key).json["held"] == SALES


def cdc(server, **kwargs):
    return Stream(server.key, "/v1/cdc/order_queue", **kwargs)


def rows_of(event, stream, count):
    """The event's next rows of a log's stream, as (cursor, row)."""
    found = []
    while len(found) < count:
        message = stream.next()
        if message.json["event_id"] == event.id:
            found.append((message.id, message.json))
    return found


def test_the_log_goes_on_at_another_server(pair, event):
    """
    The live change log of the other server: each row once, in order; whoever loses it goes on at the first one, by
    Last-Event-ID, and there and back again, without a gap or a repeat.
    """
    home, other = pair
    buyer = home.session()
    # Where the log is now.
    cursor = other.key.get("/v1/cdc/order_queue", params={"limit": 1000})
    while cursor["more"]:
        cursor = other.key.get("/v1/cdc/order_queue", params={"limit": 1000, "after": cursor["next_cursor"]})
    last_id, got, seats = cursor["next_cursor"], [], iter(range(event.total))
    for turn in range(6):
        server = pair[(turn + 1) % 2]
        with cdc(server, last_id=last_id) as stream:
            for _ in range(5):
                hold = buyer.hold(event, next(seats), next(seats))
                order = buyer.order(hold)
                (server if turn % 3 else home).key.post(f"/v1/orders/{order['order_id']}/confirm", {"payment_reference": "x"}, expect=200)
            # Of the last of them only the first row is read here: the next server goes on in the middle of a change.
            rows = rows_of(event, stream, 5 * 4 - 1 + (turn > 0))
            got += [row for _, row in rows]
            last_id = rows[-1][0]
    with cdc(other, last_id=last_id) as stream:
        got += [row for _, row in rows_of(event, stream, 1)]
    assert [row["cdc$operation"] for row in got] == [2, 2, 3, 3] * 30
    seen = collections.Counter((row["seq"], row["cdc$batch_seq_no"]) for row in got)
    assert set(seen.values()) == {1}
    assert [row["seq"] for row in got] == sorted(row["seq"] for row in got)
    for server in pair.running():
        box = Box(server)
        assert [row for row in box.log() if row["event_id"] == event.id] == got


def test_a_stream_goes_on_at_another_server(pair, event):
    """An event's live stream: whoever was at one server goes on at the other, from the seq that he had."""
    buyer = pair[0].session()
    seen, last_id = [], None
    with follow(event, pair[0].public) as stream:
        first = buyer.hold(event, 0)
        seen += stream.until(lambda message: message.seq >= first.seq)
        last_id = stream.last_id
    between = buyer.hold(event, 1)
    with follow(event, pair[1].public, last_id=last_id) as stream:
        third = buyer.hold(event, 2)
        seen += stream.until(lambda message: message.seq >= third.seq)
    changes = [change for message in seen if message.event == "seats" for change in message.changes]
    assert changes == [[0, 1], [1, 1], [2, 1]]
    assert first.seq < between.seq < third.seq == seen[-1].seq


def test_metrics(pair, event):
    """What somebody who runs a cluster has to see: each is there, and those that a day without trouble moves have moved."""
    home, other = pair
    moving = ("cql_lwt_seconds_count", "cql_write_seconds_count", "cql_read_seconds_count", "cql_commits_total")
    before = [home.metric(name) for name in moving]
    forwarded = other.metric("cluster_forwarded_total")
    buyer = other.session()
    hold = buyer.hold(event, 0)
    buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    home.client(buyer.token).get(f"/v1/holds/{hold['hold_id']}")
    assert all(home.metric(name) > least for name, least in zip(moving, before, strict=True))
    assert other.metric("cluster_forwarded_total") == forwarded + 2
    assert other.metric("cluster_follow_lag_seconds_count") > 0
    assert home.metric("cluster_servers") == other.metric("cluster_servers") == 2
    for name in ("cql_unknown_total", "cql_commits_unknown_total", "cql_commit_reissues_total", "cql_commits_fenced_total",
                 "cql_takeovers_total", "cql_repairs_total", "cluster_forward_failed_total", "cluster_forward_unknown_total"):  # fmt: skip
        assert home.metric(name) >= 0
