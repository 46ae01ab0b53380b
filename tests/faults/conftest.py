"""Servers, and ways to make things fail. The harness is that of tests/api."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "api"))

from box import Box  # noqa: E402
from faults import Mounts  # noqa: E402
from servers import pytest_configure, pytest_runtest_makereport, starting_servers  # noqa: E402, F401


@pytest.fixture
def mounts(tmp_path):
    """File systems of the test's own (tests that need them are skipped where mounting is not allowed)."""
    made = Mounts(tmp_path)
    yield made
    made.unmount()


@pytest.fixture
def new_server(mounts, tmp_path):
    """A function that starts a server of the test's own; it ends before file systems are unmounted."""
    with starting_servers(tmp_path) as start:
        yield start


@pytest.fixture
def own_box(new_server):
    """Factories on a server of the test's own."""
    return Box(new_server())
