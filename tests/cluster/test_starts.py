"""Starts on a cluster that go wrong: one line says what is wrong and what to do, and nothing is half done."""

import subprocess
import threading

import pytest
import stores
from box import Box, until
from harness import SANITIZER, Server, binary, clean_env
from nodes import script
from tables import Tables

NOWHERE = "127.0.77.1"  # nobody listens there
USER = {"BOXOFFICE_CQL_USER": "cassandra", "BOXOFFICE_CQL_PASSWORD": "cassandra"}


@pytest.fixture
def refused(tmp_path):
    """A start that must go wrong, with exit code 1 unless said otherwise; its line must have all these words. Returns it."""

    def start(store, *words, args=(), code=1, env=None):
        folder = tmp_path / "refused"
        command = [binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", folder, "--store", store, *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean_env(**(env or {})), check=False)
        assert not SANITIZER.search(done.stderr), done.stderr
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert done.stderr.startswith("boxoffice: ") and done.stderr.count("\n") == 1, done.stderr
        for word in words:
            assert word in done.stderr, f"no {word!r} in {done.stderr!r}"
        assert not folder.exists()
        return done.stderr

    return start


def exists(keyspace):
    found = stores.cassandra().execute("SELECT * FROM system_schema.keyspaces WHERE keyspace_name = %s", [keyspace])
    return bool(list(found))


# ---- the address ----


@pytest.mark.parametrize("rest", ["", "/", "/1st", "/no-dash", "/a b", "/" + "x" * 49, "/two/parts"])
def test_no_name_of_a_keyspace(new_keyspace, refused, rest):
    """Seen before anybody is asked."""
    refused(f"cql://{NOWHERE}{rest}", "the store is 'cql://", "KEYSPACE", code=2)


@pytest.mark.parametrize("hosts", ["", "user:password@host", "a host"])
def test_no_hosts(new_keyspace, refused, hosts):
    refused(f"cql://{hosts}/{new_keyspace}", "cql://HOST[:PORT]", code=2)


def test_too_many_hosts(new_keyspace, refused):
    refused(f"cql://{','.join([NOWHERE] * 200)}/{new_keyspace}", "too many hosts", "a few are enough", code=2)


@pytest.mark.parametrize("hosts", [NOWHERE, f"{NOWHERE},127.0.77.2", "no-such-host.invalid", f"{NOWHERE}:1"])
def test_a_cluster_that_is_away(new_keyspace, refused, hosts):
    refused(f"cql://{hosts}/{new_keyspace}", "no node of the cluster can be reached", hosts, "--store")


def test_one_of_several_hosts_is_enough(new_keyspace, tmp_path):
    server = Server(tmp_path / "data", store=f"cql://{NOWHERE},no-such-host.invalid,{stores.HOSTS[0]}/{new_keyspace}")
    assert server.start().public.get("/readyz")["status"] == "ok"
    server.stop()


# ---- data centres and copies ----


def test_a_data_centre_that_is_not_there(new_keyspace, refused):
    refused(stores.url_of(new_keyspace), "no data centre 'nowhere'", "datacenter1", args=["--local-dc", "nowhere"])
    assert not exists(new_keyspace)


@pytest.mark.parametrize(
    "replication, code, words",
    [
        ("3", 2, ["--replication is '3'", "CQL map"]),
        ("{'class': 'NetworkTopologyStrategy'}; DROP KEYSPACE system", 2, ["--replication", "CQL map"]),
        ("{'class': 'NetworkTopologyStrategy', 'elsewhere': '1'}", 1, ["refuses CREATE KEYSPACE", "elsewhere"]),
        ("{'class': 'NoSuchStrategy'}", 1, ["refuses CREATE KEYSPACE", "NoSuchStrategy"]),
    ],
)
def test_copies_that_cannot_be(new_keyspace, refused, replication, code, words):
    refused(stores.url_of(new_keyspace), *words, args=["--replication", replication], code=code)
    assert not exists(new_keyspace)


def make_keyspace(keyspace, replication):
    stores.cassandra().execute(f"CREATE KEYSPACE {keyspace} WITH replication = {replication}")


def tables_of(keyspace):
    found = stores.cassandra().execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", [keyspace])
    return {row["table_name"] for row in found}


def test_more_copies_than_can_answer(new_keyspace, refused):
    """Nothing could be read or written: said before the tables are made."""
    make_keyspace(new_keyspace, "{'class': 'NetworkTopologyStrategy', 'datacenter1': '9'}")
    refused(stores.url_of(new_keyspace), "keeps 9 copies, 5 of which must answer", "add nodes, or change its replication")
    assert not tables_of(new_keyspace)


@pytest.mark.three
def test_copies_that_are_too_few(new_keyspace, tmp_path):
    """It works; a warning says what it means."""
    make_keyspace(new_keyspace, "{'class': 'SimpleStrategy', 'replication_factor': '1'}")
    server = Server(tmp_path / "data", store=stores.url_of(new_keyspace)).start()
    server.stop()
    [line] = [line for line in server.stderr().splitlines() if "SimpleStrategy" in line]
    assert " warn " in line and "keeps one copy only" in line


# ---- what is there already ----


@pytest.fixture
def beside(shared_fleet):
    """A server that runs, and its tables; what is written into meta is put right afterwards."""
    tables = Tables(shared_fleet.keyspace)
    before = tables.execute("SELECT * FROM {}meta")
    yield tables
    for row in before:
        tables.execute("UPDATE {}meta SET value = %s WHERE key = %s", row["value"], row["key"])
    # One that runs goes on.
    assert Box(shared_fleet[0]).event().counts() == (20, 0, 0, 0)


def test_tables_of_a_newer_version(beside, refused):
    beside.execute("UPDATE {}meta SET value = '99' WHERE key = 'schema_version'")
    refused(stores.url_of(beside.keyspace), "newer version of boxoffice", "schema 99", "use that version")
    [row] = beside.execute("SELECT value FROM {}meta WHERE key = 'schema_version'")
    assert row["value"] == "99"


def test_another_data_centre_decides(beside, refused):
    beside.execute("UPDATE {}meta SET value = 'elsewhere' WHERE key = 'home_dc'")
    refused(stores.url_of(beside.keyspace), "data centre elsewhere decides", "datacenter1", "--local-dc elsewhere")


def test_keyspace_of_the_cluster_itself(new_keyspace, refused):
    refused(stores.url_of("system"), "system")


# ---- two at once ----


def test_two_make_the_tables(new_keyspace, tmp_path):
    """At the same moment: both start, what each of them needs is there once, and they know of each other."""
    both = [Server(tmp_path / name, store=stores.url_of(new_keyspace)) for name in ("first", "second")]
    threads = [threading.Thread(target=server.start) for server in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    event = Box(both[0]).event()
    until(lambda: both[1].public.request("GET", event.path).status == 200, "the event at the other server")
    both[1].session().hold(event, 0)
    until(lambda: event.counts() == (19, 1, 0, 0), "the hold at the first")
    Tables(new_keyspace).check(event.id)
    for server in both:
        server.stop()


# ---- a node that asks for a password and makes no views ----


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """The address of such a node."""
    env = {
        "CASSANDRA_NET": "127.0.10", "CASSANDRA_RUN": str(tmp_path_factory.mktemp("strict")), "CASSANDRA_HEAP": "512m",
        "CASSANDRA_SED": "s/^materialized_views_enabled: true/materialized_views_enabled: false/; "
                         "$ a authenticator: PasswordAuthenticator",
    }  # fmt: skip
    try:
        script("start", 1, **env)
        yield script("hosts", 1, **env)
    finally:
        script("stop", **env)


@pytest.mark.parametrize(
    "env",
    [{}, USER | {"BOXOFFICE_CQL_PASSWORD": "wrong"}, USER | {"BOXOFFICE_CQL_USER": "nobody"}],
    ids=["none", "password", "user"],
)
def test_wrong_credentials(new_keyspace, refused, strict, env):
    line = refused(f"cql://{strict}/{new_keyspace}", "user or the password", env=env)
    assert "wrong" not in line  # a password stands nowhere


def test_no_views(new_keyspace, refused, strict):
    """The node makes its first user some seconds after its start: asked until it knows him."""
    store = f"cql://{strict}/{new_keyspace}"
    command = [binary(), "verify", "--store", store]

    def known():
        done = subprocess.run(command, capture_output=True, text=True, env=clean_env(**USER), check=False)
        return "no keyspace" in done.stderr

    until(known, "a user", pause=0.2)
    for _ in range(2):  # what the first has made is no obstacle
        refused(store, "materialized_views_enabled: true", "cassandra.yaml", env=USER)
