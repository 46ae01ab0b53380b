"""`boxoffice bench`: each scenario for a moment, what it reports, and that it says no to what makes no sense."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess

import pytest

import rules
from box import until
from doctor import as_json, doctored
from harness import API_KEY, Server, binary, clean_env
from test_cli import one_line, run

RULES = ["one-owner", "counts", "promises", "log-pairs", "order-queue", "seq"]
# Small and short; the warm-up is measured too where a count is compared.
SMALL = ["--connections", "8", "--sessions", "20", "--seats", "400", "--warmup", "0"]
CROWD = [
    "--connections", "16", "--sessions", "50", "--seats", "300", "--compress", "900", "--reads", "20", "--streams", "6",
]  # fmt: skip


def bench(scenario, *args, server=None, expect=0, **env):
    """Run it with --json; its report."""
    where = ["--url", server.url] if server else []
    done = run("bench", scenario, "--json", *where, *args, server=server, expect=expect, **env)
    return json.loads(done.stdout)


def kinds(report):
    return {kind["kind"]: kind for kind in report["requests"]}


def assert_rules_hold(report, *own):
    assert report["verified"]
    assert [rule["rule"] for rule in report["rules"]] == [*RULES, *own]
    assert all(rule["breaches"] == 0 and rule["first"] is None for rule in report["rules"]), report["rules"]


def assert_latencies(kind):
    """Quantiles are in order."""
    assert 0 < kind["p50_ms"] <= kind["p90_ms"] <= kind["p99_ms"] <= kind["p999_ms"] <= kind["max_ms"]


@pytest.fixture(scope="module")
def bench_server(tmp_path_factory):
    """One for this file: scenarios leave their events behind, and the server's rules are checked at the end."""
    shared = Server(tmp_path_factory.mktemp("bench") / "data").start()
    yield shared
    shared.check_stderr()
    rules.check_all(shared.url, API_KEY)
    shared.stop()


def test_holds_closed_loop(bench_server):
    """Every request wants a seat that nobody has: all are 201, and as many holds are there."""
    before = bench_server.metric("holds_created_total")
    report = bench("holds", "--seconds", "0.3", *SMALL, server=bench_server)
    hold = kinds(report)["hold"]
    assert hold["statuses"] == {"201": hold["count"]}
    assert hold["errors"] == {}
    assert report["figures"]["seats_asked_for"] == hold["count"]
    assert bench_server.metric("holds_created_total") - before == hold["count"]
    assert report["loop"] == "closed"
    assert_latencies(hold)
    assert_rules_hold(report)


def test_holds_expire_meanwhile(bench_server):
    """With a short hold time the first holds end while others begin; the rules know how each ended."""
    ended = bench_server.metric("holds_expired_total")
    report = bench("holds", "--seconds", "1.5", "--rate", "100", "--hold-seconds", "1", *SMALL, server=bench_server)
    assert kinds(report)["hold"]["statuses"] == {"201": kinds(report)["hold"]["count"]}
    assert bench_server.metric("holds_expired_total") > ended
    assert_rules_hold(report)


def test_holds_open_loop(bench_server):
    """As many as the rate says, whatever the server does: no coordinated omission."""
    report = bench("holds", "--seconds", "0.5", "--rate", "200", *SMALL, server=bench_server)
    assert kinds(report)["hold"]["count"] == 100
    assert (report["loop"], report["rate"]) == ("open", 200)
    assert_rules_hold(report)


def test_orders(bench_server):
    """Each hold becomes an order, each order is paid."""
    before = bench_server.metric("tickets_sold_total")
    report = bench("orders", "--seconds", "0.5", "--rate", "100", *SMALL, server=bench_server)
    steps = kinds(report)
    assert {name: step["count"] for name, step in steps.items()} == {"hold": 50, "order": 50, "confirm": 50}
    assert steps["confirm"]["statuses"] == {"200": 50}
    assert bench_server.metric("tickets_sold_total") - before == 50
    assert report["figures"]["orders_per_s"] == 100
    assert report["figures"]["order_p99_ms"] >= steps["confirm"]["p50_ms"]
    assert_rules_hold(report)


def test_hot_seat(bench_server):
    """One gets the seat, everybody else is refused; the neighbours are measured by themselves."""
    report = bench("hot-seat", "--seconds", "1", "--beside", "50", *SMALL, server=bench_server)
    found = kinds(report)
    assert found["hot-seat"]["statuses"].pop("201") == 1
    assert list(found["hot-seat"]["statuses"]) == ["409"]
    assert list(found["healthz"]["statuses"]) == ["200"]
    assert found["beside"]["statuses"] == {"201": found["beside"]["count"]}
    assert found["beside"]["count"] == 50
    assert report["figures"]["winners"] == 1
    assert report["figures"]["ratio_to_healthz"] > 0
    assert_rules_hold(report, "one-winner")


