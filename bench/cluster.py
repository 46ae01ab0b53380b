"""A cluster: what boxoffice makes of it. Holds of one hot event beside one LWT per hold by the CQL client alone; one server and
two, buyers at the home and at a follower; refusals, reads and the creation of 50,000 tickets beside the embedded store.
Alternating runs on a warm cluster, medians, ratios.

Without --hosts it starts nodes of its own (tests/cluster/cassandra/cassandra.sh) and stops them. With it, the keyspace that it made
is left behind, and its name is said."""
import os
import re
import statistics
import subprocess
import sys
import time
import urllib.error

import common
import holds

LWT = str(common.ROOT / "build/release/boxoffice-lwt")
NODES = str(common.ROOT / "tests/cluster/cassandra/cassandra.sh")
SEATS = holds.SEATS
CONNECTIONS = 256  # buyers at once
LWTS_AT_ONCE = 64  # with more they only wait longer for each other
WARM_LWTS = 5000  # a new cluster's first some 2,000 take 20 ms and more each
LWTS_PER_SECOND_MAX = 4000
RESULT = re.compile(r"RESULT (?:held|made)=(\d+) other=(\d+) seconds=([\d.]+) p50_ms=([\d.]+) p99_ms=([\d.]+)")


class Server(holds.Boxoffice):
    """A server, embedded or on the cluster. Nodes, servers and load share all cores: nothing is pinned."""

    cpu = f"0-{os.cpu_count() - 1}"

    def __init__(self, folder, name, store="embedded", beside=None):
        (folder / name).mkdir(parents=True)
        super().__init__(folder / name)
        self.name, self.store, self.beside = name, store, beside
        self.more = ["--store", store]
        self.created_ms = []
        self.count = 0 if beside is None else 1_000_000  # two servers must not name their events alike

    def start(self):
        if self.beside is None:
            super().start()
            return
        common.Boxoffice.start(self)  # the venue and the buyers are those of the other server
        self.venue, self.tokens = self.beside.venue, self.beside.tokens
        self.wait_for(f"/v1/venues/{self.venue}")

    def wait_for(self, path):
        """Shown here, too."""
        end = time.monotonic() + 60
        while True:
            try:
                return self.get(path)
            except urllib.error.HTTPError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def new_event(self):
        """50,000 tickets, timed. Its home is the server that was asked."""
        began = time.monotonic()
        event = super().new_event()
        self.created_ms.append((time.monotonic() - began) * 1000)
        return event


class Wrk:
    """wrk processes at once; what they did together."""

    def __init__(self):
        self.running = []

    def add(self, server, connections, seconds, script, path="", **env):
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(common.ROOT / "bench" / script), server.url + path]
        self.running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **env}))

    def end(self):
        """Answers a second, and the p50 and p99 of the slowest process. Anything that was not as wanted ends the benchmark."""
        rate, p50, p99 = 0, 0, 0
        for process in self.running:
            out = process.communicate()[0]
            found = RESULT.search(out)
            if not found or int(found[2]):
                raise SystemExit(f"bench: not every request was answered as it should: {out[-500:]}")
            rate += int(found[1]) / float(found[3])
            p50, p99 = max(p50, float(found[4])), max(p99, float(found[5]))
        return rate, p50, p99


