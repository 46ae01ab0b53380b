"""The command line: help, exit codes, one-line errors, and a whole sale."""

import json
import os
import re
import signal
import subprocess

import pytest

from box import Box, from_now, riethsporthalle
from harness import API_KEY, REPO, Server, binary, clean_env

COMMANDS = ["serve", "demo", "venue", "event", "hold", "order", "cdc", "bench", "export", "import", "verify", "schema", "version"]


def run(*args, server=None, expect=0, stdin=None, **env):
    """Run the program; with @server as its client. Returns the process, with its output as text."""
    if server is not None:
        env = {"BOXOFFICE_URL": server.url, "BOXOFFICE_API_KEY": API_KEY} | env
    done = subprocess.run(
        [str(binary()), *args], capture_output=True, text=True, input=stdin, env=clean_env(**env), check=False
    )
    assert done.returncode == expect, f"{args}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def as_json(*args, server):
    return json.loads(run(*args, "--json", server=server).stdout)


def one_line(done, *words):
    """The error is one line for people on standard error, and nothing is on standard output."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("boxoffice: ")]
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    for word in words:
        assert word in lines[0]
    return lines[0]


def test_help():
    """--help lists every command; each command and verb explains itself; the exit code is 0."""
    everything = run("--help").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", everything, re.MULTILINE), command
        said = run(command, "--help").stdout
        assert f"boxoffice {command}" in said
        for verb in re.findall(r"^  ([a-z]+) .*[.]$", said, re.MULTILINE) if "VERB --help" in said else ():
            assert f"usage: boxoffice {command} {verb}" in run(command, verb, "--help").stdout
    assert run("-h").stdout == run("help").stdout == everything


def test_help_of_serve():
    """Each option with its environment variable."""
    said = run("serve", "--help").stdout
    for option in ("listen", "data-dir", "store", "api-key-file", "demo-payments", "http-threads", "log-level",
                   "max-held-per-session", "max-held-per-address", "trusted-proxies"):  # fmt: skip
        assert f"--{option}" in said
        assert f"BOXOFFICE_{option.replace('-', '_').upper()}" in said


def test_version():
    """The version, for people and for programs."""
    said = run("version").stdout
    assert re.fullmatch(r"boxoffice [0-9]+\.[0-9]+\.[0-9]+\S*\n", said)
    assert run("--version").stdout == said
    assert f"boxoffice {json.loads(run('version', '--json').stdout)['version']}\n" == said


USAGE = [
    ["nonsense"], ["event", "nonsense"], ["event", "show"], ["event", "show", "a", "b"], ["event", "list", "--nonsense"],
    ["event", "list", "--type"], ["event", "list", "--json=1"], ["hold", "create", "EVENT"], ["version", "x"],
    ["hold", "create", "EVENT", "--best", "1", "--seat", "2"], ["hold", "create", "EVENT", "--best", "many"],
    ["order", "confirm", "x"], ["schema", "--dialect", "mysql"], ["schema", "--keyspace", "a b"],
    ["schema", "--replication", "x; DROP TABLE orders"], ["venue", "import", "PLAN", "--price", "VIP"],
    ["event", "create", "--hold-seconds", "long"], ["serve", "--nonsense"], ["serve", "extra"], ["serve", "--data-dir"],
    ["serve", "--listen", "here"], ["serve", "--listen", "127.0.0.1:65536"], ["serve", "--http-threads", "0"],
    ["serve", "--worker-threads", "65"], ["serve", "--log-level", "loud"], ["serve", "--store", "paper"],
    ["serve", "--demo-payments=yes"],
    ["cdc", "tail", "--checkpoint", "mine"],
    ["cdc", "tail", "--store", "cql://127.0.0.1/k", "--safety-ms", "-1"],
    ["cdc", "tail", "--store", "cql://127.0.0.1/k", "--after", "0"],
]  # fmt: skip


@pytest.mark.parametrize("args", USAGE, ids=" ".join)
def test_wrong_usage(server, args):
    """Wrong usage is exit code 2 and one line that says what is wrong; nothing is done."""
    event = Box(server).event()
    words = {"EVENT": event.id, "PLAN": str(REPO / "tests" / "data" / "riethsporthalle.pretix.json")}
    one_line(run(*(words.get(word, word) for word in args), server=server, expect=2))
    assert event.get().seq == 1


@pytest.mark.parametrize("args", [[], ["event"], ["order"]])
def test_too_little(args):
    """Nothing, or a command without its verb: the help, and exit code 2."""
    assert "boxoffice" in run(*args, expect=2).stdout


def serve(data_dir, *args, expect=1, **env):
    """A serve that is refused."""
    return run("serve", "--listen", "127.0.0.1:0", "--data-dir", str(data_dir), *args, expect=expect, **env)


def last_line(done, *words):
    line = done.stderr.splitlines()[-1]
    assert line.startswith("boxoffice: ")
    for word in words:
        assert word in line
    return line


def test_port_in_use(server, tmp_path):
    """A port that another has: 1, and the message names the address."""
    done = run("serve", "--listen", f"127.0.0.1:{server.port}", "--data-dir", str(tmp_path / "d"), expect=1)
    last_line(done, "127.0.0.1", str(server.port), "in use")


@pytest.mark.embedded
def test_locked_folder(server):
    """A folder that another process has open: 1; that process goes on."""
    last_line(serve(server.data_dir), str(server.data_dir))
    server.public.get("/readyz")


@pytest.mark.embedded
def test_folders(tmp_path):
    """No parent folder, a folder of another program, a file: 1, and nothing of theirs is touched."""
    last_line(serve(tmp_path / "no" / "such"), str(tmp_path / "no" / "such"))
    assert not (tmp_path / "no").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("precious")
    last_line(serve(other), str(other))
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]
    last_line(serve(other / "thesis.txt"))
    assert (other / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize("content", [None, "", "# nobody\n", "no colon here\n", "name:\n", "bad name:key-0123456789\n"])
def test_bad_key_files(tmp_path, content):
    """A key file that is not there or has no good key: 1, without showing what stands in it."""
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)
    done = serve(tmp_path / "d", "--api-key-file", str(path))
    line = last_line(done, str(path))
    assert "key-0123456789" not in line


def test_options_from_the_environment(tmp_path):
    """Every option is also an environment variable, and the command line wins."""
    server = Server(tmp_path / "data", env={"BOXOFFICE_LOG_LEVEL": "debug", "BOXOFFICE_LISTEN": "nonsense"}).start()
    server.public.get("/healthz")
    server.stop()
    done = run("serve", expect=2, BOXOFFICE_LISTEN="nonsense", BOXOFFICE_DATA_DIR=str(tmp_path / "other"))
    assert "nonsense" in done.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.embedded
def test_empty_folder_is_taken(new_server, tmp_path):
    """An empty folder is used, an absent one is made."""
    (tmp_path / "empty").mkdir()
    assert new_server("empty").public.get("/readyz").status == 200
    assert new_server("absent").public.get("/readyz").status == 200
    assert os.stat(tmp_path / "absent").st_mode & 0o077 == 0, "for its owner only"


@pytest.mark.parametrize("args", [["venue", "show", "x"], ["venue", "list"], ["event", "list", "--json"], ["demo"]])
def test_no_server(args):
    """Without a server to talk to: 1, and nothing on standard output."""
    one_line(run(*args, "--url", "http://127.0.0.1:1", expect=1), "http://127.0.0.1:1")


@pytest.mark.parametrize("line", ["organiser:{}", "  organiser:{}  ", "organiser:{}\r"])
def test_key_file_of_the_client(server, tmp_path, line):
    """A client reads key files as the server does: the first key counts, comments and blanks at the ends do not."""
    path = tmp_path / "keys"
    path.write_text(f"  # a comment: with a colon\n\n{line.format(API_KEY)}\nother:key\n")
    run("order", "list", "--api-key-file", str(path), server=server)


def test_refusals_are_told(server):
    """What the server refuses is exit code 1 with its title and details."""
    done = run("event", "show", "no-such-event", server=server, expect=1)
    assert done.stderr.startswith("boxoffice: ")
    done = run("hold", "show", "no-uuid", server=server, expect=1)
    assert "404" in done.stderr
    assert "401" in run("order", "list", server=server, BOXOFFICE_API_KEY="wrong", expect=1).stderr


def test_demo_twice(new_server):
    """demo loads a hall and a stadium; a second time it changes nothing."""
    server = new_server()
    first = run("demo", server=server)
    assert "1252 tickets" in first.stdout
    assert "50000 tickets" in first.stdout
    events = as_json("event", "list", server=server)["events"]
    assert sorted(event["counts"]["available"] for event in events) == [1252, 50000]
    again = run("demo", server=server)
    assert again.stdout.count("is there already") == 2
    assert as_json("event", "list", server=server)["events"] == events


def test_a_sale(server, tmp_path):
    """Venue, event, hold, order, payment, refund, all by commands; --json is exactly the server's reply."""
    box = Box(server)
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(riethsporthalle()))
    prices = [f"--price={name['name']}=10.00" for name in riethsporthalle()["categories"]]
    venue = as_json("venue", "import", str(plan), "--timezone", "Europe/Berlin", "--name", "Hall", *prices, server=server)
    assert (venue["name"], venue["seats_count"]) == ("Hall", 1252)
    assert as_json("venue", "show", venue["venue_id"], server=server) == venue
    slug = box.event_body(venue)["slug"]
    made = as_json("event", "create", "--venue", venue["venue_id"], "--name", "By command", "--slug", slug, "--currency",
                   "EUR", "--date", "2031-01-01T20:00:00+01:00", "--hold-seconds", "600", server=server)  # fmt: skip
    assert (made["published"], made["hold_seconds"], made["tickets_created"]) == (False, 600, 1252)
    assert "published: yes" in run("event", "publish", slug, server=server).stdout
    assert slug in run("event", "list", server=server).stdout
    shown = run("event", "show", slug, server=server).stdout
    assert "counts.available: 1252" in shown
    assert "Kategorie III" in run("event", "sections", slug, server=server).stdout
    hold = as_json("hold", "create", slug, "--best", "3", "--type", "VIP", server=server)
    assert (len(hold["tickets"]), hold["total_price"]) == (3, "30.00")
    assert as_json("hold", "show", hold["hold_id"], server=server)["status"] == "active"
    given = as_json("hold", "create", slug, "--seat", "0", "--seat", "1", server=server)
    assert [ticket["seat_index"] for ticket in given["tickets"]] == [0, 1]
    run("hold", "release", given["hold_id"], server=server)
    order = as_json("order", "create", hold["hold_id"], "--name", "Ada", "--email", "ada@example.org", server=server)
    paid = as_json("order", "confirm", order["order_id"], "--payment-reference", "p 1", server=server)
    assert (paid["status"], paid["payment_reference"]) == ("paid", "p 1")
    assert order["code"] in run("order", "list", "--event", slug, "--status", "paid", server=server).stdout
    refused = run("order", "refund", order["order_id"], server=server, expect=1)
    one_line(refused, "--yes")
    assert box.key.get(f"/v1/orders/{order['order_id']}")["status"] == "paid"
    assert "status: refunded" in run("order", "refund", order["order_id"], "--yes", server=server).stdout
    assert run("order", "refund", order["order_id"], "--yes", server=server, expect=1).stderr.startswith("boxoffice: 409")
    run("event", "cancel", slug, server=server, expect=1)
    assert "cancelled" in run("event", "cancel", slug, "--yes", server=server).stdout


