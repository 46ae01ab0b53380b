"""How big the big replies are: a stadium of 50,000 seats, each with its position."""

import pytest
from test_cli import run


@pytest.fixture(scope="module")
def stadium(server):
    run("demo", server=server)
    return server.public.get("/v1/events?slug=demo-stadium")["events"][0]["event_id"]


def size(server, path, **headers):
    """Bytes that the client gets, as they come over the wire."""
    with server.http.stream("GET", path, headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers.get("content-encoding", "identity") == headers.get("Accept-Encoding", "identity")
        return len(b"".join(reply.iter_raw()))


@pytest.mark.parametrize("coding", ["zstd", "br", "gzip"])
def test_seat_map_is_small(server, stadium, coding):
    """At most 150 KB in each coding, and the same the second time, when it is kept."""
    path = f"/v1/events/{stadium}/seatmap"
    first = size(server, path, **{"Accept-Encoding": coding})
    assert first <= 150_000
    assert size(server, path, **{"Accept-Encoding": coding}) == first
    assert size(server, f"{path}?rev=1", **{"Accept-Encoding": coding}) == first


def test_availability_is_small(server, stadium):
    """At most 17 KB of JSON, exactly two bits a seat as bytes."""
    path = f"/v1/events/{stadium}/availability"
    assert size(server, path, **{"Accept-Encoding": "identity"}) <= 17_000
    assert size(server, path, **{"Accept-Encoding": "identity", "Accept": "application/octet-stream"}) == 12_500
