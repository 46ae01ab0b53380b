"""How late holds end: with 100,000 live at a time while others begin at half the peak, and 20,000 deadlines within a second while
5,000 clients want those seats. The server's own histogram says how late; the rules of selling are checked afterwards."""
import re
import statistics
import threading
import time
import urllib.request

import common

LIVE = 100_000     # holds at a time
STEADY = 20        # seconds in which as many end as begin
WAVE = 20_000      # holds that end within about a second
CROWD = 5_000      # connections that want their seats
CONNECTIONS = 64


class Server(common.Boxoffice):
    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics") as reply:
            return reply.read().decode()

    def live(self):
        return int(re.search(r"^boxoffice_live_holds (\d+)", self.metrics(), re.M)[1])

    def lateness(self):
        """[(upper bound in ms, how many so far)]"""
        found = re.findall(r'^boxoffice_expiry_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)', self.metrics(), re.M)
        return [(float(bound) * 1000, int(count)) for bound, count in found]

    def bench(self, *options):
        return common.bench("holds", *options, server=self)

    def events(self):
        found, cursor = [], ""
        while True:
            page = self.get("/v1/events?limit=100" + cursor)
            found += page["events"]
            if not page["next_cursor"]:
                return found
            cursor = "&cursor=" + page["next_cursor"]


def quantile(before, after, share):
    """The bound of the bucket in which this share of what came between the two lies."""
    counts = [(bound, late - early) for (bound, early), (_, late) in zip(before, after)]
    return next(bound for bound, count in counts if count >= share * counts[-1][1])


def watched(server, work):
    """work() and the most holds that were live meanwhile."""
    most, done = 0, threading.Event()

    def watch():
        nonlocal most
        while not done.wait(0.2):
            most = max(most, server.live())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = work()
    finally:
        done.set()
        watcher.join()
    return result, most


def steady(server, rate):
    """Holds at a constant rate; after hold_seconds as many end as begin."""
    keep = -(-LIVE // rate)
    before = server.lateness()
    report, most = watched(server, lambda: server.bench("--rate", rate, "--connections", CONNECTIONS, "--hold-seconds", keep,
                                                        "--warmup", keep, "--seconds", STEADY))
    after = server.lateness()
    hold = common.kind(report, "hold")
    return {"keep": keep, "live": most, "rate": hold["count"] / report["seconds"], "hold_p99": hold["p99_ms"],
            "ended": after[-1][1] - before[-1][1], "p50": quantile(before, after, 0.5), "p99": quantile(before, after, 0.99),
            "all": quantile(before, after, 1)}


LUA = """
local events, token, count = {events}, "{token}", 0
function request()
    count = count + 1
    return wrk.format("POST", "/v1/events/" .. events[count % #events + 1] .. "/holds",
        {{["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token}},
        '{{"seat_indexes":[' .. math.random(0, {seats} - 1) .. ']}}')
end
"""


def wave(server, folder, peak):
    """As many holds as quickly as possible; a crowd asks for the same seats until long after they ended."""
    keep, seconds = 12, WAVE / peak
    known = {e["event_id"] for e in server.events()}
    before = server.lateness()
    server.bench("--connections", CONNECTIONS, "--hold-seconds", keep, "--warmup", 0, "--seconds", seconds, "--no-verify",
                 "--seats", WAVE)
    events = [e["event_id"] for e in server.events() if e["event_id"] not in known and e["counts"]["held"]]
    script = folder / "crowd.lua"
    token = server.post("/v1/sessions", None)["token"]
    script.write_text(LUA.format(events="{" + ",".join(f'"{e}"' for e in events) + "}", token=token, seats=WAVE))
    common.run_pinned(common.CLIENT_CPU, ["wrk", "-t1", f"-c{CROWD}", f"-d{keep + 2}s", "--timeout", "10s", "-s", str(script), server.url])
    time.sleep(keep + 1)  # what the crowd has won ends, too, in its own time
    after = server.lateness()
    return {"ended": after[-1][1] - before[-1][1], "p99": quantile(before, after, 0.99), "all": quantile(before, after, 1)}


def main():
    args = common.arguments(__doc__, seconds=4).parse_args()
    runs, waves, peaks = [], [], []
    for run in range(args.runs):
        folder = common.scratch()
        server = Server(folder)
        with common.running(folder, [server]):
            report = server.bench("--connections", CONNECTIONS, "--seconds", args.seconds, "--no-verify")
            peaks.append(common.kind(report, "hold")["count"] / report["seconds"])
            runs.append(steady(server, int(peaks[-1] / 2)))
            waves.append(wave(server, folder, peaks[-1]))
            print(f"bench: expiry, run {run + 1} of {args.runs}: {runs[-1]}, wave: {waves[-1]}")

    def middle(rows, name):
        return statistics.median(row[name] for row in rows)

    def verdict(value, goal):
        return f"{value:g} ms; goal {goal} ms: {'met' if value <= goal else 'missed'}"
    lines = [*common.heading("expiry", args),
             "| what | figure |", "|---|---|",
             f"| peak of durable holds, {CONNECTIONS} connections | {statistics.median(peaks):,.0f}/s |",
             f"| holds begun at half of it, open loop | {middle(runs, 'rate'):,.0f}/s, p99 {middle(runs, 'hold_p99'):.1f} ms |",
             f"| live at a time, at most | {middle(runs, 'live'):,.0f} |",
             f"| ended by time | {middle(runs, 'ended'):,.0f} |",
             f"| how late: half of them at most | {middle(runs, 'p50'):g} ms |",
             f"| 99 % at most | {verdict(middle(runs, 'p99'), 10)} |",
             f"| all at most | {middle(runs, 'all'):g} ms |",
             f"| {WAVE:,} that end within about a second, while {CROWD:,} connections want their seats: 99 % at most | {verdict(middle(waves, 'p99'), 100)} |",
             f"| all at most | {middle(waves, 'all'):g} ms |", "",
             "Medians. Lateness is from the deadline until the end is durable and shown, by the server's histogram",
             "(`boxoffice_expiry_lateness_seconds`), so each figure is a bound of its buckets. Afterwards the rules of selling are checked",
             "over the interface: each hold ended exactly once, with its row in the change log."]
    common.write_section(args.output, "Holds that end by time", lines)


if __name__ == "__main__":
    main()
