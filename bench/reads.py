"""Reads beside nginx, which serves the very same bytes from files in memory. Alternating runs, medians, ratios.

Each case is read over 64 connections as fast as it goes; some again while 1,000 seats a second change. Then at 70 % of
what was reached, in an open loop, for the latency."""
import contextlib
import dataclasses
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

import common
import peers

CONNECTIONS = 64
EVENTS = 40  # published
CHANGES = 1000  # a second, where seats change
BACK = 5  # a delta is asked for so many changes ago
PEAK_SHARE = 0.7
TOLERANCE = 0.02  # of the mean size of a reply: numbers in it grow while seats change


@dataclasses.dataclass
class Case:
    name: str
    file: str  # of nginx
    path: str  # of boxoffice
    headers: dict = dataclasses.field(default_factory=dict)
    unchanged: bool = False  # If-None-Match with the ETag, answered 304
    changing: bool = False
    goal: float = 1.2
    least: float = 1.2  # below is a miss, between it and the goal is work left
    latency: bool = False
    follow: bool = False  # {since} is in the path: the newest change that was seen, less BACK


def cases(event):
    """The same names of files: the same files."""
    octets, gzip = {"Accept": "application/octet-stream"}, {"Accept-Encoding": "gzip"}
    since = event.path + "/availability?since="
    return [
        Case("event page", "event", event.path, latency=True),
        Case(f"list of {EVENTS} events", "list", "/v1/events"),
        Case("sections", "sections", event.path + "/sections"),
        Case("availability, JSON", "availability", event.path + "/availability", latency=True),
        Case("availability, bytes", "bytes", event.path + "/availability", octets),
        Case(f"delta of {BACK} changes", "delta", f"{since}{event.seq - BACK}"),
        Case("availability, not modified", "availability", event.path + "/availability", unchanged=True),
        Case("seat map, gzip", "map", event.path + "/seatmap", gzip),
        Case("event page, seats change", "event", event.path, changing=True),
        Case("availability, JSON, seats change", "availability", event.path + "/availability", changing=True, least=1.0, latency=True),
        Case("delta, seats change", "delta", since + "{since}", changing=True, follow=True),
    ]


def exchange(url, path, headers):
    """One GET: status, headers, body, and the bytes of the whole reply."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as s:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        s.sendall("\r\n".join(lines).encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += s.recv(65536)
        head, body = received.split(b"\r\n\r\n", 1)
        first, *rest = head.decode().split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in rest)}
        status = int(first.split()[1])
        length = 0 if status == 304 else int(fields["content-length"])
        while len(body) < length:
            body += s.recv(65536)
    return status, fields, body, len(head) + 4 + length


class Target:
    """One case on one server."""

    def __init__(self, url, path, case):
        self.url, self.path, self.case, self.idle = url, path, case, []
        self.headers = dict(case.headers)
        probe = path.replace("{since}", "0")
        status, fields, self.body, self.wire = exchange(url, probe, self.headers)
        if case.unchanged:
            self.headers["If-None-Match"] = fields["etag"]
            status, _, _, self.wire = exchange(url, probe, self.headers)
        if status != (304 if case.unchanged else 200):
            raise SystemExit(f"bench: {case.name}: {url}{probe} was answered {status}")

    def requests(self, seconds):
        """Requests answered a second; notes how idle the server's core was."""
        idle = common.idle_share(common.SERVER_CPU)
        # wrk waits for a body after a 304 that has a Content-Length, and its scripts are too slow to follow an event.
        rate = self.closed_loop(seconds) if self.case.follow or self.case.unchanged else self.wrk(seconds)
        self.idle.append(idle())
        return rate

    def wrk(self, seconds):
        headers = [word for name, value in self.headers.items() for word in ("-H", f"{name}: {value}")]
        out = common.run_pinned(common.CLIENT_CPU, ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s",
                                                    str(common.ROOT / "bench/reads.lua"), *headers, self.url + self.path])
        found = common.values(out[out.index("RESULT"):])
        mean = found["bytes"] / found["requests"]
        if found["errors"] or abs(mean / self.wire - 1) > TOLERANCE:
            raise SystemExit(f"bench: {self.case.name}: {found['errors']:.0f} errors at {self.url}, {mean:.0f} bytes a reply "
                             f"instead of {self.wire}")
        return found["requests"] / found["seconds"]

    def load(self, *more):
        """boxoffice-load checks each status; and each size, where it does not change."""
        size = ["--status", "304"] if self.case.unchanged else [] if self.case.changing else ["--bytes", str(len(self.body))]
        headers = [word for name, value in self.headers.items() for word in ("--header", f"{name}: {value}")]
        return common.values(common.run_pinned(common.CLIENT_CPU, [common.LOAD, "reads", "--url", self.url + self.path,
                                                                   "--connections", str(CONNECTIONS), *size, *headers, *more]))

    def closed_loop(self, seconds):
        return self.load("--seconds", str(seconds), "--back", str(BACK))["rate"]

    def latency(self, rate, seconds):
        return self.load("--seconds", str(seconds), "--rate", f"{rate:.1f}")


