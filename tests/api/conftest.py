"""Fixtures: one server that most tests share, and servers of their own for those that stop or set up theirs."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from box import Box  # noqa: E402
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
    """A function that starts a server of the test's own; it is stopped at the end, and that must go well."""
    made = []

    def start(name="data", **kwargs):
        server = Server(tmp_path / name, **kwargs)
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
