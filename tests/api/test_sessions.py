"""Who somebody is: session tokens, named API keys, and what each may do."""

import base64
import stat

import pytest

from box import Box, from_now, new_id, parse_time
from harness import API_KEY

KEY_ONLY = [
    ("POST", "/v1/venues"), ("POST", "/v1/venues/import"), ("POST", "/v1/events"), ("PATCH", "/v1/events/{id}"),
    ("DELETE", "/v1/events/{id}"), ("POST", "/v1/events/{id}/publish"), ("POST", "/v1/events/{id}/unpublish"),
    ("POST", "/v1/events/{id}/pause"), ("POST", "/v1/events/{id}/resume"), ("POST", "/v1/events/{id}/cancel"),
    ("PUT", "/v1/events/{id}/prices"), ("POST", "/v1/events/{id}/block"), ("POST", "/v1/events/{id}/unblock"),
    ("GET", "/v1/orders"), ("POST", "/v1/orders/{id}/confirm"), ("POST", "/v1/orders/{id}/refund"),
    ("GET", "/v1/events/{id}/checkouts"), ("GET", "/v1/order_queue"), ("GET", "/v1/cdc/order_queue"),
]  # fmt: skip
ANYBODY = [
    ("GET", "/v1/venues"), ("GET", "/v1/events"), ("POST", "/v1/sessions"), ("GET", "/healthz"), ("GET", "/readyz"),
    ("GET", "/metrics"), ("GET", "/openapi.json"),
]  # fmt: skip
SOMEBODY = [
    ("POST", "/v1/events/{id}/holds"), ("GET", "/v1/holds/{id}"), ("DELETE", "/v1/holds/{id}"),
    ("POST", "/v1/holds/{id}/extend"), ("POST", "/v1/orders"), ("GET", "/v1/orders/{id}"),
    ("POST", "/v1/orders/{id}/cancel"),
]  # fmt: skip


def test_new_session(box):
    """A session has an id and a token that lives 24 hours; no two are the same."""
    made = box.public.post("/v1/sessions", expect=201)
    again = box.public.post("/v1/sessions", {}, expect=201)
    assert made["session_id"] != again["session_id"]
    assert made["token"] != again["token"]
    assert made.headers["cache-control"] == "no-store"
    life = parse_time(made["expires_at"]).timestamp() - parse_time(from_now(0)).timestamp()
    assert 86400 - 120 < life <= 86400 + 120
    box.session().post("/v1/sessions", expect=201)
    box.key.post("/v1/sessions", expect=201)
    box.public.post("/v1/sessions", {"session_id": new_id()}, expect=400)


@pytest.mark.parametrize(("method", "path"), KEY_ONLY)
def test_needs_a_key(box, method, path):
    """Organisers' business: 401 without a credential, 403 with a session, and the key is heard."""
    path = path.replace("{id}", new_id())
    refused = box.public.request(method, path, expect=401, problem="unauthorized")
    assert refused.headers["www-authenticate"].startswith("Bearer")
    box.session().request(method, path, expect=403, problem="forbidden")
    heard = box.key.request(method, path)
    assert heard.status not in (401, 403)


@pytest.mark.parametrize(("method", "path"), SOMEBODY)
def test_needs_somebody(box, method, path):
    """A buyer's business: 401 without a credential; a session and a key are heard."""
    path = path.replace("{id}", new_id())
    box.public.request(method, path, expect=401, problem="unauthorized")
    for client in (box.session(), box.key):
        assert client.request(method, path).status not in (401, 403)


@pytest.mark.parametrize(("method", "path"), ANYBODY)
def test_for_anybody(box, method, path):
    """Public: no credential is needed."""
    assert box.public.request(method, path).status in (200, 201)


def forgeries(token):
    """What is no token, or not this one."""
    half = len(token) // 2
    other = "A" if token[half] != "A" else "B"
    yield "truncated", token[:-4]
    yield "only a part", token[:half]
    yield "longer", token + "AAAA"
    for place in (0, 4, half, len(token) - 8):
        swap = "A" if token[place] != "A" else "B"
        yield f"changed at {place}", token[:place] + swap + token[place + 1 :]
    yield "in upper case", token.upper() if token != token.upper() else other
    yield "nothing but dots", "." * len(token)
    yield "zeros", base64.urlsafe_b64encode(bytes(57)).decode()
    yield "twice", f"{token} {token}"
    yield "very long", "A" * 4000