class Event:
    """Applies changes to boxoffice: from the client's core, whoever is measured."""

    def __init__(self, boxoffice):
        self.boxoffice, self.path = boxoffice, boxoffice.path
        self.rates = []
        self.seq = int(self.change(50, 20).wait_and_read()["count"]) + 1  # the first change made the event

    def change(self, rate, count):
        command = [common.LOAD, "changes", *self.boxoffice.event_options(), "--rate", str(rate), "--seconds", str(count / rate)]
        return Changes(common.pinned(common.CLIENT_CPU, command, stdout=subprocess.PIPE, text=True))

    @contextlib.contextmanager
    def changing(self, case, seconds):
        """Changes at CHANGES a second, from a little before until a little after, if the case wants them."""
        if not case.changing:
            yield
            return
        changes = self.change(CHANGES, CHANGES * (seconds + 1))
        time.sleep(0.3)
        yield
        self.rates.append(changes.wait_and_read()["rate"])


class Changes:
    def __init__(self, process):
        self.process = process

    def wait_and_read(self):
        out, _ = self.process.communicate()
        if self.process.returncode != 0:
            raise SystemExit("bench: changes were not applied")
        return common.values(out)


def serve_files(nginx, boxoffice, event):
    """Give nginx what boxoffice answers."""
    for case in cases(event):
        if case.changing:
            continue
        _, _, body, _ = exchange(boxoffice.url, case.path, case.headers)
        nginx.add(case.file + (".gz" if case.headers.get("Accept-Encoding") == "gzip" else ""), body)


def faster(nginx, case):
    """nginx with or without sendfile, whichever is faster for this file."""
    found = {}
    for how, url in nginx.urls.items():
        path = f"/{case.file}?since={{since}}" if case.follow else f"/{case.file}"
        target = Target(url, path, case)
        found[how] = (target.requests(1), target)
    best = max(found, key=lambda how: found[how][0])
    found[best][1].how = best
    return found[best][1]


def measure(case, boxoffice, nginx, event, args):
    ours, theirs = Target(boxoffice.url, case.path, case), faster(nginx, case)
    if not case.changing and ours.body != theirs.body:
        raise SystemExit(f"bench: {case.name}: the two do not answer the same bytes")

    def run(target):
        with event.changing(case, args.seconds):
            return target.requests(args.seconds)

    figures = common.alternate({"boxoffice": lambda: run(ours), "nginx": lambda: run(theirs)}, args.runs, case.name, "/s")
    latencies = {"boxoffice": [], "nginx": []}
    for _ in range(args.runs if case.latency else 0):
        for name, target in {"boxoffice": ours, "nginx": theirs}.items():
            with event.changing(case, args.seconds):
                latencies[name].append(target.latency(PEAK_SHARE * statistics.median(figures[name]), args.seconds))
    return {"case": case, "bytes": 0 if case.unchanged else len(theirs.body), "how": theirs.how,
            "idle": [statistics.median(target.idle) for target in (ours, theirs)], **figures, "latencies": latencies}


def verdict(case, ratio):
    return "met" if ratio >= case.goal else "missed" if ratio < case.least else "work left"


