"""What the conftests of the black-box and of the fault tests share: servers that end well, and are heard when they do not."""

from contextlib import contextmanager

import pytest
import stores
from harness import Server

RUNNING = []


def pytest_configure(config):
    config.addinivalue_line("markers", "embedded: is about the embedded store or its files; left out on a cluster")
    # A guard against hanging, never a judge.
    if config.pluginmanager.hasplugin("timeout") and not config.getoption("timeout", None):
        config.option.timeout = 300 if stores.CLUSTER else 120


def pytest_collection_modifyitems(config, items):
    """On a cluster leave out what is about files."""
    if stores.CLUSTER:
        left_out = [item for item in items if item.get_closest_marker("embedded")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_sessionfinish():
    stores.end()


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


@contextmanager
def starting_servers(folder):
    """A function that starts a server of the test's own; it is stopped at the end, and that must go well."""
    made = []

    def start(data_dir="data", kind=Server, **kwargs):
        server = kind(folder / data_dir, **kwargs)
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
        for server in made:
            stores.discard(server.data_dir)