def test_window_by_command(server):
    """event edit opens a window with an empty value, and leaves what is not given."""
    event = Box(server).event(on_sale_at=from_now(1000))
    edited = as_json("event", "edit", event.id, "--on-sale-at", "", "--max-tickets", "3", server=server)
    assert (edited["on_sale_at"], edited["max_tickets_per_session"], edited["hold_seconds"]) == (None, 3, 900)


def test_cdc_tail(server):
    """The change log as a table with the names of its columns, and as JSON that is the server's."""
    box = Box(server)
    _, cursor = box.cdc()
    event = box.event()
    box.paid(event, 0)
    done = run("cdc", "tail", "--after", cursor, server=server)
    head, _, *rows = done.stdout.splitlines()
    assert [cell.strip() for cell in head.split("|")][-1] == "outcome"
    mine = [row for row in rows if event.id in row]
    assert ["purchased" in row for row in mine] == [False, True]
    found = as_json("cdc", "tail", "--after", cursor, server=server)
    assert [row for row in found["rows"] if row["event_id"] == event.id] == event.cdc()


class Following:
    """A command that goes on until Ctrl-C."""

    def __init__(self, server, *args):
        env = clean_env(BOXOFFICE_URL=server.url, BOXOFFICE_API_KEY=API_KEY)
        self.process = subprocess.Popen([str(binary()), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def line(self, *words):
        """The next line with all of these words."""
        for line in self.process.stdout:
            if all(word in line for word in words):
                return line
        raise AssertionError(f"it ended without {words}: {self.process.communicate()[1]}")

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        stderr = self.process.communicate()[1]
        assert self.process.returncode == 0, stderr
        return stderr


def test_cdc_tail_follow(server):
    """It goes on with rows as they are written, and says at the end where another run can go on."""
    box = Box(server)
    _, cursor = box.cdc()
    event = box.event()
    for flags in ([], ["--json"]):
        tail = Following(server, "cdc", "tail", "--follow", "--after", cursor, *flags)
        for seat in (0, 1) if not flags else (2, 3):
            hold = box.session().hold(event, seat)
            tail.line(hold["hold_id"], event.ticket(seat))
        cursor = tail.interrupt().partition("next cursor: ")[2].strip()
        assert box.cdc(after=cursor)[0] == []


def test_event_watch(server):
    """Seats by their new status, and that the event itself changed."""
    box = Box(server)
    event = box.event()
    watch = Following(server, "event", "watch", event.id, "--since", "1")
    buyer = box.session()
    hold = buyer.hold(event, 4, 5)
    assert watch.line("held").split() == ["2", "2", "held:", "4", "5"]
    buyer.delete(f"/v1/holds/{hold['hold_id']}", expect=204)
    assert watch.line("available").split() == ["3", "2", "available:", "4", "5"]
    event.post("pause", expect=200)
    watch.line("4", "the event itself changed")
    assert watch.interrupt().count("boxoffice:") == 0

    as_data = Following(server, "event", "watch", event.id, "--since", "1", "--json")
    assert json.loads(as_data.line("seats"))["data"]["seq"] == 3
    assert json.loads(as_data.line("event")) == {"event": "event", "data": {"seq": 4}}
    as_data.interrupt()
    one_line(run("event", "watch", "no-such-event", server=server, expect=1), "there is no event")


@pytest.mark.parametrize("dialect", ["scylla", "cassandra"])
def test_schema(dialect):
    """The tables of both dialects as CQL; CDC is ScyllaDB's own, on Cassandra it is a table."""
    said = run("schema", "--dialect", dialect, "--keyspace", "shop").stdout
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS shop\.(\w+)", said)
    assert set(tables) >= {"venue_sections", "events", "tickets", "order_queue", "orders"}
    assert ("order_queue_scylla_cdc_log" in tables) == (dialect == "cassandra")
    assert ("cdc = {'enabled': true" in said) == (dialect == "scylla")
    assert re.findall(r"MATERIALIZED VIEW IF NOT EXISTS shop\.(\w+)", said) == ["available_tickets", "available_events"]
    assert said.count("(") == said.count(")")
    assert said.count(";") == len(tables) + 3
