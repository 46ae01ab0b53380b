"""Servers on a cluster, its nodes and its tables. script/test-cluster starts the nodes and runs these tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "api"))

import servers  # noqa: E402
import stores  # noqa: E402
from box import Box  # noqa: E402
from fleet import Fleet  # noqa: E402
from nodes import Nodes  # noqa: E402
from servers import pytest_runtest_makereport, pytest_sessionfinish  # noqa: E402, F401
from tables import Tables  # noqa: E402


def pytest_configure(config):
    servers.pytest_configure(config)
    config.addinivalue_line("markers", "three: needs three nodes; left out where there are fewer")
    config.addinivalue_line("markers", "long: takes long; script/test leaves it to script/test-cluster 3")


def pytest_collection_modifyitems(config, items):
    """Where there is no cluster only what needs none is run; where there are fewer than three nodes, what needs three is not."""

    def wanted(item):
        needs_cluster = {"fleet", "shared_fleet", "pair", "nodes", "new_keyspace"} & set(item.fixturenames)
        if not stores.CLUSTER:
            return not needs_cluster
        return len(stores.HOSTS) >= 3 or not item.get_closest_marker("three")

    left_out = [item for item in items if not wanted(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def fleet(tmp_path):
    """Servers of one new keyspace; the test starts them."""
    made = Fleet(tmp_path)
    servers.RUNNING.append(Heard(made))
    yield made
    servers.RUNNING.pop()
    made.end()


class Heard:
    """What all servers of a fleet wrote to standard error, as servers.py wants it of one."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.data_dir = fleet.folder

    def stderr(self):
        return "".join(f"--- {server.data_dir.name}\n{server.stderr()[-3000:]}" for server in self.fleet)


@pytest.fixture
def nodes():
    """The cluster's nodes; what the test did to them is undone."""
    made = Nodes()
    yield made
    made.mend()


@pytest.fixture
def new_keyspace(tmp_path):
    """The name of a keyspace that is not there; it is dropped at the end if the test has made it."""
    yield stores.keyspace_of(tmp_path)
    stores.discard(tmp_path)


@pytest.fixture
def tables(fleet):
    """The keyspace of the fleet, as it is stored."""
    return Tables(fleet.keyspace)


@pytest.fixture(scope="module")
def shared_fleet(tmp_path_factory):
    """One server on a keyspace that the tests of a file share."""
    made = Fleet(tmp_path_factory.mktemp("shared"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="session")
def shared_keyspace(tmp_path_factory):
    """A keyspace for the pairs of all files: making its tables takes longer than most tests."""
    return stores.keyspace_of(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def file_pair(tmp_path_factory, shared_keyspace, request):
    made = Fleet(tmp_path_factory.mktemp(request.module.__name__), shared_keyspace)
    made.start(2, args=getattr(request.module, "SERVE", ()))
    yield made
    made.end()


@pytest.fixture
def pair(file_pair):
    """
    Two servers that the tests of a file share, at rest; they are started with the file's SERVE. A test may stop and kill
    servers, and start some more: two run again afterwards.
    """
    file_pair.mend(2)
    file_pair.settle()
    servers.RUNNING.append(Heard(file_pair))
    yield file_pair
    servers.RUNNING.pop()
    for server in file_pair.running():
        server.thaw()
        server.check_alive()
        server.check_stderr()


@pytest.fixture
def box(fleet):
    """Factories on the fleet's first server."""
    return Box(fleet[0] if fleet.servers else fleet.start())