def test_best_available(bench_server):
    """Parties are served until none fits; 400 seats are 133 parties of three, and one seat is left."""
    report = bench("best-available", "--seconds", "60", "--count", "3", *SMALL, server=bench_server)
    assert report["figures"]["parties_served"] == 133
    assert report["figures"]["seats_left"] == 1
    assert kinds(report)["best-available"]["statuses"]["201"] == 133
    assert report["figures"]["parties_refused"] >= 1
    assert report["seconds"] < 60
    assert_rules_hold(report, "no-wrong-refusal")


def test_on_sale(bench_server):
    """A whole sale: refusals before the start, holds after it, purchases, expiries; and everything adds up."""
    report = bench("on-sale", *CROWD, server=bench_server)
    found, figures = kinds(report), report["figures"]
    assert found["early"]["count"] >= 1
    assert figures["early_refused"] >= 1
    assert figures["first_hold_ms"] >= 0
    assert figures["won"] + figures["lost"] == figures["attempts"]
    assert figures["paid"] >= 1
    assert figures["paid"] == found["confirm"]["statuses"]["200"]
    assert figures["repeats_replayed"] == figures["repeats"]
    assert figures["streams_open"] == 6
    assert figures["streams_lost"] == 0
    assert sum(slot["holds"]["good"] for slot in report["timeline"]) >= figures["won"]
    for name in ("page", "list", "sections", "map", "availability", "poll"):
        assert found[name]["statuses"] == {"200": found[name]["count"]}, name
    assert not any(kind["errors"] for kind in report["requests"])
    assert_rules_hold(report, "sale-start")


@pytest.mark.embedded
def test_a_seed_repeats():
    """The same seed draws the same crowd."""
    options = ["--no-verify", *CROWD, "--early", "20"]
    first, again, other = (bench("on-sale", *options, "--seed", seed) for seed in ("5", "5", "6"))
    # What does not hang on who wins, which no seed decides.
    shape = [{name: kinds(r)[name]["count"] for name in ("page", "list", "sections", "map")} for r in (first, again, other)]
    assert shape[0] == shape[1]
    assert shape[0] != shape[2]


@pytest.mark.embedded
def test_a_server_of_its_own(tmp_path):
    """Nothing is left of it: no folder, and its process has ended when the benchmark has."""
    # What the environment says of keys and servers is not meant for it.
    elsewhere = {"BOXOFFICE_API_KEY_FILE": "/no/such/file", "BOXOFFICE_LISTEN": "nonsense", "BOXOFFICE_URL": "http://127.0.0.1:1"}
    report = bench("holds", "--seconds", "0.2", *SMALL, BENCH_DIR=str(tmp_path), **elsewhere)
    assert kinds(report)["hold"]["count"] > 0
    assert_rules_hold(report)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.embedded
def test_options_of_its_own_server(tmp_path):
    """--serve-option reaches it; one that it refuses is said, and nothing is left behind."""
    bench("holds", "--seconds", "0.1", *SMALL, "--serve-option", "--http-threads", "--serve-option", "1", BENCH_DIR=str(tmp_path))
    done = run("bench", "holds", *SMALL, "--serve-option", "--no-such-option", expect=1, BENCH_DIR=str(tmp_path))
    assert "no-such-option" in done.stderr
    assert "the benchmark's own server did not start" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_report_for_people(bench_server):
    """A table of requests, figures with their meaning, every rule by name; no progress where there is no terminal."""
    done = run("bench", "orders", "--seconds", "0.2", *SMALL, "--url", bench_server.url, server=bench_server)
    assert re.search(r"^request +count +per s +p50 ms +p90 ms +p99 ms +p99.9 ms +max ms +statuses$", done.stdout, re.M)
    assert re.search(r"^confirm +[0-9]+ .* 200: [0-9]+$", done.stdout, re.M)
    assert re.search(r"^orders_per_s +[0-9.]+ /s +whole orders", done.stdout, re.M)
    for rule in RULES:
        assert f"rule {rule} holds" in done.stdout
    assert done.stderr == ""


def test_no_verify(bench_server):
    report = bench("holds", "--seconds", "0.1", "--no-verify", *SMALL, server=bench_server)
    assert report["verified"] is False
    assert report["rules"] == []


