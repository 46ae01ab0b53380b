"""Fixtures: one server that most tests share, and servers of their own for those that stop or set up theirs."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from box import Box  # noqa: E402
from harness import Server  # noqa: E402
from servers import (  # noqa: E402, F401
    RUNNING,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    starting_servers,
)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that most tests share; each makes what it needs."""
    shared = Server(tmp_path_factory.mktemp("shared") / "data").start()
    RUNNING.append(shared)
    yield shared
    if shared.process is not None:
        shared.stop()


@pytest.fixture
def box(server):
    """Factories on the shared server, which must live through the test without a sanitizer's report."""
    yield Box(server)
    server.check_alive()
    server.check_stderr()


@pytest.fixture
def new_server(tmp_path):
    """A function that starts a server of the test's own (servers.py)."""
    with starting_servers(tmp_path) as start:
        yield start


@pytest.fixture
def own_box(new_server):
    """Factories on a server of the test's own."""
    return Box(new_server())
