"""Several boxoffice servers on one keyspace."""

import base64

import stores
from box import until
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
        self._secret = None

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

    @property
    def store(self):
        return stores.url_of(self.keyspace)

    # ---- what the servers say to each other ----

    @property
    def secret(self):
        """The header that a server shows another one."""
        if self._secret is None:
            statement = f"SELECT value FROM {self.keyspace}.secrets WHERE name = 'cluster-secret'"
            [row] = stores.cassandra().execute(statement)
            self._secret = base64.urlsafe_b64encode(row["value"]).rstrip(b"=").decode("ascii")
        return {"Boxoffice-Cluster": self._secret}

    def homes(self, event_id, among=None):
        """The servers that believe to be home of an event: only a home gives its image away."""
        path = f"/internal/v1/events/{event_id}/image"
        asked = self.running() if among is None else among
        return [server for server in asked if server.http.get(path, headers=self.secret).status_code == 200]

    def home(self, event_id, among=None):
        """The server that decides about an event; while it moves, nobody does."""
        return until(lambda: self.homes(event_id, among), f"a home of event {event_id}")[0]

    def follower(self, event_id):
        """A server that does not."""
        home = self.home(event_id)
        return next(server for server in self.running() if server is not home)

    def settle(self, *events):
        """Wait until all that run are fit, know of each other, and show each of these events at one seq."""
        others = len(self.running()) - 1
        state = f"in the cluster; {others} other servers live, {others} of them fit to decide;"

        def settled():
            states = [self.state(server) for server in self.running()]
            return all(said.startswith(state) and " 0 nowhere" in said for said in states)

        until(settled, "a fleet at rest")
        for event in events:
            until(lambda event=event: len(self.seqs(event)) == 1 and None not in self.seqs(event),
                  f"one seq of event {event.id} everywhere")

    def state(self, server):
        """What a server says of itself; it may not be ready."""
        reply = server.public.get("/readyz", expect=(200, 503))
        return reply["cluster"] if reply.status == 200 else reply["detail"]

    def seqs(self, event):
        """At which changes the servers show an event; None: not at all."""
        replies = [server.key.get(event.path, expect=(200, 404)) for server in self.running()]
        return {reply.seq if reply.status == 200 else None for reply in replies}

    def mend(self, count):
        """Let exactly so many run: the first ones."""
        for server in self.running():
            server.thaw()
        for server in self.running()[count:]:
            server.stop()
        for server in self.servers:
            if server.process is None and len(self.running()) < count:
                server.start()

    # ---- the end ----

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