class Bench:
    """What is measured; each method is one run and gives a rate."""

    def __init__(self, args, folder, hosts, keyspace, servers):
        self.args, self.folder, self.hosts, self.keyspace = args, folder, hosts, keyspace
        self.embedded, self.first, self.second = servers
        self.latency = {}  # of holds: {system: [(p50, p99)]}

    def lwt(self, seats=None):
        seats = seats or int(self.args.seconds * LWTS_PER_SECOND_MAX)
        out = subprocess.run([LWT, self.hosts, self.keyspace, str(seats), str(LWTS_AT_ONCE), str(self.args.seconds)], check=True,
                             capture_output=True, text=True).stdout
        held, _, seconds, p50, p99 = RESULT.search(out).groups()
        self.latency.setdefault("lwt", []).append((float(p50), float(p99)))
        return int(held) / float(seconds)

    def holds(self, name, *parts):
        """Parts (event's home, server that buyers use, connections) at once; those that name one home share its event."""
        events, wrk, starts = {}, Wrk(), []
        for index, (home, server, connections, key) in enumerate(parts):
            if key not in events:
                events[key] = home.new_event()
            server.wait_for(f"/v1/events/{events[key]}")
            file = self.folder / f"events{index}"
            file.write_text(events[key] + "\n")
            starts.append((server, connections, file))
        for index, (server, connections, file) in enumerate(starts):
            # Buyers of one event at two servers want different seats: the second begins in the middle.
            wrk.add(server, connections, self.args.seconds, "holds.lua", HOLD_EVENTS=str(file), HOLD_SEATS=str(SEATS),
                    HOLD_TOKENS=str(server.tokens), HOLD_FIRST=str(index * SEATS // len(starts) if len(events) == 1 else 0))
        rate, *latency = wrk.end()
        self.latency.setdefault(name, []).append(latency)
        return rate

    def home(self):
        return self.holds("home", (self.first, self.first, CONNECTIONS, 1))

    def follower(self):
        return self.holds("follower", (self.first, self.second, CONNECTIONS, 1))

    def both(self):
        return self.holds("both", (self.first, self.first, CONNECTIONS // 2, 1), (self.first, self.second, CONNECTIONS // 2, 1))

    def four(self):
        quarter = CONNECTIONS // 4
        return self.holds("four", (self.first, self.first, quarter, 1), (self.first, self.first, quarter, 2),
                          (self.second, self.second, quarter, 3), (self.second, self.second, quarter, 4))

    def one_embedded(self):
        return self.holds("embedded", (self.embedded, self.embedded, CONNECTIONS, 1))

    def refusals(self, home, server):
        """Of a seat that is taken, a second."""
        event = self.taken(home)
        server.wait_for(f"/v1/events/{event}")
        wrk = Wrk()
        wrk.add(server, CONNECTIONS, self.args.seconds, "refusals.lua", REFUSE_EVENT=event, REFUSE_TOKENS=str(server.tokens))
        return wrk.end()[0]

    def taken(self, home):
        """An event whose first seat is sold out of reach, made once for each home."""
        if not hasattr(home, "taken_event"):
            home.taken_event = home.new_event()
            ticket = home.get(f"/v1/events/{home.taken_event}/tickets?limit=1")["tickets"][0]["ticket_id"]
            home.post(f"/v1/events/{home.taken_event}/block", {"ticket_ids": [ticket]})
        return home.taken_event

    def reads(self, home, server):
        """Of the availability of 50,000 seats, as bytes, a second."""
        path = f"/v1/events/{self.taken(home)}/availability"
        server.wait_for(path)
        out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.args.seconds}s", "-H", "Accept: application/octet-stream", "-s",
                              str(common.ROOT / "bench/reads.lua"), server.url + path], check=True, capture_output=True, text=True).stdout
        found = re.search(r"RESULT requests=(\d+) bytes=\d+ errors=(\d+) seconds=([\d.]+)", out)
        if int(found[2]):
            raise SystemExit(f"bench: {found[2]} reads failed")
        return int(found[1]) / float(found[3])


def start_nodes(count):
    subprocess.run([NODES, "start", str(count)], check=True, stdout=sys.stderr)
    return subprocess.run([NODES, "hosts", str(count)], check=True, capture_output=True, text=True).stdout.strip()


def warm(bench):
    """Until a cluster that has just begun is as quick as it gets."""
    done, rate = 0, 0
    while done < WARM_LWTS:
        rate = bench.lwt()
        done += rate * bench.args.seconds
        print(f"bench: warming the cluster: {rate:,.0f} LWTs a second", file=sys.stderr)
    bench.latency.clear()


SYSTEMS = {
    "lwt": "one LWT per hold, the CQL client alone",
    "home": "boxoffice, one server",
    "follower": "boxoffice, all buyers at a server that is not the event's home",
    "both": "boxoffice, buyers at two servers",
    "four": "boxoffice, four events on two servers",
    "embedded": "boxoffice, embedded store",
}


def spread(values, form="{:,.0f}"):
    return f"{form.format(min(values))} to {form.format(max(values))}"


def report(args, where, found, latency, created):
    middle = {name: statistics.median(values) for name, values in found.items()}
    lines = [*common.heading(f"cluster --hosts {args.hosts}" if args.hosts else f"cluster --nodes {args.nodes}", args), where, "",
             f"| durable holds of one seat, {CONNECTIONS} buyers at once; LWTs {LWTS_AT_ONCE} | holds/s (median) | min to max | beside LWTs | p50 | p99 |",
             "|---|---:|---|---:|---:|---:|"]
    for name, text in SYSTEMS.items():
        p50, p99 = (statistics.median(column) for column in zip(*latency[name]))
        ratio = f"{middle[name] / middle['lwt']:.2f}x"
        lines.append(f"| {text} | {middle[name]:,.0f} | {spread(found[name])} | {ratio} | {p50:.1f} ms | {p99:.1f} ms |")
    lines += ["", "| what else | on the cluster (median) | min to max | embedded (median) | ratio |", "|---|---:|---|---:|---:|"]

    def row(text, ours, theirs, unit="/s"):
        values, base = found[ours] if ours in found else created[ours], found.get(theirs) or created[theirs]
        lines.append(f"| {text} | {statistics.median(values):,.0f}{unit} | {spread(values)} | {statistics.median(base):,.0f}{unit} | "
                     f"{statistics.median(values) / statistics.median(base):.2f}x |")

    row("refusals of a taken seat, at the home", "refused at home", "refused embedded")
    row("refusals of a taken seat, at a follower", "refused at follower", "refused embedded")
    row("availability of 50,000 seats, at the home", "read at home", "read embedded")
    row("availability of 50,000 seats, at a follower", "read at follower", "read embedded")
    row(f"an event with {SEATS:,} tickets is created", "created on the cluster", "created embedded", " ms")
    return [*lines, "",
            "Nodes, servers and load share the machine's cores, nothing is pinned: what is compared within this section is comparable, and the",
            "rates are not those of a cluster with machines of its own. The CQL client alone sends one conditional UPDATE per hold, each of a",
            "seat of its own, and writes no order_queue row, no log and no record; boxoffice writes all of them before it answers. p50 and p99",
            "are of a closed loop, and with several wrk of the slowest."]


def measure(args, folder, hosts):
    keyspace = f"bench_{os.getpid()}"
    url = f"cql://{hosts}/{keyspace}"
    embedded = Server(folder, "embedded")
    first = Server(folder, "first", url)
    second = Server(folder, "second", url, beside=first)
    bench = Bench(args, folder, hosts, keyspace, (embedded, first, second))
    with common.running(folder, [embedded, first, second]):
        warm(bench)
        found = common.alternate({"lwt": bench.lwt, "home": bench.home, "follower": bench.follower, "both": bench.both,
                                  "four": bench.four, "embedded": bench.one_embedded}, args.runs, "holds", "/s")
        found |= common.alternate(
            {"refused embedded": lambda: bench.refusals(embedded, embedded), "refused at home": lambda: bench.refusals(first, first),
             "refused at follower": lambda: bench.refusals(first, second), "read embedded": lambda: bench.reads(embedded, embedded),
             "read at home": lambda: bench.reads(first, first), "read at follower": lambda: bench.reads(first, second)},
            args.runs, "refusals and reads", "/s")
        created = {"created on the cluster": first.created_ms + second.created_ms, "created embedded": embedded.created_ms}
    if args.hosts:
        print(f"bench: the keyspace {keyspace} is left on {hosts}", file=sys.stderr)
    return found, bench.latency, created


def main():
    parser = common.arguments(__doc__, seconds=4)
    parser.add_argument("--nodes", type=int, default=1, choices=[1, 2, 3], help="of its own cluster (default 1)")
    parser.add_argument("--hosts", help="a cluster that runs: HOST[,HOST]")
    args = parser.parse_args()
    folder = common.scratch()
    hosts = args.hosts or start_nodes(args.nodes)
    try:
        found, latency, created = measure(args, folder, hosts)
    finally:
        if not args.hosts:
            subprocess.run([NODES, "stop"], check=False, stdout=sys.stderr)
    nodes = "nodes that ran already" if args.hosts else f"{args.nodes} node{'s' if args.nodes > 1 else ''} of Apache Cassandra 5.0.8, paxos v2"
    common.write_section(args.output, f"A cluster, {nodes}" if args.hosts else f"A cluster of {args.nodes} node{'s' if args.nodes > 1 else ''}",
                         report(args, f"On {nodes}.", found, latency, created))


if __name__ == "__main__":
    main()
