"""What the conftests of the black-box and of the fault tests share: servers that end well, and are heard when they do not."""

from contextlib import contextmanager

import pytest
from harness import Server

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
