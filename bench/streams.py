"""Thousands of live streams of one event while its seats change, beside one send() of the same bytes to as many sockets.

Each run has a server of its own. Latency counts from before a change is sent until a subscriber has it, for every
change and every subscriber; all that a subscriber gets is checked."""
import shutil
import statistics
import subprocess
import sys

import common

RATE = 100  # changes a second
GOALS = {2000: {"p99_ms": 100}, 10_000: {"p99_ms": 300, "ratio": 1.5}}  # for any count:
MEMORY, BACK = 16 * 1024, 5  # bytes a subscriber, seconds


def run_streams(count, seconds, folder):
    """One run on a new server; its figures by name."""
    server = common.Boxoffice(folder)
    server.start()
    try:
        server.load_demo()
        before = server.memory()
        command = [common.LOAD, "streams", *server.event_options(), "--count", str(count), "--rate", str(RATE), "--seconds", str(seconds)]
        client = common.pinned(common.CLIENT_CPU, command, stdout=subprocess.PIPE, text=True)
        found = {}
        for line in client.stdout:
            word = line.split()[0].lower()
            found[word] = common.values(line)
            found[word]["memory"] = (server.memory() - before) / count
        if client.wait() != 0:
            raise SystemExit("bench: the streams ended early")
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
    wrong = found["checked"]["faults"] + found["checked"]["resets"] + found["steady"]["missing"]
    if wrong or not found["steady"]["reached"] or not found["back"]["reached"]:
        raise SystemExit(f"bench: streams with gaps, resets or missing changes: {found['checked']} {found['steady']}")
    return found


def run_raw(count, size):
    """The peer's median round of 20, in ms; it pins its two processes itself."""
    out = subprocess.run([common.LOAD, "raw", "--count", str(count), "--bytes", str(size), "--server-cpu", common.SERVER_CPU,
                          "--client-cpu", common.CLIENT_CPU], check=True, capture_output=True, text=True).stdout
    return common.values(out)["arrive_ms"]


def run_once(count, seconds, folder):
    found = run_streams(count, seconds, folder)
    steady, alone, back = found["steady"], found["alone"], found["back"]
    raw = run_raw(count, int(alone["message_bytes"]))
    return {"open_s": found["open"]["seconds"], "p50_ms": steady["p50_ms"], "p99_ms": steady["p99_ms"], "max_ms": steady["max_ms"],
            "answer_ms": steady["answer_p99_ms"], "rate": steady["rate"], "rounds": steady["rounds_per_s"], "busy": steady["busy"],
            "round_ms": alone["round_ms"], "whole_ms": alone["whole_ms"], "raw_ms": raw, "ratio": alone["round_ms"] / raw,
            "bytes": alone["message_bytes"], "memory": max(found["open"]["memory"], steady["memory"]), "back_s": back["last_s"]}


def report(results, args):
    counts = list(results)
    lines = [*common.heading("streams", args), "| what | " + " | ".join(f"{c:,} subscribers" for c in counts) + " |",
             "|---|" + "---:|" * len(counts)]

    def row(name, key, form, goals=None):
        """Medians with the least and the most; where a goal (the most that is good) is given, with what became of it."""
        cells = []
        for count in counts:
            figures = [run[key] for run in results[count]]
            middle, goal = statistics.median(figures), (goals or {}).get(count)
            least, most = form.format(min(figures)).split()[0], form.format(max(figures))
            verdict = f"; goal {form.format(goal)}: {'met' if middle <= goal else 'missed'}" if goal else ""
            cells.append(f"{form.format(middle)} ({least} to {most}){verdict}")
        lines.append(f"| {name} | {' | '.join(cells)} |")

    def goals(name):
        return {count: goal[name] for count, goal in GOALS.items() if name in goal}

    row("to connect all at once", "open_s", "{:.2f} s")
    row(f"{RATE} changes/s, a change at a subscriber: p50", "p50_ms", "{:.1f} ms")
    row("p99", "p99_ms", "{:.1f} ms", goals("p99_ms"))
    row("the last of all", "max_ms", "{:.1f} ms")
    row("the writer's own answer, p99", "answer_ms", "{:.1f} ms")
    row("rounds a second", "rounds", "{:.1f}")
    row("one change alone, first subscriber to last", "round_ms", "{:.1f} ms")
    row("raw round", "raw_ms", "{:.1f} ms")
    row("ratio", "ratio", "{:.2f}x", goals("ratio"))
    row("memory of a subscriber", "memory", "{:,.0f} B", dict.fromkeys(counts, MEMORY))
    row("all dropped at once, until the last is back", "back_s", "{:.2f} s", dict.fromkeys(counts, BACK))
    size = statistics.median(run["bytes"] for runs in results.values() for run in runs)
    busy = max(run["busy"] for runs in results.values() for run in runs)
    return [*lines, "",
            "Medians, in brackets the least and the most of the runs. Each run has a new server. A change counts from before it is sent,",
            "its sync included, until a subscriber has it, over all changes and all subscribers. Subscribers who are not up to date when a",
            "round begins get all they lack in one message. Every message is checked to name the seats that changed since the last and no",
            f"others. The raw round is one send() of {size:.0f} bytes, those of one message, to as many sockets from one process, until a",
            "reader on the other core has all. Memory is the growth of the server's resident memory; the kernel's socket buffers are not in it. Dropped",
            "clients come back with Last-Event-ID after the server's `retry`, as browsers do, while seats go on changing, and are back when",
            f"they got seats again. The client's core was busy for at most {busy:.0%} of the time."]


def main():
    parser = common.arguments(__doc__, seconds=10)
    parser.add_argument("--subscribers", type=int, nargs="+", default=list(GOALS))
    args = parser.parse_args()
    folder = common.scratch()
    results = {count: [] for count in args.subscribers}
    try:
        for run in range(args.runs):
            for count in args.subscribers:
                found = run_once(count, args.seconds, folder)
                results[count].append(found)
                print(f"bench: {count:,} subscribers, run {run + 1} of {args.runs}: p99 {found['p99_ms']:.1f} ms, round "
                      f"{found['round_ms']:.1f} ms, raw {found['raw_ms']:.1f} ms", file=sys.stderr)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    common.write_section(args.output, "Live streams", report(results, args))


if __name__ == "__main__":
    main()
