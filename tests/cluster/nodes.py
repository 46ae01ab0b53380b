"""The nodes of the tests' cluster: freeze, thaw, kill, start again (tests/cluster/cassandra/cassandra.sh started them)."""

import os
import signal
import subprocess
from pathlib import Path

import stores

SCRIPT = Path(__file__).parent / "cassandra" / "cassandra.sh"


def script(*arguments):
    """One call of cassandra.sh; its output."""
    done = subprocess.run([SCRIPT, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, f"cassandra.sh {arguments}: {done.stderr}"
    return done.stdout.strip()


class Nodes:
    """Nodes 1 to count. What a test did to them is undone by mend()."""

    def __init__(self):
        self.count = len(stores.HOSTS)
        self.frozen, self.dead = set(), set()

    def host(self, node):
        return stores.HOSTS[node - 1]

    def node(self, host):
        """The number of a host, as cql_coordinator() or a metric names it."""
        return stores.HOSTS.index(host.partition(":")[0]) + 1

    def _signal(self, node, number):
        os.kill(int(script("pid", node)), number)

    def freeze(self, node):
        self._signal(node, signal.SIGSTOP)
        self.frozen.add(node)

    def thaw(self, node):
        self._signal(node, signal.SIGCONT)
        self.frozen.discard(node)

    def kill(self, node):
        self._signal(node, signal.SIGKILL)
        self.frozen.discard(node)
        self.dead.add(node)

    def restart(self, node):
        """A killed node with its data; returns when all that live know that it is up."""
        script("restart", node)
        self.dead.discard(node)

    def mend(self):
        for node in list(self.frozen):
            self.thaw(node)
        for node in list(self.dead):
            self.restart(node)
