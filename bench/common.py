"""What the benchmarks share: processes on a core of their own, the server, alternating runs, the document."""
import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = str(ROOT / "build/release/boxoffice")
LOAD = str(ROOT / "build/release/boxoffice-load")
KEY = "bench-key"
SERVER_CPU, CLIENT_CPU = "0", "1"
INTRO = """# Benchmarks

Written by `script/bench`. A figure counts as a ratio to what was measured beside it in the same run; the
server is pinned to one core and the load to another, systems alternate, medians.

"""


# ---- processes ----
def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(cpu, command, **more):
    return subprocess.Popen(["taskset", "-c", cpu, *command], **more)


def run_pinned(cpu, command, **more):
    done = subprocess.run(["taskset", "-c", cpu, *command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise SystemExit(f"bench: {command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def wait_until(ready, process, what):
    """Poll until ready() or the process has ended."""
    while not ready():
        if process.poll() is not None:
            raise SystemExit(f"bench: {what} ended with {process.returncode}")
        time.sleep(0.05)


def is_listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def scratch():
    """A folder on a real disk (a sync to memory would be no sync)."""
    return pathlib.Path(tempfile.mkdtemp(prefix="boxoffice-bench-", dir=os.environ.get("BENCH_DIR", "/var/tmp")))


def idle_share(cpu):
    """A function that gives the share of the time since now in which this core had nothing to do."""
    def read():
        line = re.search(rf"^cpu{cpu} (.*)$", pathlib.Path("/proc/stat").read_text(), re.M)[1]
        ticks = [int(word) for word in line.split()]
        return ticks[3] + ticks[4], sum(ticks[:8])
    idle, total = read()

    def since():
        now_idle, now_total = read()
        return (now_idle - idle) / max(1, now_total - total)
    return since


def values(line):
    """"WORD a=1 b=2" as {"a": 1.0, "b": 2.0}."""
    return {name: float(value) for name, value in re.findall(r"(\w+)=([\d.]+)", line)}


class Boxoffice:
    """The release build, as it is: authentication, JSON, order_queue row, change record (also the CDC row), sync first."""

    name = "boxoffice over HTTP"
    cpu = SERVER_CPU
    more = ()  # options of `boxoffice serve`

    def __init__(self, folder):
        self.folder = folder / "boxoffice"

    def start(self):
        command = [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.folder), "--http-threads", "1",
                   "--log-level", "error", "--max-held-per-session", "0", "--max-held-per-address", "0", *self.more]
        self.process = pinned(self.cpu, command, stdout=subprocess.PIPE, text=True, env={**os.environ, "BOXOFFICE_API_KEY": KEY})
        line = self.process.stdout.readline()
        if "http" not in line:
            raise SystemExit("bench: the server did not start")
        self.url = line.split()[-1]

    def load_demo(self):
        """The demo's hall of 1,252 seats and stadium of 50,000; remembers the stadium's event."""
        subprocess.run([PROGRAM, "demo", "--url", self.url], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "BOXOFFICE_API_KEY": KEY})
        self.event = self.get("/v1/events?slug=demo-stadium")["events"][0]
        self.path = f"/v1/events/{self.event['event_id']}"
        self.prefix = self.get(self.path + "/seatmap")["ticket_id"]["prefix"]

    def event_options(self):
        """What boxoffice-load needs to change seats of the stadium."""
        return ["--url", self.url, "--key", KEY, "--event", self.event["event_id"], "--prefix", self.prefix,
                "--seats", str(self.event["counts"]["total"])]

    def get(self, path):
        with urllib.request.urlopen(self.url + path) as reply:
            return json.load(reply)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, method="POST", data=json.dumps(body).encode() if body else b"",
                                         headers={"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def memory(self):
        """Bytes of memory that the process has now."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            raise SystemExit("bench: the server did not stop cleanly")


@contextlib.contextmanager
def running(folder, systems):
    """All of them started, then stopped, and the folder removed."""
    started = []
    try:
        for system in systems:
            system.start()
            started.append(system)
        yield
    finally:
        for system in reversed(started):
            system.stop()
        shutil.rmtree(folder, ignore_errors=True)


def bench(scenario, *options, server=None):
    """`boxoffice bench` against @server or one of its own, each on its core; its report. A broken rule ends everything."""
    where = ["--url", server.url] if server else ["--pin", f"{SERVER_CPU},{CLIENT_CPU}"]
    done = subprocess.run([*(["taskset", "-c", CLIENT_CPU] if server else []), PROGRAM, "bench", scenario, "--json", *where,
                           *map(str, options)], stdout=subprocess.PIPE, text=True,
                          env={"BENCH_DIR": "/var/tmp", **os.environ, "BOXOFFICE_API_KEY": KEY})
    if done.returncode != 0:
        raise SystemExit(f"bench: boxoffice bench {scenario} ended with {done.returncode}: {done.stdout[-2000:]}")
    return json.loads(done.stdout)


def kind(report, name):
    """What became of one kind of request."""
    return next(k for k in report["requests"] if k["kind"] == name)


# ---- runs ----
def alternate(measures, runs, what, unit):
    """Call each of {name: function} in turn, so often; every figure of every run."""
    figures = {name: [] for name in measures}
    for run in range(runs):
        for name, measure in measures.items():
            figures[name].append(measure())
            print(f"bench: {what}, run {run + 1} of {runs}: {name}: {figures[name][-1]:,.0f}{unit}", file=sys.stderr)
    return figures


def arguments(doc, seconds):
    """The options that every benchmark has."""
    parser = argparse.ArgumentParser(prog="script/bench " + pathlib.Path(sys.argv[0]).stem, description=doc,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of each system (default 5)")
    parser.add_argument("--seconds", type=int, default=seconds, help=f"of each run (default {seconds})")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "docs/benchmarks.md",
                        help="the document; only this benchmark's section changes (default docs/benchmarks.md)")
    return parser


# ---- the document ----
def heading(command, args):
    """When, where and how often: the first lines of a section."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    machine = f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), Linux {platform.release()}"
    return [f"{datetime.date.today()}, {machine}; {args.runs} runs of {args.seconds} s each.", "",
            f"Command: `script/bench {command} --runs {args.runs} --seconds {args.seconds}`", ""]


def write_section(output, title, lines):
    """Replace this section of the document, or add it. The others stay; "Notes", what people wrote, is the last."""
    text = output.read_text() if output.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.M)[1:]
    sections = {part.splitlines()[0]: part.strip() + "\n" for part in parts}
    notes = {name: sections.pop(name) for name in ["## Notes"] if name in sections}
    sections[f"## {title}"] = "\n".join([f"## {title}", "", *lines]).strip() + "\n"
    output.write_text(INTRO + "\n".join({**sections, **notes}.values()))
    print(sections[f"## {title}"])
