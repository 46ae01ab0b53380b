"""The contract itself: api/openapi.yaml is valid OpenAPI 3.1, and its examples fit their schemas."""

import pytest
from openapi_spec_validator import validate as validate_openapi

import validate
from harness import Server

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