def report(results, rates, args):
    lines = [*common.heading("reads", args),
             "| case | bytes | boxoffice/s (median) | min to max | nginx/s (median) | core idle | boxoffice is | goal |",
             "|---|---:|---:|---|---:|---|---:|---|"]
    for r in results:
        ours, theirs = statistics.median(r["boxoffice"]), statistics.median(r["nginx"])
        lines.append(f"| {r['case'].name} | {r['bytes']:,} | {ours:,.0f} | {min(r['boxoffice']):,.0f} to {max(r['boxoffice']):,.0f} | "
                     f"{theirs:,.0f} | {r['idle'][0]:.0%}, {r['idle'][1]:.0%} | {ours / theirs:.2f}x | {r['case'].goal}x: "
                     f"{verdict(r['case'], ours / theirs)} |")
    lines += ["", f"`wrk -t1 -c{CONNECTIONS}` on the client's core, every answer 200 (or 304) and of the expected size; boxoffice with",
              "`--http-threads 1`, nginx with one worker, both on the server's core. nginx serves what boxoffice answered, as files in",
              "memory (the seat map compressed beforehand), with or without sendfile, whichever is faster for the file (with it:",
              (", ".join(sorted({r["case"].file for r in results if r["how"] == "sendfile on"})) or "none") + ").", "",
              "\"Core idle\": the share of the runs in which the server's core had nothing to do, boxoffice's and nginx's. Far from 0 the",
              "client was the limit and not the server, which could do more; that draws the ratio towards 1.", "",
              f"\"Seats change\": a writer on the client's core blocks and gives back single seats, {CHANGES:,} durable changes a second",
              f"(reached: {min(rates):,.0f} to {max(rates):,.0f}). While nginx is read the same writer works on a boxoffice that nobody",
              "reads. So in both columns the client's core pays for the writer, and the server's core for applying and syncing the changes; nginx itself",
              f"knows nothing of them, its files stay as they were. \"Not modified\" and the delta while seats change, where the last {BACK}",
              "changes are asked for as they come, are read with `boxoffice-load` in place of wrk, both servers in the same way.", "",
              f"Latency at {PEAK_SHARE:.0%} of the median above, each of its own, in an open loop (from when a request was due):", "",
              "| case | system | requests/s | p50 | p99 | p99.9 | goal |", "|---|---|---:|---:|---:|---:|---|"]
    for r in results:
        for name, found in r["latencies"].items():
            if not found:
                continue
            ms = {q: statistics.median(run[q] for run in found) for q in ("p50_ms", "p99_ms", "p999_ms", "rate")}
            goal = f"p99 < 2 ms: {'met' if ms['p99_ms'] < 2 else 'missed'}" if name == "boxoffice" else ""
            lines.append(f"| {r['case'].name} | {name} | {ms['rate']:,.0f} | {ms['p50_ms']:.2f} ms | {ms['p99_ms']:.2f} ms | "
                         f"{ms['p999_ms']:.2f} ms | {goal} |")
    return lines


def main():
    args = common.arguments(__doc__, seconds=2).parse_args()
    folder = common.scratch()
    memory = pathlib.Path(tempfile.mkdtemp(prefix="boxoffice-bench-", dir="/dev/shm"))
    boxoffice, nginx, started = common.Boxoffice(folder), peers.Nginx(memory), []
    try:
        boxoffice.start()
        started.append(boxoffice)
        boxoffice.load_demo()
        venue = boxoffice.get("/v1/events?slug=demo-hall")["events"][0]["venue_id"]
        for n in range(EVENTS - 2):
            boxoffice.post("/v1/events", {"venue_id": venue, "name": f"Night {n}", "slug": f"night-{n}", "currency": "EUR",
                                          "date": "2030-01-01T00:00:00Z", "published": True})
        event = Event(boxoffice)
        serve_files(nginx, boxoffice, event)
        nginx.start()
        started.append(nginx)
        results = [measure(case, boxoffice, nginx, event, args) for case in cases(event)]
    finally:
        for system in reversed(started):
            system.stop()
        for path in (folder, memory):
            shutil.rmtree(path, ignore_errors=True)
    common.write_section(args.output, "Reads", report(results, event.rates, args))


if __name__ == "__main__":
    main()
