"""What holds for every path: bodies, methods, paths, ids, query parameters, limits, problems."""

import json
import re

import pytest

import stores
from box import new_id
from harness import Server

CONTRACT = Server.contract
JSON = {"Content-Type": "application/json"}
OPERATIONS = list(CONTRACT.operations())
TEMPLATES = list(CONTRACT.doc["paths"])
SLUGS = CONTRACT.doc["paths"]["/problems/{slug}"]["parameters"][0]["schema"]["enum"]
WITH_BODY = [(method, path) for method, path, operation in OPERATIONS if "requestBody" in operation]


def example_path(template, **ids):
    """A template with its parameters filled in."""
    fixed = {"slug": "not-found", "type_id": "regular"}
    return re.sub(r"\{(\w+)\}", lambda m: ids.get(m[1]) or fixed.get(m[1]) or new_id(), template)


def deep(levels):
    return b'{"name":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


MALFORMED = {
    "cut off": b'{"name": "x"', "a comma too many": b'{"name":"x",}', "two values": b"{}{}", "text behind": b"{} x",
    "single quotes": b"{'name':'x'}", "a comment": b'{/* */"name":"x"}', "NaN": b'{"name":NaN}', "a bare word": b"nul",
    "a leading zero": b'{"name":01}', "a number cut off": b'{"name":1.}', "a control character": b'{"name":"a\nb"}',
    "a bad escape": b'{"name":"\\x41"}', "a byte order mark": b"\xef\xbb\xbf{}", "a NUL": b'{"name":"x"}\0',
    "a member twice": b'{"name":"x","name":"x"}', "a member twice inside": b'{"sections":[{"a":1,"a":1}]}',
    "a member twice among many": b"{" + b",".join(b'"m%d":0' % (i % 1000) for i in range(1001)) + b"}",
    "too many members": b"{" + b",".join(b'"m%d":0' % i for i in range(20001)) + b"}",
    "a member twice, escaped": b'{"name":"x","n\\u0061me":"x"}', "too deep": deep(33), "far too deep": deep(100_000),
    "a wrong byte": b'{"name":"\xff"}', "an overlong form": b'{"name":"\xc0\xaf"}', "a coded surrogate": b'{"name":"\xed\xa0\x80"}',
    "half a surrogate pair": b'{"name":"\\ud800"}', "U+0000, escaped": b'{"name":"a\\u0000b"}',
    "half of a letter": b'{"name":"\xc3"}', "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "an unknown member": b'{"colour":"red"}',
}  # fmt: skip


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed(box, what):
    """What is no JSON, not UTF-8, has a member twice or one that nobody knows: 400, in small and in big bodies."""
    for path in ("/v1/events", "/v1/venues", "/v1/venues/import"):
        reply = box.key.post(path, content=MALFORMED[what], headers=JSON, expect=400)
        assert reply.problem == "bad-request"


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"x"', b"true"])
def test_no_object(box, body):
    """JSON that is no object is 422 at the pointer of the whole."""
    reply = box.key.post("/v1/venues", content=body, headers=JSON, expect=422)
    assert "" in reply.pointers


def test_depth_that_fits(box):
    """32 levels are read: then it is a value that does not fit."""
    assert box.key.post("/v1/events", content=deep(32), headers=JSON, expect=422).problem == "invalid-request"


@pytest.mark.parametrize(("method", "template"), WITH_BODY)
@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx", None])
def test_content_type(box, method, template, kind):
    """A body that is not application/json is 415, on every path that takes one."""
    headers = {} if kind is None else {"Content-Type": kind}
    event = box.event()
    order = box.order(event, 0)
    path = example_path(template, event_id=event.id, hold_id=order["hold_id"], order_id=order["order_id"])
    reply = box.key.request(method, path, content=b'{"name":"x"}', headers=headers, expect=415)
    assert reply.problem == "unsupported-media-type"
    assert event.get().seq == 3


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"])
def test_content_type_that_fits(box, kind):
    """Parameters and case do not matter."""
    body = json.dumps(box.event_body(box.venue())).encode()
    box.key.post("/v1/events", content=body, headers={"Content-Type": kind}, expect=201)


def test_too_large(box):
    """1 MiB is read, one byte more is 413; a venue may have more."""
    size = 1 << 20
    body = json.dumps(box.event_body(box.venue())).encode()
    box.key.post("/v1/events", content=body.ljust(size), headers=JSON, expect=201)
    for more in (size + 1, 3 * size):
        box.key.post("/v1/events", content=body.ljust(more), headers=JSON, expect=413, problem="too-large")
    hold = f"{box.event().path}/holds"
    box.session().post(hold, content=b'{"seat_indexes":[0]}'.ljust(size + 1), headers=JSON, expect=413)
    types = [{"type_id": "r", "price": "1", "seats_count": 1}]
    venue = json.dumps({"name": "N", "timezone": "UTC", "sections": [{"name": "A", "types": types}]}).encode()
    box.key.post("/v1/venues", content=venue.ljust(size + 1), headers=JSON, expect=201)


@pytest.mark.parametrize("template", TEMPLATES)
def test_method_not_allowed(box, template):
    """A path without the method is 405, and Allow lists those that it has."""
    has = {method for method, path, _ in OPERATIONS if path == template}
    allowed = has | ({"HEAD"} if "GET" in has else set())
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} - has:
        reply = box.key.request(method, example_path(template), expect=405, problem="method-not-allowed")
        assert {name.strip() for name in reply.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v2/events", "/V1/events", "/v1/event", "/v1/events/", "/v1//events", "/problems",
     f"/v1/events/{new_id()}/nothing", f"/v1/venues/{new_id()}/sections", "/index.html", "/%2e%2e/etc/passwd", "/.git/config"],
)  # fmt: skip
def test_unknown_path(box, path):
    """A path that is none is 404, for everybody and with every method."""
    for client in (box.public, box.key):
        for method in ("GET", "POST"):
            assert client.request(method, path, expect=404).problem == "not-found"


