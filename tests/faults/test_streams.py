"""Live streams where something is short: files, room on the disk, the network of one reader."""

import pytest
from test_running import SmallDisk, SmallFiles

from box import Box, until
from faults import LimitedServer
from streams import Follower, Stream, follow


def test_as_many_as_files_allow(new_server):
    """One more is 503 and told when to come back; who is there is served, and a place that is free is given again."""
    server = new_server(kind=LimitedServer, files=400)
    box = Box(server)
    event, buyer = box.event(), box.session()
    streams, refused = [], None
    while refused is None:
        stream = follow(event).open()
        if stream.status == 200:
            streams.append(stream)
        else:
            refused = stream
    assert (refused.status, refused.json["type"]) == (503, "/problems/unavailable")
    assert int(refused.headers["retry-after"]) > 0
    assert len(streams) >= 10
    assert server.metric("streams") == len(streams)
    with Stream(box.key, "/v1/cdc/order_queue") as stream:
        assert stream.status == 503
    held = buyer.hold(event, 0)
    for stream in streams:
        assert stream.next().seq == held.seq
    streams.pop().close()
    until(lambda: server.metric("streams") == len(streams), "a place")
    streams.append(follow(event).open())
    assert streams[-1].status == 200
    server.stop()
    assert [stream.rest() for stream in streams] == [[]] * len(streams)


@pytest.mark.parametrize("kind", [SmallDisk, SmallFiles])
def test_no_room(mounts, new_server, kind):
    """While nothing can be written streams stay; when there is room again they go on, without a gap."""
    disk = kind(mounts, new_server)
    box = Box(disk.server)
    event, buyer = box.event(), box.session()
    follower = Follower(event)
    with follower.stream() as stream, Stream(box.key, "/v1/cdc/order_queue") as log:
        first = buyer.hold(event, 0)
        follower.apply_until(stream, first.seq)
        disk.fill(event.venue)
        buyer.hold(event, 1, expect=503)
        disk.give_room()
        until(lambda: box.public.get("/readyz", expect=(200, 503)).status == 200, "recovery")
        second = buyer.hold(event, 2)
        follower.apply_until(stream, second.seq)
        follower.check()
        wanted = event.cdc()
        assert [log.next().json for _ in wanted] == wanted
    assert all(step.message.event == "seats" for step in follower.steps)
