"""Durable holds of one seat over HTTP, beside raw Redis and raw PostgreSQL. Alternating runs, medians, ratios.

usage: bench/holds.py [--runs 5] [--seconds 5] [--connections 64 256] [--output docs/benchmarks.md]
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import urllib.request

import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY = "bench-key"
SEATS = 50_000  # of an event
HOLDS_PER_SECOND_MAX = 80_000  # so many seats are made ready for each second of a run
SESSIONS = 1000


class Boxoffice:
    """The release build, as it is: authentication, JSON, order_queue row, CDC row, sync before the answer."""

    name = "boxoffice over HTTP"

    def __init__(self, folder):
        self.folder = folder / "boxoffice"
        self.count = 0

    def start(self):
        command = [str(ROOT / "build/release/boxoffice"), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.folder),
                   "--http-threads", "1"]
        self.process = peers.pinned(peers.SERVER_CPU, command, stdout=subprocess.PIPE, text=True,
                                    env={**os.environ, "BOXOFFICE_API_KEY": KEY})
        line = self.process.stdout.readline()
        self.url = line.split()[-1]
        if not self.url.startswith("http"):
            raise SystemExit("bench: the server did not start")
        venue = self.post("/v1/venues", {"name": "Field", "timezone": "UTC", "sections": [{"name": "Field", "types": [
            {"type_id": "standing", "price": "45.00", "seats_count": SEATS}]}]})
        self.venue = venue["venue_id"]
        self.tokens = self.folder.parent / "tokens"
        self.tokens.write_text("".join(self.post("/v1/sessions", None)["token"] + "\n" for _ in range(SESSIONS)))

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, method="POST", data=json.dumps(body).encode() if body else b"",
                                         headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def new_event(self):
        self.count += 1
        return self.post("/v1/events", {"venue_id": self.venue, "name": "Bench", "slug": f"bench-{self.count}", "currency": "EUR",
                                        "date": "2030-01-01T00:00:00Z", "max_tickets_per_session": 10000,
                                        "published": True})["event_id"]

    def holds(self, connections, seconds):
        """Holds a second on new events of 50,000 seats, every seat once."""
        events = self.folder.parent / "events"
        needed = seconds * HOLDS_PER_SECOND_MAX // SEATS + 1
        events.write_text("".join(self.new_event() + "\n" for _ in range(needed)))
        out = peers.run_pinned(peers.CLIENT_CPU, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(ROOT / "bench/holds.lua"), self.url],
                               env={**os.environ, "HOLD_EVENTS": str(events), "HOLD_SEATS": str(SEATS), "HOLD_TOKENS": str(self.tokens)})
        found = re.search(r"RESULT made=(\d+) other=(\d+) seconds=([\d.]+) p50_ms=([\d.]+) p99_ms=([\d.]+)", out)
        made, other = int(found[1]), int(found[2])
        if other:
            raise SystemExit(f"bench: {other} of {made + other} requests were not answered 201")
        self.latency = (float(found[4]), float(found[5]))
        return made / float(found[3])

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            raise SystemExit("bench: the server did not stop cleanly")


def measure(systems, connections, runs, seconds):
    """Alternate the systems; every figure of every run."""
    figures = {system.name: [] for system in systems}
    for run in range(runs):
        for system in systems:
            figure = system.holds(connections, seconds)
            figures[system.name].append(figure)
            print(f"bench: {connections} connections, run {run + 1} of {runs}: {system.name}: {figure:,.0f}/s", file=sys.stderr)
    return figures


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), Linux {platform.release()}"


def report(results, latencies, args):
    lines = ["# Benchmarks", "", "Written by `script/bench`. A figure counts as a ratio to what was measured beside it in the same run; the",
             "server is pinned to one core and the load to another, systems alternate, medians.", "",
             "## Durable holds of one seat", "",
             f"{datetime.date.today()}, {machine()}; {args.runs} runs of {args.seconds} s each.", "",
             f"Command: `script/bench --runs {args.runs} --seconds {args.seconds} --connections {' '.join(map(str, args.connections))}`", "",
             "| connections | system | holds/s (median) | min to max | boxoffice is |", "|---:|---|---:|---|---:|"]
    for connections, figures in results.items():
        ours = statistics.median(figures[Boxoffice.name])
        for name, values in figures.items():
            middle = statistics.median(values)
            ratio = "" if name == Boxoffice.name else f"{ours / middle:.2f}x"
            lines.append(f"| {connections} | {name} | {middle:,.0f} | {min(values):,.0f} to {max(values):,.0f} | {ratio} |")
    lines += ["", "Latency of boxoffice at full load (closed loop, so a lower bound of what an open loop would see):", ""]
    lines += [f"- {c} connections: p50 {p50:.2f} ms, p99 {p99:.2f} ms" for c, (p50, p99) in latencies.items()]
    lines += ["", "The goals are at least 2x Redis and 4x PostgreSQL. What each does per hold: boxoffice parses HTTP and JSON, checks a",
              "session's token, decides, and syncs the ticket, the hold, the order_queue row, the CDC row and the change record before it",
              "answers; Redis runs one Lua script with appendfsync always; PostgreSQL one transaction with synchronous_commit on.", ""]
    return "\n".join(lines)


def kept_notes(output):
    """What people wrote: the section "## Notes" to the end of the file stays."""
    before = output.read_text() if output.exists() else ""
    return before[before.index("\n## Notes"):] if "\n## Notes" in before else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--output", default=str(ROOT / "docs/benchmarks.md"))
    args = parser.parse_args()
    folder = peers.scratch()
    systems = [Boxoffice(folder), peers.Redis(folder), peers.Postgres(folder)]
    started, results, latencies = [], {}, {}
    try:
        for system in systems:
            system.start()
            started.append(system)
        for connections in args.connections:
            results[connections] = measure(systems, connections, args.runs, args.seconds)
            latencies[connections] = systems[0].latency
    finally:
        for system in reversed(started):
            system.stop()
        shutil.rmtree(folder, ignore_errors=True)
    output = pathlib.Path(args.output)
    text = report(results, latencies, args) + kept_notes(output)
    output.write_text(text)
    print(text)


main()
