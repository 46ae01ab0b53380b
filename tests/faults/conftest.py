"""Servers, and ways to make things fail. The harness is that of tests/api."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "api"))

from box import Box  # noqa: E402
from faults import Mounts  # noqa: E402
from harness import Server  # noqa: E402

RUNNING = []


def pytest_configure(config):
    # A guard against hanging, never a judge.
    if config.pluginmanager.hasplugin("timeout") and not config.getoption("timeout", None):
        config.option.timeout = 120


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the servers wrote to standard error beside a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for server in RUNNING:
            text = server.stderr()
            if text:
                report.sections.append((f"standard error of {server.data_dir.name}", text[-6000:]))


@pytest.fixture
def mounts(tmp_path):
    """File systems of the test's own (tests that need them are skipped where mounting is not allowed)."""
    made = Mounts(tmp_path)
    yield made
    made.unmount()


@pytest.fixture
def new_server(mounts, tmp_path):
    """A function that makes a server of the test's own and starts it; it ends before file systems are unmounted."""
    made = []

    def start(data_dir="data", kind=Server, **kwargs):
        server = kind(tmp_path / data_dir, **kwargs)
        made.append(server)
        RUNNING.append(server)
        return server.start()

    yield start
    try:
        for server in made:
            if server.process is not None:
                server.stop()
    finally:
        for server in made:
            RUNNING.remove(server)
            if server.process is not None:
                server.kill()


@pytest.fixture
def own_box(new_server):
    """Factories on a server of the test's own."""
    return Box(new_server())
