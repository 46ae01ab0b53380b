"""Readers of streams who are slow, silent, gone, or many: nobody else is held up, and memory is bounded."""

import contextlib
import resource
import selectors
from concurrent.futures import ThreadPoolExecutor

import pytest

from box import Box, until
from harness import scaled
from servers import starting_servers
from streams import Ended, Follower, Stream, follow

HALL = 1000  # seats; all of them in one message are 10 KB


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A server for this file, so that its streams are known."""
    with starting_servers(tmp_path_factory.mktemp("readers")) as start:
        yield start()


@pytest.fixture
def hall(own):
    """An event whose changes can be big, on a server without other streams (but the long ones)."""
    yield make_hall(Box(own))
    own.check_alive()
    own.check_stderr()


def make_hall(box):
    return box.event(venue=box.venue(rows=HALL // 100, seats=100), max_tickets_per_session=HALL)


def turn_over(event, times):
    """All seats are blocked or free again, so many times; returns the number of the last change."""
    everything = {"ticket_ids": event.tickets(*range(event.total))}
    blocked = event.counts()[3]
    for _ in range(times):
        last = event.post("unblock" if blocked else "block", everything, expect=200, check=False)
        blocked = not blocked
    return last.seq


@pytest.fixture(scope="module", autouse=True)
def long_ones(own):
    """Streams whose time runs while the other tests do: two where nothing happens, one that does not read."""
    box = Box(own)
    quiet, hall = box.event(), make_hall(box)
    idle = [follow(quiet).open(), Stream(box.key, f"/v1/cdc/order_queue?after={box.cdc()[1]}").open()]
    stuck = follow(hall, small=True).ask()
    until(lambda: own.metric("streams") == 3, "the streams")
    turn_over(hall, 20)  # four times what its connection takes
    yield idle, stuck
    for stream in (*idle, stuck):
        stream.close()


# ---- slow ----


@pytest.mark.parametrize("times", [15, 60], ids=["coalesced", "reset"])
def test_slow_reader(hall, times):
    """
    One who does not read while others get everything; when he reads, one message brings him up to date, or a reset where
    too much has happened. Then he goes on like the others.
    """
    quick, slow = Follower(hall), Follower(hall)
    silent = slow.stream(small=True).ask()
    with quick.stream() as stream:
        for _ in range(times):
            quick.apply_until(stream, turn_over(hall, 1))
    quick.check()
    with silent.open():
        slow.apply_until(silent, quick.seq)
        assert len(slow.steps) < len(quick.steps) == times
        assert any(step.message.event == "reset" for step in slow.steps) == (times == 60)
        slow.check()
        slow.apply_until(silent, turn_over(hall, 1))
        assert slow.steps[-1].before == quick.seq
    slow.check()


def test_memory_for_slow_readers(hall):
    """What they do not take is not kept for them."""
    server, count, times = hall.box.server, scaled(200), 100
    silent = [follow(hall, small=True, query="?since=1").ask() for _ in range(count)]
    until(lambda: server.metric("streams") >= count, "the streams")
    turn_over(hall, 10)  # their connections' buffers, which are not the process's
    before, judged = server.memory()
    sent = server.metric("stream_messages_total")
    follower = Follower(hall)
    with follower.stream() as stream:
        follower.apply_until(stream, turn_over(hall, times))
    assert server.metric("stream_messages_total") - sent < count * times / 2
    if judged:
        assert server.memory()[0] - before < 16 << 20  # of 200 MB if all was kept
    for stream in silent:
        stream.vanish()
    follower.check()


def test_readers_who_vanish(hall):
    """A stream whose client is gone is gone too: with a farewell, without, in the middle of a message, at once."""
    server = hall.box.server
    others = server.metric("streams")
    for end in ("close", "vanish"):
        reading = [follow(hall).open() for _ in range(20)]
        writing = [follow(hall, small=True, query="?since=1").ask() for _ in range(20)]
        until(lambda count=len(reading + writing): server.metric("streams") == others + count, "the streams")
        turn_over(hall, 10)
        at_once = [follow(hall).ask() for _ in range(20)]
        for stream in at_once + reading + writing:
            getattr(stream, end)()
        until(lambda: server.metric("streams") == others, f"the end of the streams after {end}")
    follower = Follower(hall)
    with follower.stream() as stream:
        follower.apply_until(stream, turn_over(hall, 1))
    follower.check()


def test_log_reader_who_is_slow(hall):
    """The log is complete for one who reads it late."""
    box = hall.box
    cursor = box.cdc(after=box.server.log_cursor)[1]
    with Stream(box.key, f"/v1/cdc/order_queue?after={cursor}", small=True).ask() as silent:
        buyer = box.session()
        for first in range(0, HALL, 100):
            buyer.hold(hall, *range(first, first + 100))
        wanted = box.cdc(after=cursor)[0]
        assert len(wanted) == HALL
        assert [silent.next().json for _ in wanted] == wanted


def test_stop_with_slow_readers(new_server):
    """They do not hold up the end."""
    server = new_server()
    event = make_hall(Box(server))
    silent = [follow(event, small=True).ask() for _ in range(20)]
    until(lambda: server.metric("streams") == 20, "the streams")
    turn_over(event, 15)
    server.stop()
    for stream in silent:
        with contextlib.suppress(ConnectionResetError):
            while stream.sock.recv(65536):
                pass
        stream.close()


# ---- many ----


@pytest.fixture
def files():
    """As many open files as the system allows; how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_many_readers(new_server, files):
    """All get the same changes; when the server stops all streams end, and so does it."""
    server = new_server()
    box = Box(server)
    event, buyer = box.event(venue=box.venue(rows=10, seats=20), max_tickets_per_session=200), box.session()
    count = min(scaled(2000), files // 4)
    start = Follower(event)
    with ThreadPoolExecutor(8) as pool:
        streams = list(pool.map(lambda _: start.stream().open(), range(count)))
    assert server.metric("streams") == count
    states = {stream: bytearray(start.seats) for stream in streams}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            selector.register(stream.sock, selectors.EVENT_READ, stream)
        for first in range(0, 200, 8):
            last = buyer.hold(event, *range(first, first + 8)).seq
        behind = set(streams)
        while behind:
            for key, _ in selector.select(60):
                stream = key.data
                stream.receive()
                while stream.queue:
                    for seat, status in stream.queue.popleft().changes:
                        assert states[stream][seat] == 0, "each of these seats changes once"
                        states[stream][seat] = status
                if stream.floor == last:
                    behind.discard(stream)
    assert set(map(bytes, states.values())) == {bytes(Follower(event).seats)}
    server.stop()
    for stream in streams:
        with pytest.raises(Ended):
            stream.receive()
        stream.close()


# ---- the long ones ----


def test_comments_where_nothing_happens(long_ones):
    """A line that says nothing, so that nobody on the way takes the connection for dead."""
    idle, _ = long_ones
    for stream in idle:
        stream.wait_for_comment()
    assert idle[0].count == 0


def test_stuck_reader_is_cut_off(own, long_ones):
    """One who has taken nothing for long is told nothing more, and counted."""
    idle, stuck = long_ones
    until(lambda: own.metric("streams") == len(idle), "the end of the stuck stream", pause=0.1, guard=90)
    assert own.metric("streams_cut_off_total") == 1
    with contextlib.suppress(ConnectionResetError):
        while stuck.sock.recv(65536):
            pass
    assert idle[0].count == 0
