"""The contract itself: api/openapi.yaml is valid OpenAPI 3.1, and its examples fit their schemas."""

import pytest
from openapi_spec_validator import validate as validate_openapi

import validate
from harness import Server
from streams import Parser

CONTRACT = Server.contract


def test_is_valid_openapi():
    """The file is OpenAPI 3.1."""
    assert CONTRACT.doc["openapi"].startswith("3.1")
    validate_openapi(CONTRACT.doc)


def examples():
    for method, template, operation in CONTRACT.operations():
        at = f"/paths/{validate.escape(template)}/{method.lower()}"
        bodies = [(f"{at}/responses/{status}", status) for status in operation["responses"]]
        if "requestBody" in operation:
            bodies.append((f"{at}/requestBody", "request"))
        for pointer, status in bodies:
            body, place = CONTRACT.resolve(pointer)
            for media, content in body.get("content", {}).items():
                values = [content["example"]] if "example" in content else []
                for name in content.get("examples", {}):
                    found, _ = CONTRACT.resolve(f"{place}/content/{validate.escape(media)}/examples/{name}")
                    values.append(found["value"])
                if values:
                    schema = f"{place}/content/{validate.escape(media)}/schema"
                    yield pytest.param(schema, values, id=f"{method} {template} {status}")


@pytest.mark.parametrize(("schema", "values"), list(examples()))
def test_examples_fit(schema, values):
    """What the documentation shows is what the server may say."""
    for value in values:
        CONTRACT.fits(schema, value, "example")


STREAMS = [template for method, template, _ in CONTRACT.operations() if CONTRACT.is_stream(method, template)]


@pytest.mark.parametrize("template", STREAMS)
def test_examples_of_streams_fit(template):
    """The example of a stream can be read, and its messages are such as are described."""
    answer, _ = CONTRACT.resolve(f"/paths/{validate.escape(template)}/get/responses/200")
    parser = Parser()
    messages = list(parser.feed(answer["content"][validate.STREAM]["example"].encode()))
    assert 500 <= parser.retry <= 3500
    assert messages
    for _, event, data in messages:
        CONTRACT.message(template, event, data)


PARTS = [
    (b"data: 1\n\n", "no id"), (b"id: 1\nid: 2\n\n", "twice"), (b"id:1\n\n", "no space"), (b"name: 1\n\n", "unknown"),
    (b"id: 1\r\n\r\n", "CR"), (b"retry: 1s\n\n", "no number"), (b"retry: 1\n\nretry: 1\n\n", "two retries"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "what"), PARTS, ids=[what for _, what in PARTS])
def test_parser_of_streams_refuses(wrong, what):
    """The tests' own parser reads a stream in any pieces, and sees what does not belong into one."""
    right = b': hello\nretry: 7\n\nid: 4\n\nevent: e\nid: 5\ndata: {"a":1}\n\n'
    for size in range(1, len(right) + 1):
        parser = Parser()
        pieces = [right[at : at + size] for at in range(0, len(right), size)]
        assert [m for piece in pieces for m in parser.feed(piece)] == [("5", "e", '{"a":1}')]
        assert (parser.retry, parser.comments, parser.ids) == (7, 1, ["4", "5"])
    with pytest.raises(AssertionError):
        list(Parser().feed(wrong))


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("seats", '{"seq":1,"changes":[]}'), ("seats", '{"seq":1}'), ("seats", '{"seq":1,"changes":[[0,4]]}'),
        ("event", '{"seq":0}'), ("event", '{"seq":1,"seq":1}'), ("event", "1"), ("event", ""), ("message", '{"seq":1}'),
    ],
)  # fmt: skip
def test_validator_refuses_messages(event, data):
    """The tests' own judge sees a message that is not described."""
    path = "/v1/events/5f0e1c2a-9b34-8d71-a6c0-13d2ffffffff/changes"
    assert CONTRACT.message(path, "event", '{"seq":1}') == {"seq": 1}
    with pytest.raises(validate.Undocumented):
        CONTRACT.message(path, event, data)


def test_every_refusal_is_described():
    """Each problem that an operation may answer is in the list of /problems/{slug}, and operation ids are unique."""
    slugs = set(CONTRACT.doc["paths"]["/problems/{slug}"]["parameters"][0]["schema"]["enum"])
    used = set()
    for schema in CONTRACT.doc["components"]["schemas"].values():
        kind = schema.get("properties", {}).get("type", {})
        if isinstance(kind, dict) and str(kind.get("const", "")).startswith("/problems/"):
            used.add(kind["const"].removeprefix("/problems/"))
    assert used == slugs
    ids = [operation["operationId"] for _, _, operation in CONTRACT.operations()]
    assert len(ids) == len(set(ids))


class Judge:
    """A reply to judge, without a server."""

    def __init__(self, body=b'{"status":"ok"}', **headers):
        self.headers = {"content-type": "application/json", "Cache-Control": "no-store"} | headers
        self.body = body

    def __call__(self, method="GET", path="/healthz", status=200):
        return CONTRACT.check(method, path, status, self.headers, self.body)


@pytest.mark.parametrize(
    ("reply", "request_line"),
    [
        (Judge(), ("GET", "/healthz", 404)),
        (Judge(), ("GET", "/no/such/path", 200)),
        (Judge(), ("POST", "/healthz", 200)),
        (Judge(b'{"status":"well"}'), ("GET", "/healthz", 200)),
        (Judge(b'{"status":"ok","more":1}'), ("GET", "/healthz", 200)),
        (Judge(b'{"status":"ok","status":"ok"}'), ("GET", "/healthz", 200)),
        (Judge(b"ok"), ("GET", "/healthz", 200)),
        (Judge(**{"content-type": "text/plain"}), ("GET", "/healthz", 200)),
        (Judge(b'{"venues":[],"next_cursor":null}'), ("GET", "/v1/venues", 200)),
    ],
)
def test_validator_refuses(reply, request_line):
    """The tests' own judge sees a wrong status, path, member, media type, and a header that is missing."""
    assert Judge()() == {"status": "ok"}
    with pytest.raises(validate.Undocumented):
        reply(*request_line)
