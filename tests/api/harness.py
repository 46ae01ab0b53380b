"""The real server program, and clients whose every reply is checked against api/openapi.yaml."""

import contextlib
import os
import re
import signal
import subprocess
import threading
from pathlib import Path

import httpx

import stores
import validate

REPO = validate.REPO
READY = re.compile(r"boxoffice: listening on (http://127\.0\.0\.1:([0-9]+))$")
SANITIZER = re.compile(r"(Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer|runtime error:")
API_KEY = "test-key-of-the-environment-0123456789"
SCALE = float(os.environ.get("BOXOFFICE_TEST_SCALE", "1"))


def scaled(count):
    """A count, scaled by BOXOFFICE_TEST_SCALE, at least 1."""
    return max(1, round(count * SCALE))


def binary():
    """The program to test: BOXOFFICE_BIN, or the newest build."""
    given = os.environ.get("BOXOFFICE_BIN")
    if given:
        return Path(given).resolve()
    found = [path for path in REPO.glob("build/*/boxoffice") if path.is_file()]
    if not found:
        raise FileNotFoundError("no build/*/boxoffice; build one or set BOXOFFICE_BIN")
    return max(found, key=lambda path: path.stat().st_mtime)


def clean_env(**extra):
    """The environment of a program of ours: nothing of ours but @extra."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("BOXOFFICE_")}
    env.update(extra)
    return env


class Server:
    """
    One server process. start() returns when it is ready; stop() wants exit code 0; kill() is kill -9. After a stop or
    a kill, start() again is a restart on the same data folder.
    """

    contract = validate.Contract()

    def __init__(self, data_dir, *, args=(), env=None, api_key=API_KEY, store=None):
        self.data_dir = Path(data_dir)
        self.store = store  # an URL, or None: what the tests are run on
        self.stderr_path = self.data_dir.with_name(self.data_dir.name + ".stderr")
        self.args = list(args)
        self.env = dict(env or {})
        self.api_key = api_key
        self.process = None
        self.url = None
        self.port = None
        self.before_ready = []
        self.seen_stderr = 0
        self.log_rows, self.log_cursor, self.log_lock = [], None, threading.Lock()

    def command(self):
        return [
            str(binary()), "serve", "--listen", "127.0.0.1:0", "--data-dir", str(self.data_dir),
            *(stores.options_of(self.store) if self.store else stores.arguments(self.data_dir)), *self.args,
        ]  # fmt: skip

    def start(self):
        assert self.process is None
        env = clean_env(**self.env)
        if self.api_key is not None:
            env["BOXOFFICE_API_KEY"] = self.api_key
        with open(self.stderr_path, "ab") as stderr:
            self.process = subprocess.Popen(
                self.command(), stdout=subprocess.PIPE, stderr=stderr, stdin=subprocess.DEVNULL, text=True, env=env
            )
        self.before_ready = []
        for line in self.process.stdout:
            found = READY.match(line.rstrip("\n"))
            if found:
                self.url, self.port = found[1], int(found[2])
                break
            self.before_ready.append(line)
        else:
            code = self.process.wait()
            self.process = None
            raise RuntimeError(f"the server ended with {code} before it was ready:\n{self.stderr()}")
        # Nobody reads the rest; it must not fill the pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False, limits=httpx.Limits(max_connections=200))
        return self

    @property
    def pid(self):
        return self.process.pid

    def stderr(self):
        with contextlib.suppress(FileNotFoundError):
            return self.stderr_path.read_text(errors="replace")
        return ""

    def check_stderr(self):
        """Fail on a sanitizer's report since the last look."""
        text = self.stderr()
        new, self.seen_stderr = text[self.seen_stderr :], len(text)
        assert not SANITIZER.search(new), f"a sanitizer reports:\n{new[-8000:]}"

    def check_alive(self):
        code = self.process.poll()
        assert code is None, f"the server ended by itself with {code}:\n{self.stderr()[-4000:]}"

    def stop(self):
        """SIGTERM: it finishes what is under way and exits 0."""
        self.check_alive()
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait()
        self.process = None
        self.check_stderr()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.stderr()[-4000:]}"

    def kill(self):
        """kill -9."""
        self.http.close()
        self.process.kill()
        self.process.wait()
        self.process = None
        self.check_stderr()

    def freeze(self):
        """SIGSTOP: it does nothing at all until thaw()."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def restart(self):
        """Stop and start on the same data folder."""
        self.stop()
        return self.start()

    def metric(self, name):
        """The value of a counter or gauge now."""
        text = self.public.get("/metrics").text
        return float(re.search(rf"^boxoffice_{name} (.+)$", text, re.M)[1])

    def memory(self, what="VmRSS"):
        """Bytes of memory that the process has now, and whether they can be judged (a sanitizer needs far more). VmHWM: the most
        that it has had."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        sanitized = re.search(r"/lib[at]san", Path(f"/proc/{self.pid}/maps").read_text(encoding="utf-8"))
        return 1024 * int(re.search(rf"^{what}:\s+([0-9]+) kB", status, re.M)[1]), not sanitized

    def client(self, credential=None):
        return Client(self, credential)

    @property
    def key(self):
        """A client with the API key."""
        return Client(self, self.api_key)

    @property
    def public(self):
        """A client without a credential."""
        return Client(self, None)

    def session(self, credential=None):
        """A new buyer."""
        made = self.client(credential).post("/v1/sessions", expect=201).json
        return Buyer(self, made)


