"""Every start that goes wrong says in one line what to do, and leaves what is there as it is."""

import json
import os
import re
import resource
import shutil
import socket
import subprocess

import pytest

from box import Box, until
from faults import LimitedServer, edit_log, fill, flip, largest, limit, run, said, serve
from harness import API_KEY, Server, binary

COMMANDS = {
    "serve": [],
    "demo": [],
    "bench": [],
    "export": [],
    "import": [],
    "verify": [],
    "schema": [],
    "version": [],
    "venue": ["list", "show", "create", "import"],
    "event": ["list", "show", "create", "publish"],
    "hold": ["create", "show", "extend", "release"],
    "order": ["create", "list", "show", "confirm", "cancel", "refund"],
    "cdc": ["tail"],
}


# ---- the port ----


def test_busy_port(new_server, tmp_path):
    first = new_server("first")
    at = ["serve", "--listen", f"127.0.0.1:{first.port}", "--data-dir", tmp_path / "second"]
    for _ in range(2):
        said(run(*at), 1, str(first.port), "in use", "--listen")
    first.public.get("/healthz")
    # The folder that was made in vain is a good one.
    second = new_server("second", api_key=None)
    assert "the API key is in" in second.stderr()
    second.public.get("/readyz")


def test_port_of_another_program(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said(run("serve", "--listen", f"127.0.0.1:{port}", "--data-dir", tmp_path / "data"), 1, str(port), "in use")


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid", "[2001:db8::1]"])
def test_address_of_another_machine(tmp_path, host):
    said(run("serve", "--listen", f"{host}:0", "--data-dir", tmp_path / "data"), 1, host.strip("[]"), "--listen")


# ---- the folder ----


def test_same_folder_twice(new_server):
    first = new_server()
    said(serve(first.data_dir), 1, str(first.data_dir), "in use by another process")
    first.public.get("/readyz")
    first.kill()
    first.start()


def test_missing_parent(tmp_path):
    said(serve(tmp_path / "no" / "data"), 1, "does not exist", "make it first")
    assert not (tmp_path / "no").exists()


def test_folder_is_a_file(tmp_path):
    file = tmp_path / "file"
    file.write_text("text")
    said(serve(file), 1, "is not a folder")
    said(serve(file / "data"), 1, "Not a directory", "name another folder")
    assert file.read_text() == "text"


def test_folder_of_another_program(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for name in ("notes.txt", "app.log"):
        (other / name).write_text("text")
        said(serve(other), 1, "is not a boxoffice data folder", "name an empty or a new folder")
        assert [path.name for path in other.iterdir()] == [name]
        (other / name).unlink()


def test_name_too_long(tmp_path):
    said(serve(tmp_path / ("x" * 300)), 1, "too long", "name another folder")


def test_name_with_a_line_break(tmp_path):
    said(serve(f"{tmp_path}/no\n/data"), 1, "make it first")


def test_read_only_folder(new_server, mounts, tmp_path):
    Box(new_server("data")).event()
    server_dir = tmp_path / "data"
    if os.geteuid() == 0:
        empty = mounts.memory("empty", "1m", "ro")
        said(serve(empty), 1, str(empty), "Read-only file system", "make the folder writable")
        said(serve(empty / "new"), 1, "Read-only file system")
    copy = tmp_path / "copy"
    shutil.copytree(server_dir, copy)
    before = sorted((path.name, path.stat().st_size) for path in copy.iterdir())
    if os.geteuid() == 0:
        said(serve(mounts.read_only("bound", copy)), 1, "Read-only file system", "make the folder writable")
    else:
        copy.chmod(0o500)
        said(serve(copy), 1, "Permission denied", "writable for this user")
        copy.chmod(0o700)
    assert sorted((path.name, path.stat().st_size) for path in copy.iterdir()) == before


def test_full_disk(mounts):
    small = mounts.memory("small", "256k")
    said(serve(small), 1, str(small), "No space left on device", "free some space")
    mounts.resize(small, "64m")
    said(serve(small, "--api-key-file", small / "none"), 1, "none")


def test_full_disk_of_a_store(new_server, mounts):
    folder = mounts.memory("disk", "8m")
    server = new_server(folder / "data")
    event = Box(server).event()
    server.stop()
    fill(folder / "filler")
    said(serve(server.data_dir), 1, "No space left on device", "free some space")
    (folder / "filler").unlink()
    server.start()
    assert event.counts() == (20, 0, 0, 0)


@pytest.mark.parametrize("files", [16, 24, 32, 40, 50])
def test_few_file_descriptors(tmp_path, files):
    line = said(serve(tmp_path / "data", preexec=limit(resource.RLIMIT_NOFILE, files)), 1, f"limit of {files}")
    least = int(re.search(r"raise it to ([0-9]+) or more \(ulimit -n\)", line)[1])
    assert files < least < 100


def test_as_few_file_descriptors_as_it_says(new_server, tmp_path):
    line = said(serve(tmp_path / "first", preexec=limit(resource.RLIMIT_NOFILE, 20)), 1)
    least = int(re.search(r"raise it to ([0-9]+)", line)[1])
    server = new_server("second", kind=LimitedServer, files=least)
    event = Box(server).event()
    server.restart()
    assert event.counts() == (20, 0, 0, 0)


# ---- damage ----


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A folder with tables and a log; and what the interface says of it."""
    server = Server(tmp_path_factory.mktemp("good") / "data").start()
    box = Box(server)
    event = box.event(box.venue(rows=20, seats=50), max_tickets_per_session=100)
    for i in range(10):
        if i % 2:
            box.paid(event, 10 * i, 10 * i + 1, reference=f"pay-{i}")
        else:
            box.order(event, 10 * i)
    server.restart()  # the log becomes tables
    for i in range(10, 20):
        box.order(event, 10 * i, 10 * i + 1)
    seen = what_is_read(server, event.path)
    server.kill()
    return server.data_dir, event.path, seen


PATHS = ["", "/tickets?limit=1000", "/checkouts", "/availability", "/sections", "/seatmap"]
LISTS = ["/v1/cdc/order_queue?limit=1000", "/v1/orders?limit=1000", "/v1/venues"]


def what_is_read(server, event_path):
    """Replies by path; None where the server says that it cannot read."""
    seen = {}
    for path in [event_path + rest for rest in PATHS] + LISTS:
        reply = server.key.request("GET", path, check=False)
        assert reply.status in (200, 500, 503), reply
        seen[path] = without_now(json.loads(reply.text)) if reply.status == 200 else None
    return seen


def without_now(value):
    """Holds and orders tell the time."""
    if isinstance(value, dict):
        return {name: without_now(member) for name, member in value.items() if name != "now"}
    return [without_now(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def bad(good, tmp_path):
    shutil.copytree(good[0], tmp_path / "bad")
    return tmp_path / "bad"


DAMAGE = {
    "a table cut short": lambda d: os.truncate(largest(d, ".sst"), largest(d, ".sst").stat().st_size // 2),
    "a table gone": lambda d: largest(d, ".sst").unlink(),
    "the log's beginning": lambda d: flip(largest(d, ".log"), 0.01),
    "the log's middle": lambda d: flip(largest(d, ".log"), 0.5),
    "the log's last quarter": lambda d: flip(largest(d, ".log"), 0.75),
    "the log gone": lambda d: largest(d, ".log").unlink(),
    "MANIFEST cut short": lambda d: [os.truncate(p, p.stat().st_size // 2) for p in d.glob("MANIFEST-*")],
    "MANIFEST's middle": lambda d: flip(next(d.glob("MANIFEST-*"))),
    "MANIFEST gone": lambda d: next(d.glob("MANIFEST-*")).unlink(),
    "CURRENT empty": lambda d: (d / "CURRENT").write_bytes(b""),
    "CURRENT nonsense": lambda d: (d / "CURRENT").write_text("hello"),
    "CURRENT wrong": lambda d: (d / "CURRENT").write_text("MANIFEST-000001\n"),
    "CURRENT gone": lambda d: (d / "CURRENT").unlink(),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage(bad, what):
    DAMAGE[what](bad)
    # Again and again, as whoever watches over processes would start it: it must not begin anew.
    for _ in range(3):
        said(serve(bad), 1, str(bad), "damaged", "restore a backup")


def test_manifest_empty(bad):
    for path in bad.glob("MANIFEST-*"):
        os.truncate(path, 0)
    for _ in range(2):
        said(serve(bad), 1, str(bad), "damaged", "restore a backup")


def test_current_comes_back(good, bad, new_server):
    _, path, seen = good
    current = (bad / "CURRENT").read_bytes()
    (bad / "CURRENT").unlink()
    for _ in range(2):
        said(serve(bad), 1, "CURRENT")
    (bad / "CURRENT").write_bytes(current)
    assert what_is_read(new_server("bad"), path) == seen


def test_log_without_current(new_server):
    """A young store has no table yet, only a log: that is not an empty folder."""
    server = new_server()
    event = Box(server).event()
    server.kill()
    assert not list(server.data_dir.glob("*.sst"))
    current = server.data_dir / "CURRENT"
    text = current.read_bytes()
    current.unlink()
    for _ in range(2):
        said(serve(server.data_dir), 1, "damaged", "CURRENT")
    current.write_bytes(text)
    server.start()
    assert event.counts() == (20, 0, 0, 0)


def test_damaged_tables(good, tmp_path):
    """Bytes in the middle of each table in turn: no start, or no wrong answer."""
    folder, path, seen = good
    tables = sorted(folder.glob("*.sst"))
    assert len(tables) >= 8
    refused = 0
    for table in tables:
        bad = tmp_path / table.stem
        shutil.copytree(folder, bad)
        flip(bad / table.name)
        server = Server(bad)
        try:
            server.start()
        except RuntimeError:
            refused += 1
            assert server.before_ready == []
            lines = server.stderr().splitlines()
            assert len(lines) == 1 and "damaged" in lines[0] and "restore a backup" in lines[0], lines
            continue
        try:
            now = what_is_read(server, path)
            for what, value in now.items():
                assert value is None or value == seen[what], f"{table.name}: {what}"
            server.check_alive()
        finally:
            server.kill()
    assert refused >= len(tables) // 2


def test_torn_end_of_the_log(good, bad, new_server):
    """What a power loss leaves: a record that was never answered is cut off, the rest is there."""
    _, path, seen = good
    log = largest(bad, ".log")
    with open(log, "ab") as file:
        file.write(log.read_bytes()[:100])
    os.truncate(log, log.stat().st_size - 93)  # less than the head of a record
    assert what_is_read(new_server("bad"), path) == seen


def test_newer_format(new_server):
    server = new_server()
    server.stop()
    log = largest(server.data_dir, ".log")
    edit_log(log, b"format\x04\x00\x00\x00\x02", b"format\x04\x00\x00\x00\x03")
    for _ in range(2):
        said(serve(server.data_dir), 1, str(server.data_dir), "newer version", "use that version")
    if log.exists():
        edit_log(log, b"format\x04\x00\x00\x00\x03", b"format\x04\x00\x00\x00\x02")
        server.start()


# ---- keys ----

SECRET = "s3cret-of-the-test"
KEY_FILES = {
    "empty": ("", "no key"),
    "only a comment": ("# keys\n\n", "no key"),
    "no colon": (SECRET + "\n", "line 1", "NAME:KEY"),
    "no name": (f":{SECRET}\n", "line 1"),
    "no key": (f"a:{SECRET}\nb:\n", "line 2"),
    "blank in the key": (f"a:{SECRET} x\n", "line 1", "visible ASCII"),
    "name with a blank": (f"a b:{SECRET}\n", "line 1"),
    "the same key twice": (f"a:{SECRET}\nb:{SECRET}\n", "line 2", "earlier line"),
    "NUL": (f"a:{SECRET}\0\n", "line 1", "NUL"),
    "not UTF-8": (b"a:\xff\xfe" + SECRET.encode() + b"\n", "line 1"),
    "too long a key": (f"a:{SECRET * 20}\n", "line 1", "256"),
    "too many": ("".join(f"k{i}:{SECRET}-{i}\n" for i in range(1001)), "line 1001", "too many"),
    "too large": (f"a:{SECRET}\n" + "# 3456789\n" * 105000, "too large"),
}


@pytest.mark.parametrize("what", KEY_FILES)
def test_bad_key_file(tmp_path, what):
    content, *words = KEY_FILES[what]
    file = tmp_path / "keys"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = said(serve(tmp_path / "data", "--api-key-file", file), 1, str(file), *words)
    assert SECRET not in line


def test_key_file_that_cannot_be_read(tmp_path):
    data = tmp_path / "data"
    said(serve(data, "--api-key-file", tmp_path / "none"), 1, "none", "No such file")
    said(serve(data, "--api-key-file", tmp_path), 1, "Is a directory")
    said(serve(data, env={"BOXOFFICE_API_KEY_FILE": str(tmp_path / "none")}), 1, "none", "No such file")
    if os.geteuid() != 0:
        (tmp_path / "keys").touch(mode=0o000)
        said(serve(data, "--api-key-file", tmp_path / "keys"), 1, "Permission denied")


@pytest.mark.parametrize("content", ["", "nonsense"])
def test_bad_key_file_in_the_folder(new_server, content):
    server = new_server(api_key=None)
    key_file = server.data_dir / "api-key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    good = key_file.read_text()
    server.stop()
    key_file.write_text(content)
    said(serve(server.data_dir), 1, str(key_file), "NAME:KEY")
    key_file.write_text(good)
    server.start()


@pytest.mark.parametrize("key", ["with blank", "x" * 257, "umläut"])
def test_bad_key_in_the_environment(tmp_path, key):
    line = said(serve(tmp_path / "data", env={"BOXOFFICE_API_KEY": key}), 1, "$BOXOFFICE_API_KEY", "visible ASCII")
    assert key not in line


# ---- usage ----

VALUES = {
    "listen": ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1", "127.0.0.1:65536",
               "127.0.0.1: 80", "[]:80", "x" * 300 + ":80", "a\nb"],
    "data-dir": [""],
    "store": ["", "memory", "Embedded", "cql:/127.0.0.1/box"],
    "http-threads": ["", "0", "65", "-1", "two", "1.5", " 1", "1 ", "+1", "99999999999999999999"],
    "worker-threads": ["", "0", "65", "-1", "two", "0x2"],
    "log-level": ["", "loud", "INFO"],
    "max-held-per-session": ["", "-1", "many", "1.5", " 1", "1000001", "99999999999999999999"],
    "max-held-per-address": ["", "-1", "many", "0x2", "1 ", "1000001"],
    "trusted-proxies": [" ", ",", "localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8,,::1", "10.0.0.0/8 ::1", "::1/129",
                        "127.0.0.1:80", "[::1]", "x" * 1000, ",".join(["::1"] * 257), "a\nb"],
}  # fmt: skip


@pytest.mark.parametrize("option", VALUES)
def test_bad_values(tmp_path, option):
    folder = tmp_path / "data"
    for value in VALUES[option]:
        said(run("serve", f"--{option}", value, cwd=tmp_path), 2, f"--{option} is '")
        said(run("serve", f"--{option}={value}", cwd=tmp_path), 2, f"--{option} is '")
        if value:
            name = "BOXOFFICE_" + option.upper().replace("-", "_")
            said(run("serve", cwd=tmp_path, env={name: value}), 2, f"${name} is '")
    said(run("serve", f"--{option}", cwd=tmp_path), 2, f"--{option} needs a value")
    assert list(tmp_path.iterdir()) == []
    assert not folder.exists()


@pytest.mark.parametrize("value", ["maybe", "2", "on", "YES"])
def test_bad_switch_in_the_environment(tmp_path, value):
    said(serve(tmp_path / "data", env={"BOXOFFICE_DEMO_PAYMENTS": value}), 2, "$BOXOFFICE_DEMO_PAYMENTS", "yes or no")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", ["", "0", "no", "false"])
def test_switch_that_is_off(new_server, value):
    new_server(env={"BOXOFFICE_DEMO_PAYMENTS": value}).public.get("/readyz")


def test_environment(tmp_path):
    """Each option is a variable; the command line wins; an empty variable is as if it were not there."""
    folder = tmp_path / "from-env"
    env = {
        "BOXOFFICE_LISTEN": "127.0.0.1:1x", "BOXOFFICE_DATA_DIR": str(folder), "BOXOFFICE_STORE": "",
        "BOXOFFICE_HTTP_THREADS": "1", "BOXOFFICE_LOG_LEVEL": "error",
    }  # fmt: skip
    said(run("serve", env=env), 2, "127.0.0.1:1x")
    said(run("serve", "--listen", "192.0.2.1:0", env=env), 1, "192.0.2.1")
    assert folder.is_dir()


@pytest.mark.parametrize(
    "args",
    [["--nope"], ["--listen-on", "x"], ["word"], ["-x"], ["--demo-payments=yes"], ["--"], [""], ["--=x"]],
    ids=lambda args: " ".join(args) or "empty",
)
def test_unknown_options(tmp_path, args):
    said(run("serve", *args, cwd=tmp_path), 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [["nope"], ["--nope"], [""], ["event", "nope"], ["event", "show"], ["event", "list", "--nope"], ["version", "x"],
     ["event", "list", "--url"], ["event", "list", "--json=1"], ["hold", "create"], ["cdc", "head"]],
    ids=lambda args: " ".join(args) or "empty",
)  # fmt: skip
def test_unknown_commands(args):
    said(run(*args), 2, "help")


def test_help():
    for args in [["--help"], ["-h"], ["help"], *[[c, h] for c in COMMANDS for h in ("--help", "-h")],
                 *[[c, v, "--help"] for c, verbs in COMMANDS.items() for v in verbs]]:  # fmt: skip
        code, out, err = run(*args)
        assert (code, err) == (0, ""), args
        assert "boxoffice" in out, args
    assert set(re.findall(r"^  ([a-z]+) ", run("--help")[1], re.M)) == set(COMMANDS)


def test_help_wins_over_what_is_wrong():
    code, out, err = run("serve", "--listen", "nonsense", "--help", env={"BOXOFFICE_HTTP_THREADS": "many"})
    assert (code, err) == (0, "")
    for option in ("--listen HOST:PORT", "--data-dir DIR", "BOXOFFICE_DATA_DIR", "--demo-payments"):
        assert option in out


def test_clients_without_a_server(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    env = {"BOXOFFICE_URL": f"http://127.0.0.1:{port}"}
    said(run("event", "list", env=env), 1, str(port), "is the server running")
    said(run("event", "list", "--api-key-file", tmp_path / "none", env=env), 1, "none", "No such file")
    said(run("event", "list", "--url", "file:///etc/passwd"), 1)


def test_output_that_cannot_be_written():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binary(), "version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "No space left" in done.stderr


def test_first_words_of_a_good_start(new_server):
    server = new_server(api_key=None)
    lines = until(lambda: server.stderr().splitlines(), "its log")
    assert any("made an API key in" in line for line in lines)
    assert API_KEY not in server.stderr()
    assert server.before_ready == []
