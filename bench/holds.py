"""Durable holds of one seat over HTTP, beside raw Redis and raw PostgreSQL. Alternating runs, medians, ratios."""
import os
import re
import statistics
import sys

import common
import peers

SEATS = 50_000  # of an event
HOLDS_PER_SECOND_MAX = 80_000  # so many seats are made ready for each second of a run
SESSIONS = 1000


class Boxoffice(common.Boxoffice):
    """Every seat once, on new events of 50,000."""

    count = 0

    def start(self):
        super().start()
        venue = self.post("/v1/venues", {"name": "Field", "timezone": "UTC", "sections": [{"name": "Field", "types": [
            {"type_id": "standing", "price": "45.00", "seats_count": SEATS}]}]})
        self.venue = venue["venue_id"]
        self.tokens = self.folder.parent / "tokens"
        self.tokens.write_text("".join(self.post("/v1/sessions", None)["token"] + "\n" for _ in range(SESSIONS)))

    def new_event(self):
        self.count += 1
        return self.post("/v1/events", {"venue_id": self.venue, "name": "Bench", "slug": f"bench-{self.count}", "currency": "EUR",
                                        "date": "2030-01-01T00:00:00Z", "max_tickets_per_session": 10000,
                                        "published": True})["event_id"]

    def holds(self, connections, seconds):
        """Holds a second."""
        events = self.folder.parent / "events"
        needed = seconds * HOLDS_PER_SECOND_MAX // SEATS + 1
        events.write_text("".join(self.new_event() + "\n" for _ in range(needed)))
        out = common.run_pinned(common.CLIENT_CPU, ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
                                                    str(common.ROOT / "bench/holds.lua"), self.url],
                                env={**os.environ, "HOLD_EVENTS": str(events), "HOLD_SEATS": str(SEATS),
                                     "HOLD_TOKENS": str(self.tokens)})
        found = re.search(r"RESULT made=(\d+) other=(\d+) seconds=([\d.]+) p50_ms=([\d.]+) p99_ms=([\d.]+)", out)
        made, other = int(found[1]), int(found[2])
        if other:
            raise SystemExit(f"bench: {other} of {made + other} requests were not answered 201")
        self.latency = (float(found[4]), float(found[5]))
        return made / float(found[3])


class Confirmed:
    """The same by the program's own load generator, on a server of its own; the rules of selling are checked after each run."""

    name = "the same, by `boxoffice bench holds`"

    def holds(self, connections, seconds):
        report = common.bench("holds", "--connections", connections, "--seconds", seconds, "--warmup", 0)
        hold = common.kind(report, "hold")
        if list(hold["statuses"]) != ["201"] or hold["errors"]:
            raise SystemExit(f"bench: not every hold was answered 201: {hold}")
        return hold["per_s"]


def moments(args, peak):
    """What else the goals ask of a hold, each on servers of its own: (what, figures of the runs, unit, goal, is it met?)."""
    rate = int(0.7 * peak)
    late, refused, best = [], [], []
    for run in range(args.runs):
        late.append(common.kind(common.bench("holds", "--rate", rate, "--seconds", args.seconds), "hold")["p99_ms"])
        refused.append(common.bench("hot-seat", "--seconds", args.seconds)["figures"]["ratio_to_healthz"])
        parties = common.kind(common.bench("best-available", "--count", 4), "best-available")
        best.append(parties["per_s"] / peak)
        print(f"bench: run {run + 1} of {args.runs}: open loop p99 {late[-1]:.1f} ms, refusals {refused[-1]:.2f}x, best available {best[-1]:.2f}x",
              file=sys.stderr)
    return [(f"p99 of a hold in an open loop at 70 % of the peak ({rate:,}/s)", late, " ms", "under 10 ms", lambda v: v < 10),
            ("refusals of one seat that everybody wants, beside /healthz in alternating slices", refused, "x", "0.8x", lambda v: v >= 0.8),
            ("best available, 4 seats together until 50,000 are gone, beside a hold of one seat", best, "x", "0.5x", lambda v: v >= 0.5)]


def report(results, latencies, others, args):
    connections = "holds --connections " + " ".join(map(str, args.connections))
    lines = [*common.heading(connections, args),
             "| connections | system | holds/s (median) | min to max | boxoffice is |", "|---:|---|---:|---|---:|"]
    for connections, figures in results.items():
        ours = statistics.median(figures[Boxoffice.name])
        for name, values in figures.items():
            middle = statistics.median(values)
            ratio = "" if name in (Boxoffice.name, Confirmed.name) else f"{ours / middle:.2f}x"
            lines.append(f"| {connections} | {name} | {middle:,.0f} | {min(values):,.0f} to {max(values):,.0f} | {ratio} |")
    lines += ["", "Latency of boxoffice at full load (closed loop, so a lower bound of what an open loop would see):", ""]
    lines += [f"- {c} connections: p50 {p50:.2f} ms, p99 {p99:.2f} ms" for c, (p50, p99) in latencies.items()]
    lines += ["", "| what else | median | min to max | goal |", "|---|---:|---|---|"]
    for what, values, unit, goal, is_met in others:
        middle = statistics.median(values)
        lines.append(f"| {what} | {middle:.2f}{unit} | {min(values):.2f} to {max(values):.2f} | {goal}: {'met' if is_met(middle) else 'missed'} |")
    lines += ["", "The goals are at least 2x Redis and 4x PostgreSQL. What each does per hold: boxoffice parses HTTP and JSON, checks a",
              "session's token, decides, and syncs the ticket, the hold, the order_queue row and the change record, which is the CDC row",
              "too, before it answers; Redis runs one Lua script with appendfsync always; PostgreSQL one transaction with",
              "synchronous_commit on. boxoffice is measured by wrk, a client that is not ours; `boxoffice bench holds` confirms it, on a new",
              "server for each run."]
    return lines


def main():
    parser = common.arguments(__doc__, seconds=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 256])
    args = parser.parse_args()
    folder = common.scratch()
    systems = [Boxoffice(folder), peers.Redis(folder), peers.Postgres(folder)]
    results, latencies = {}, {}
    with common.running(folder, systems):
        for connections in args.connections:
            measures = {system.name: lambda s=system, c=connections: s.holds(c, args.seconds) for system in [*systems, Confirmed()]}
            results[connections] = common.alternate(measures, args.runs, f"{connections} connections", "/s")
            latencies[connections] = systems[0].latency
    others = moments(args, statistics.median(results[args.connections[0]][Boxoffice.name]))
    common.write_section(args.output, "Durable holds of one seat", report(results, latencies, others, args))


if __name__ == "__main__":
    main()