NO_UUIDS = ["x", "0", "null", new_id()[:-1], new_id() + "0", new_id().replace("-", ""), "{" + new_id() + "}", "g" * 36,
            new_id().replace("-", "_"), "0" * 400]  # fmt: skip


@pytest.mark.parametrize(("method", "template"), [(m, p) for m, p, _ in OPERATIONS if "_id}" in p])
def test_ids_that_are_none(box, method, template):
    """An id that is no UUID is 404, like one that does not exist."""
    bodies = {"PUT": {"prices": []}, "PATCH": {"name": "x"}}
    if template.endswith("/confirm"):
        bodies["POST"] = {"payment_reference": "x"}
    names = [name for name in re.findall(r"\{(\w+)\}", template) if name != "type_id"]
    for name in names:
        for wrong in (*NO_UUIDS, "00000000-0000-0000-0000-000000000000"):
            path = example_path(template, **{name: wrong})
            assert box.key.request(method, path, json=bodies.get(method), expect=404).problem == "not-found"


def test_ids_in_upper_case(box):
    """Ids are read in either case and given in small letters."""
    event = box.event()
    assert box.public.get(f"/v1/events/{event.id.upper()}")["event_id"] == event.id


@pytest.mark.parametrize("template", [path for method, path, _ in OPERATIONS if method == "GET" and path.startswith("/v1")])
def test_query_parameters(box, template):
    """A query parameter that a path does not know, or that comes twice, is 400; a bad escape too."""
    event = box.event()
    hold = box.session().hold(event, 0)
    order = box.key.post("/v1/orders", {"hold_id": hold["hold_id"]}, expect=201)
    section = event.section()
    path = example_path(
        template, event_id=event.id, venue_id=event.venue["venue_id"], section_id=section, hold_id=hold["hold_id"],
        order_id=order["order_id"], ticket_id=event.ticket(0),
    )  # fmt: skip
    (box.key.head if CONTRACT.is_stream("GET", template) else box.key.get)(path)
    for query in ("no_such=1", "LIMIT=1", "limit[]=1", "%zz=1", "no_such"):
        assert box.key.get(f"{path}?{query}", expect=400).problem == "bad-request", query
    names = CONTRACT.query_parameters("GET", template)
    for name in names:
        assert box.key.get(f"{path}?{name}=1&{name}=1", expect=400).problem == "bad-request", name
        box.key.get(f"{path}?{name}=%ff", expect=400)
    if "limit" in names:
        for wrong in ("0", "1001", "-1", "x", "", "1.0", "1e2", "99999999999999999999", "+5", "%201"):
            assert box.key.get(f"{path}?limit={wrong}", expect=422).pointers == ["/limit"], wrong
        for right in ("1", "1000"):
            box.key.get(f"{path}?limit={right}")
        cursor = "after" if "after" in names else "cursor"
        for wrong in ("!", "", "AAAA%2B", "x" * 129, "x" * 2000):
            assert box.key.get(f"{path}?{cursor}={wrong}", expect=422).pointers == [f"/{cursor}"], wrong


@pytest.mark.parametrize("slug", SLUGS)
def test_problem_pages(box, slug):
    """Each type's path explains it, to programs and to people."""
    path = f"/problems/{slug}"
    said = box.public.get(path)
    assert said["type"] == path
    page = box.public.get(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert said["title"].replace("'", "&#39;") in page.text or said["title"] in page.text
    assert box.public.get(path, headers={"Accept": "application/json"}).json == said.json


def test_unknown_problem(box):
    """A type that there is none of is 404."""
    box.public.get("/problems/none", expect=404, problem="not-found")


def test_a_problem_names_its_page(box):
    """`type` of a problem is a path that can be asked for, and says the same status."""
    problem = box.public.get(f"/v1/events/{new_id()}", expect=404)
    explained = box.public.get(problem["type"])
    assert (explained["type"], explained["status"]) == (problem["type"], problem["status"])


def test_long_request_lines_and_headers(box):
    """A path or a header that is too long is refused, and the connection's next request is answered."""
    for path, headers in (("/v1/events?" + "x" * 5000, {}), ("/v1/events", {"X-Long": "x" * 40_000})):
        reply = box.public.request("GET", path, headers=headers, check=False)
        assert reply.status in (400, 414, 431)
        box.public.get("/v1/events")
    box.public.get("/v1/events?" + "&".join(["limit=1"] * 40), expect=400)


def test_server_pages(box):
    """Health, readiness, metrics, this contract, the home page."""
    assert box.public.get("/healthz").json == {"status": "ok"}
    ready = box.public.get("/readyz").json
    assert ready.pop("cluster", "").startswith("in the cluster") == stores.CLUSTER
    assert ready == {"status": "ok"}
    metrics = box.public.get("/metrics").text
    names = re.findall(r"^# TYPE (\w+) (counter|gauge|histogram)$", metrics, re.MULTILINE)
    assert names
    assert all(name.startswith(("boxoffice_", "process_")) for name, _ in names)
    assert box.public.get("/openapi.json").json == json.loads(json.dumps(CONTRACT.doc))
    assert "<html" in box.public.get("/").text.lower()