class Reply:
    """A reply that is as api/openapi.yaml has it. `json` is the parsed body or None."""

    def __init__(self, response, json):
        self.status = response.status_code
        self.headers = response.headers
        self.content = response.content
        self.text = response.text
        self.json = json
        self.request = response.request

    def __getitem__(self, name):
        return self.json[name]

    @property
    def seq(self):
        return int(self.headers["change-seq"])

    @property
    def problem(self):
        """The last part of a problem's type, or None."""
        if self.headers.get("content-type", "").startswith("application/problem+json"):
            return self.json["type"].removeprefix("/problems/")
        return None

    @property
    def pointers(self):
        """What a 422 complains about."""
        return [error["pointer"] for error in self.json["errors"]]

    def __repr__(self):
        return f"{self.request.method} {self.request.url.raw_path.decode()} -> {self.status} {self.text[:600]}"


class Client:
    """Requests with one credential. Threads may share it."""

    def __init__(self, server, credential=None):
        self.server = server
        self.credential = credential

    def request(self, method, path, *, expect=None, problem=None, check=True, headers=None, **kwargs):
        """
        One request. @expect: the status (or several) that it must have; @problem: the problem's slug, and with it
        its status where @expect is not given.
        """
        headers = dict(headers or {})
        if self.credential is not None:
            headers.setdefault("Authorization", f"Bearer {self.credential}")
        response = self.server.http.request(method, path, headers=headers, **kwargs)
        json = None
        if check:
            raw = response.request.url.raw_path.decode("ascii")
            json = self.server.contract.check(method, raw, response.status_code, response.headers, response.content)
        reply = Reply(response, json)
        if problem is not None:
            assert reply.problem == problem, f"wanted {problem}: {reply!r}"
        if expect is not None:
            wanted = expect if isinstance(expect, (tuple, list, set)) else (expect,)
            assert reply.status in wanted, f"wanted {expect}: {reply!r}"
        return reply

    def get(self, path, expect=200, **kwargs):
        return self.request("GET", path, expect=expect, **kwargs)

    def head(self, path, expect=200, **kwargs):
        return self.request("HEAD", path, expect=expect, **kwargs)

    def post(self, path, json=None, expect=None, **kwargs):
        if json is not None:
            kwargs["json"] = json
        return self.request("POST", path, expect=expect, **kwargs)

    def put(self, path, json, expect=None, **kwargs):
        return self.request("PUT", path, json=json, expect=expect, **kwargs)

    def patch(self, path, json, expect=None, **kwargs):
        return self.request("PATCH", path, json=json, expect=expect, **kwargs)

    def delete(self, path, expect=None, **kwargs):
        return self.request("DELETE", path, expect=expect, **kwargs)

    def pages(self, path, member, params=None, **kwargs):
        """Every entry of a list, page by page."""
        params = dict(params or {})
        entries = []
        while True:
            page = self.get(path, params=params, **kwargs)
            entries += page[member]
            if page["next_cursor"] is None:
                return entries
            assert page[member], "an empty page that is not the last"
            params["cursor"] = page["next_cursor"]


class Buyer(Client):
    """A client with a session's token."""

    def __init__(self, server, made):
        super().__init__(server, made["token"])
        self.session_id = made["session_id"]
        self.token = made["token"]
        self.expires_at = made["expires_at"]

    def hold(self, event, *seats, expect=201, headers=None, **body):
        """Hold seats by index, or as @body says."""
        if seats:
            body["seat_indexes"] = list(seats)
        return self.post(f"/v1/events/{event.id}/holds", body, expect=expect, headers=headers)

    def best(self, event, count, expect=201, price_types=None, **wish):
        """Hold the best available seats."""
        body = {"best_available": {"count": count, **wish}}
        if price_types is not None:
            body["price_types"] = price_types
        return self.hold(event, expect=expect, **body)

    def order(self, hold, expect=201, headers=None, **body):
        """Order a hold (its reply, its JSON or its id)."""
        hold_id = hold if isinstance(hold, str) else hold["hold_id"]
        return self.post("/v1/orders", {"hold_id": hold_id, **body}, expect=expect, headers=headers)
