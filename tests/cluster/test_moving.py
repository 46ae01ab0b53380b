"""An event moves between an embedded store and a cluster, and verify finds what was written by hand into a cluster's tables."""

import json

import pytest
import stores
from harness import Server
from sale import make_sale, what_is_said
from tables import Tables
from test_cli import one_line, run


@pytest.fixture
def sold(tmp_path):
    """A sale in an embedded store, and its file."""
    server = Server(tmp_path / "from", store="embedded").start()
    sale = make_sale(server)
    server.stop()
    file = tmp_path / "night.event"
    run("export", "night", "--data-dir", str(server.data_dir), "--output", str(file))
    return sale | {"file": file}


@pytest.fixture
def moved(sold, fleet):
    """The same sale in a keyspace of its own, which no server uses."""
    url = stores.url_of(fleet.keyspace)
    run("import", str(sold["file"]), "--store", url)
    return sold | {"url": url, "tables": Tables(fleet.keyspace)}


def verify(moved, expect=0):
    return json.loads(run("verify", "--json", "--store", moved["url"], expect=expect).stdout)


def test_to_a_cluster_and_back(moved, tmp_path):
    """Into the tables as boxoffice itself would have written them, and out of them byte for byte."""
    moved["tables"].check(moved["id"])
    assert verify(moved)["changes"] == moved["said"]["seq"]
    back, there = tmp_path / "back.event", tmp_path / "back"
    run("export", moved["id"], "--store", moved["url"], "--output", str(back))
    # What differs is the time of the export, which stands in the first block, and the digests that follow from it.
    assert len(back.read_bytes()) == len(moved["file"].read_bytes())
    run("import", str(back), "--data-dir", str(there))
    server = Server(there, store="embedded").start()
    assert what_is_said(server, moved) == moved["said"]
    server.stop()


def test_the_cluster_goes_on_selling(moved, fleet):
    """A server takes the event as if it had always been there."""
    server = fleet.start()
    said = what_is_said(server, moved)
    for name, value in moved["said"].items():
        assert said[name] == value, name
    server.key.post(f"/v1/orders/{moved['pending']}/confirm", {"payment_reference": "pay-78"}, expect=200)
    moved["tables"].check(moved["id"])
    assert verify(moved)["findings"] == []  # beside a server that lives


def test_no_import_beside_servers(sold, fleet):
    """They would take an event that is there in part."""
    fleet.start()
    url = stores.url_of(fleet.keyspace)
    assert "stop all of them" in run("import", str(sold["file"]), "--store", url, expect=1).stderr
    fleet.stop()
    run("import", str(sold["file"]), "--store", url)


def test_a_keyspace_that_is_not_there(sold, fleet):
    """Nothing is made by who only looks."""
    one_line(run("verify", "--store", stores.url_of(fleet.keyspace), expect=1), "no keyspace")


# ---- written by hand ----

BY_HAND = [
    ("UPDATE {}tickets SET status = 'sold' WHERE {free}", "tickets, seat 15", "available, as created"),
    ("UPDATE {}tickets SET status = 'available' WHERE {sold}", "tickets, seat 1", "sold, hold_id"),
    ("UPDATE {}tickets SET hold_until = '2031-01-01' WHERE {held}", "tickets, seat 20", "held, hold_id"),
    ("DELETE FROM {}tickets WHERE {free}", "tickets, seat 15", "available, as created"),
    ("DELETE FROM {}order_queue WHERE {held}", "order_queue, seat 20", "hold_id"),
    ("DELETE FROM {}orders WHERE order_id = {order}", "orders, ", "paid, by change"),
    ("DELETE FROM {}changes WHERE event_id = {id} AND seq = 5", "changes, change 5", "a change"),
    ("DELETE FROM {}order_queue_scylla_cdc_log WHERE {stream}", "order_queue_scylla_cdc_log, change 2", "3 rows"),
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A keyspace with a sale for each test below: making one takes long."""
    folder = tmp_path_factory.mktemp("kept")
    server = Server(folder / "from", store="embedded").start()
    sales = [make_sale(server, slug=f"night-{i}") for i in range(len(BY_HAND))]
    server.stop()
    keyspace = stores.keyspace_of(folder)
    url = stores.url_of(keyspace)
    for i, sale in enumerate(sales):
        file = folder / f"{i}.event"
        run("export", sale["id"], "--data-dir", str(server.data_dir), "--output", str(file))
        run("import", str(file), "--store", url)
    yield {"url": url, "tables": Tables(keyspace), "sales": sales}
    stores.discard(folder)


@pytest.mark.parametrize("index", range(len(BY_HAND)), ids=[statement[:30] for statement, _, _ in BY_HAND])
def test_verify_finds_what_was_written_by_hand(kept, index):
    statement, where, should_be = BY_HAND[index]
    sale = kept["sales"][index]
    look = ("verify", f"night-{index}", "--json", "--store", kept["url"])
    assert json.loads(run(*look).stdout)["findings"] == []

    def ticket(seat):
        return f"event_id = {sale['id']} AND ticket_id = {sale['id'][:28]}{seat:08x}"

    stream = f"\"cdc$stream_id\" = 0x{sale['id'].replace('-', '')}"
    names = {"free": ticket(15), "sold": ticket(1), "held": ticket(20), "stream": stream}
    kept["tables"].execute(statement.format("{}", **names, order=sale["order"], id=sale["id"]))
    found = json.loads(run(*look, expect=1).stdout)["findings"]
    assert any(f["where"].startswith(where) and should_be in f["should_be"] for f in found), found