@pytest.mark.parametrize(
    ("scenario", "options", "metric"),
    [
        ("holds", ["--seconds", "600", "--rate", "50", *SMALL, "--seats", "40000"], "holds_created_total"),
        ("orders", ["--seconds", "600", "--rate", "50", *SMALL, "--seats", "40000"], "tickets_sold_total"),
        # Half a minute of sale and the expiry of its holds are to come.
        ("on-sale", [*CROWD, "--compress", "60"], "holds_created_total"),
    ],
)
def test_interrupted(bench_server, scenario, options, metric):
    """Ctrl-C ends it with what was measured so far; the rules are not checked, and that is said."""
    command = [str(binary()), "bench", scenario, "--json", "--url", bench_server.url, *options]
    before = bench_server.metric(metric)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_env(BOXOFFICE_API_KEY=API_KEY))
    until(lambda: bench_server.metric(metric) > before, "the first")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    report = json.loads(out)
    assert process.returncode == 0
    assert report["interrupted"] is True
    assert report["verified"] is False
    assert sum(kind["count"] for kind in report["requests"]) >= 1
    assert report["seconds"] < 600


def test_progress_on_a_terminal(bench_server):
    """The rate, the failures and the quantile so far, on standard error only."""
    ours, theirs = pty.openpty()
    command = [str(binary()), "bench", "holds", "--json", "--seconds", "1", "--rate", "100", "--url", bench_server.url, *SMALL]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=clean_env(BOXOFFICE_API_KEY=API_KEY)
    )
    os.close(theirs)
    out, _ = process.communicate()
    shown = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while piece := os.read(ours, 65536):
            shown += piece
    os.close(ours)
    assert re.search(rb" s +[0-9]+/s +[0-9]+ answers +0 failed +p99 [0-9.]+ ms", shown), shown
    assert json.loads(out)["verified"] is True


@pytest.mark.embedded
def test_refusals_of_a_budget(tmp_path):
    """429 is an answer of its own kind: counted, shown, and no breach of a rule. People come again after Retry-After."""
    budget = ["--serve-option", "--max-held-per-session", "--serve-option", "3", "--sessions", "2"]
    report = bench("holds", "--seconds", "0.5", "--rate", "40", *SMALL, *budget, BENCH_DIR=str(tmp_path))
    assert kinds(report)["hold"]["statuses"] == {"201": 6, "429": 14}
    assert_rules_hold(report)
    report = bench("on-sale", *CROWD, "--sessions", "5", *budget[:4], BENCH_DIR=str(tmp_path))
    refused = sum(kind["statuses"].get("429", 0) for kind in report["requests"])
    assert refused >= 1
    assert kinds(report)["again"]["count"] >= 1
    assert_rules_hold(report, "sale-start")


def test_a_server_that_goes_away(new_server):
    """Requests without an answer are counted and shown, and the rules cannot be checked: exit code 1."""
    server = new_server()
    command = [str(binary()), "bench", "hot-seat", "--seconds", "3", "--url", server.url, *SMALL]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_env(BOXOFFICE_API_KEY=API_KEY)
    )
    until(lambda: server.metric("commands_refused_total") > 0, "the first refusal")
    server.kill()
    _, err = process.communicate()
    assert process.returncode == 1
    assert "no answer from the server" in err


def as_json_only(change):
    """Of the answers that are JSON; the bytes of the seats are left alone."""
    return lambda content: as_json(change)(content) if content[:1] == b"{" else content


def event_only(change):
    """Of an event itself, not of what belongs to it."""
    return as_json_only(lambda body: change(body) if "counts" in body else None)


def flip_first_seat(content):
    return bytes([content[0] ^ 2]) + content[1:] if content[:1] != b"{" else content


def sold_as_available(body):
    for ticket in body["tickets"]:
        ticket["status"] = "available"


def of_first(member, name, value):
    """A change of the first entry of a list."""

    def change(body):
        if body[member]:
            body[member][0][name] = value

    return as_json(change)


def without_last(member):
    return as_json(lambda body: body[member].pop() if body[member] else None)


def one_more(counts):
    counts["sold"] += 1


