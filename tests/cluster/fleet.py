"""Several boxoffice servers on one keyspace."""

import stores
from harness import Server


class Fleet:
    """
    Servers of one keyspace, each with a folder of its own. They are started by start() and ended by end(); a test may
    kill, freeze and thaw them meanwhile (harness.Server).
    """

    def __init__(self, folder, keyspace=None):
        self.folder = folder
        self.keyspace = keyspace or stores.keyspace_of(folder)
        self.servers = []

    def start(self, count=1, **kwargs):
        """Some more servers, one after the other; the first makes the keyspace. Returns the last."""
        for _ in range(count):
            folder = self.folder / f"server{len(self.servers) + 1}"
            self.servers.append(Server(folder, store=stores.url_of(self.keyspace), **kwargs))
            self.servers[-1].start()
        return self.servers[-1]

    def __getitem__(self, index):
        return self.servers[index]

    def __iter__(self):
        return iter(self.servers)

    def running(self):
        return [server for server in self.servers if server.process is not None]

    def stop(self):
        """All that run end as SIGTERM has it, and that must go well."""
        for server in self.running():
            server.thaw()
        for server in self.running():
            server.stop()

    def end(self):
        try:
            self.stop()
        finally:
            for server in self.running():
                server.kill()
            stores.discard(self.folder)
