"""The nodes of the tests' cluster: freeze, thaw, kill, start again (tests/cluster/cassandra/cassandra.sh started them)."""

import os
import signal
import subprocess
import uuid
from pathlib import Path

import stores

SCRIPT = Path(__file__).parent / "cassandra" / "cassandra.sh"


def script(*arguments, **env):
    """One call of cassandra.sh; its output."""
    done = subprocess.run([SCRIPT, *map(str, arguments)], env=os.environ | env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, f"cassandra.sh {arguments}: {done.stderr}"
    return done.stdout.strip()


def weight(token, host_id):
    """How much a host wants to coordinate a token's LWTs (drivers/cql/src/policy.rs)."""
    whole = (1 << 64) - 1

    def mix(x):
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & whole
        x = (x ^ x >> 27) * 0x94D049BB133111EB & whole
        return x ^ x >> 31

    high, low = host_id.int >> 64, host_id.int & whole
    return mix(mix(mix(token & whole) ^ high) ^ low)


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

    def coordinator(self, keyspace, event_id):
        """The node that every server sends an event's LWTs to, as long as it lives and each node has a copy."""
        cassandra = stores.cassandra()
        [row] = cassandra.execute(f"SELECT token(event_id) AS t FROM {keyspace}.tickets WHERE event_id = %s LIMIT 1", [uuid.UUID(event_id)])
        hosts = {host.host_id: host.address for host in cassandra.cluster.metadata.all_hosts()}
        first = min(hosts, key=lambda host_id: (weight(row["t"], host_id), host_id))
        return self.node(hosts[first])

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