@pytest.mark.parametrize(
    ("scenario", "part", "change", "rule"),
    [
        ("orders", "/availability", flip_first_seat, "one-owner"),
        ("orders", "/availability", as_json_only(one_more), "counts"),
        ("orders", "/v1/events/", event_only(lambda event: one_more(event["counts"])), "counts"),
        ("orders", "/tickets", as_json(sold_as_available), "counts"),
        ("orders", "/v1/orders", without_last("orders"), "promises"),
        ("orders", "/v1/orders", of_first("orders", "status", "pending"), "promises"),
        ("orders", "/checkouts", of_first("checkouts", "status", "released"), "promises"),
        ("holds", "/checkouts", without_last("checkouts"), "promises"),
        ("orders", "/v1/cdc/order_queue", without_last("rows"), "log-pairs"),
        ("orders", "/v1/cdc/order_queue", of_first("rows", "cdc$operation", 3), "log-pairs"),
        ("holds", "/v1/order_queue", without_last("rows"), "order-queue"),
        ("holds", "/v1/cdc/order_queue", of_first("rows", "seq", 1_000_000), "seq"),
    ],
)
def test_each_rule_can_break(bench_server, scenario, part, change, rule):
    """A server that says something else than it acknowledged: the rule that it breaks is named, with a record; exit code 1."""
    with doctored(bench_server.url, part, change) as url:
        options = [*SMALL, "--sessions", "2", "--seconds", "0.5", "--rate", "20", "--url", url]
        done = run("bench", scenario, "--json", *options, server=bench_server, expect=1)
    broken = {r["rule"]: r["first"] for r in json.loads(done.stdout)["rules"] if r["breaches"]}
    assert rule in broken, broken
    assert broken[rule]
    assert "a rule of selling was broken" in done.stderr


def test_answers_that_are_not_as_documented(bench_server):
    """They are no broken rule, but the end: what was answered is said."""
    with doctored(bench_server.url, "/checkouts", as_json(lambda body: body.pop("checkouts"))) as url:
        done = run("bench", "holds", *SMALL, "--sessions", "2", "--seconds", "0.2", "--url", url, server=bench_server, expect=1)
    assert "was not answered as documented: /checkouts" in one_line(done)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nonsense"], ["no scenario 'nonsense'", "holds, orders, hot-seat, best-available, on-sale"]),
        ([], ["SCENARIO"]),
        (["holds", "orders"], ["SCENARIO"]),
        (["holds", "--rate", "0"], ["--rate is '0'", "0.1 to 1000000"]),
        (["holds", "--rate", "nan"], ["--rate is 'nan'"]),
        (["holds", "--seconds", "1e9"], ["--seconds is '1e9'", "3600"]),
        (["holds", "--connections", "1.5"], ["whole number", "1 to 20000"]),
        (["holds", "--connections", ""], ["--connections is ''"]),
        (["holds", "--seats", "200001"], ["--seats is '200001'"]),
        (["best-available", "--count", "5", "--seats", "4"], ["--count is 5", "4 seats"]),
        (["on-sale", "--rate", "5"], ["paces itself"]),
        (["on-sale", "--bots", "101"], ["--bots is '101'", "0 to 100"]),
        (["on-sale", "--orders", "3", "--won", "2"], ["--orders may not be more than --won"]),
        (["holds", "--pin", "0"], ["--pin is '0'"]),
        (["holds", "--pin", "0,9999"], ["--pin is '0,9999'"]),
        (["holds", "--url", "https://localhost"], ["needs http://HOST:PORT"]),
        (["holds", "--url", "http://127.0.0.1:1/path"], ["needs http://HOST:PORT"]),
        (["holds", "--url", "http://127.0.0.1:1", "--serve-option", "x"], ["own server"]),
        (["holds", "--no-such-option"], ["unknown option"]),
    ],
)
def test_wrong_usage(args, words):
    """One line says what is wrong; nothing was started."""
    one_line(run("bench", *args, expect=2), *words)


def test_no_server():
    """A port that nobody listens on: one line, exit code 1."""
    one_line(run("bench", "holds", "--url", "http://127.0.0.1:1", expect=1), "no answer from the server")


@pytest.mark.embedded
def test_a_folder_that_is_not_there(tmp_path):
    one_line(run("bench", "holds", expect=1, BENCH_DIR=str(tmp_path / "none")), "cannot make the folder")


def test_without_the_key(bench_server):
    """A wrong key: the server's refusal is shown."""
    done = run("bench", "holds", "--url", bench_server.url, expect=1, BOXOFFICE_API_KEY="wrong")
    assert "401" in one_line(done)


@pytest.mark.embedded
def test_its_own_server_ends_with_it(tmp_path):
    """However the benchmark ends, the server does not stay."""
    command = [str(binary()), "bench", "holds", "--seconds", "600", "--rate", "10", *SMALL]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_env(BENCH_DIR=str(tmp_path))
    )
    folder = until(lambda: list(tmp_path.iterdir()), "the folder")[0]
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    server = int(until(lambda: open(children, encoding="ascii").read().split(), "the server")[0])
    until(lambda: (folder / "data").exists(), "the server's data")
    process.kill()
    process.wait()
    until(lambda: not os.path.exists(f"/proc/{server}/exe") or not os.path.exists(f"/proc/{server}"), "the end of the server")