def test_forged_tokens(box):
    """A token that is not exactly the server's is 401, also where none is needed."""
    buyer = box.session()
    event = box.event()
    hold = buyer.hold(event, 0)
    for what, token in forgeries(buyer.token):
        client = box.server.client(token)
        for path in (f"/v1/holds/{hold['hold_id']}", event.path, "/v1/venues"):
            reply = client.get(path, expect=401)
            assert reply.problem == "unauthorized", what
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "active"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer .", f"Basic {API_KEY}", API_KEY, f"Bearer  {API_KEY}x", f"Bearer {API_KEY[:-1]}"]
)
def test_wrong_header(box, header):
    """Authorization of another form, or with a key that is almost right, is 401."""
    box.public.get("/v1/orders", headers={"Authorization": header}, expect=401, problem="unauthorized")


def test_scheme_in_any_case(box):
    """The scheme's name is case-insensitive (RFC 9110)."""
    box.public.get("/v1/orders", headers={"Authorization": f"bearer {API_KEY}"})


def test_tokens_of_another_server(box, new_server):
    """A token is good on the server that made it, also after its restart, and on no other."""
    server = new_server()
    event = Box(server).event()
    buyer = server.session()
    hold = buyer.hold(event, 0)
    box.server.client(buyer.token).get("/v1/venues", expect=401)
    server.client(box.session().token).get("/v1/venues", expect=401)
    server.restart()
    assert buyer.get(f"/v1/holds/{hold['hold_id']}")["status"] == "active"


def test_somebody_elses(box):
    """Somebody else's hold or order is 404, whatever is asked of it; it is not touched."""
    event = box.event()
    owner, other = box.session(), box.session()
    hold = owner.hold(event, 0)
    hold_path = f"/v1/holds/{hold['hold_id']}"
    other.get(hold_path, expect=404, problem="not-found")
    other.delete(hold_path, expect=404)
    other.post(f"{hold_path}/extend", expect=404)
    other.order(hold, expect=404)
    order = owner.order(hold)
    order_path = f"/v1/orders/{order['order_id']}"
    other.get(order_path, expect=404, problem="not-found")
    other.post(f"{order_path}/cancel", expect=404)
    assert owner.get(hold_path)["status"] == "active"
    assert owner.get(order_path)["status"] == "pending"
    assert box.key.get(hold_path).json | {"now": None} == owner.get(hold_path).json | {"now": None}
    owner.delete(hold_path, expect=204)
    other.get(hold_path, expect=404)
    other.get(order_path, expect=404)


def test_session_id_of_a_hold(box):
    """An API key says whose hold it is; a session must not. The session then owns it."""
    event = box.event()
    buyer = box.session()
    holds = f"{event.path}/holds"
    made = box.key.post(holds, {"seat_indexes": [0], "session_id": buyer.session_id}, expect=201)
    assert made["session_id"] == buyer.session_id
    assert buyer.order(made)["session_id"] == buyer.session_id
    assert box.key.post(holds, {"seat_indexes": [1]}, expect=422).pointers == ["/session_id"]
    assert box.key.post(holds, {"seat_indexes": [1], "session_id": "x"}, expect=422).pointers == ["/session_id"]
    assert buyer.hold(event, seat_indexes=[1], session_id=buyer.session_id, expect=422).pointers == ["/session_id"]
    assert buyer.hold(event, seat_indexes=[1], session_id=new_id(), expect=422).pointers == ["/session_id"]
    assert event.counts() == (19, 1, 0, 0)


def test_key_file(new_server, tmp_path):
    """A key file has named keys, one a line, with comments and blank lines; two keys may share a name."""
    keys = {"organiser": "k-organiser-0123456789abcdef", "payments": "k:with:colons/0123456789abcdef"}
    spare = "k-organiser-second-0123456789"
    path = tmp_path / "keys"
    lines = ["# who may what", "", *(f"{name}:{key}" for name, key in keys.items()), f"  organiser:{spare} "]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o600)
    server = new_server(args=["--api-key-file", str(path)], api_key=None)
    for key in (*keys.values(), spare):
        server.client(key).get("/v1/orders")
    for key in ("organiser", f"organiser:{spare}", API_KEY, "# who may what", keys["organiser"][:-1]):
        server.client(key).get("/v1/orders", expect=401)
    for secret in (*keys.values(), spare):
        assert secret not in server.stderr()
        assert secret not in "".join(server.before_ready)


# A cluster keeps it in a table, for all servers.
@pytest.mark.embedded
def test_made_key(new_server):
    """Without a key one is made at the first start, kept in the folder for its owner only, and its path is printed."""
    server = new_server(api_key=None)
    path = server.data_dir / "api-key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    said = "".join(server.before_ready) + server.stderr()
    assert str(path) in said
    key = path.read_text().strip().rpartition(":")[2]
    assert key not in said
    server.client(key).get("/v1/orders")
    server.client("x").get("/v1/orders", expect=401)
    server.restart()
    assert path.read_text().strip().rpartition(":")[2] == key
    server.client(key).get("/v1/orders")
