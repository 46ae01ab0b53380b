"""Replies against api/openapi.yaml: status, headers, media type and body, for every reply that a test gets."""

import functools
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

REPO = Path(__file__).resolve().parents[2]
ROOT = "urn:boxoffice:openapi"
STREAM = "text/event-stream"


class Undocumented(AssertionError):
    """The reply is not what api/openapi.yaml says."""


def escape(token):
    """A token of a JSON Pointer."""
    return token.replace("~", "~0").replace("/", "~1")


def no_duplicates(pairs):
    """For json.loads: a member that comes twice is an error."""
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError(f"a member comes twice: {names}")
    return dict(pairs)


def not_a_number(text):
    raise ValueError(f"{text} is not JSON")


def parse_json(data):
    return json.loads(data.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=not_a_number)


class Contract:
    """api/openapi.yaml, ready to judge replies. Compiled validators are kept; threads may share it."""

    def __init__(self, path=REPO / "api" / "openapi.yaml"):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        with open(path, encoding="utf-8") as file:
            self.doc = yaml.load(file, Loader=loader)
        # An OpenAPI document is not a schema; the registry only has to find pointers into it.
        resource = Resource(contents=self.doc, specification=DRAFT202012)
        self.registry = Registry().with_resource(ROOT, resource)
        self.validators = {}
        self.paths = []
        for template in self.doc["paths"]:
            pattern = "".join(
                "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]+\})", template)
            )
            self.paths.append((template.count("{"), re.compile(f"{pattern}$"), template))
        self.paths.sort(key=lambda entry: entry[0])

    def validator(self, pointer):
        """The validator of the schema at a JSON Pointer."""
        found = self.validators.get(pointer)
        if found is None:
            found = Draft202012Validator({"$ref": f"{ROOT}#{pointer}"}, registry=self.registry)
            self.validators[pointer] = found
        return found

    def fits(self, pointer, value, what):
        """Raise unless the value fits the schema at a pointer."""
        validator = self.validator(pointer)
        if validator.is_valid(value):
            return
        faults = []
        for error in list(validator.iter_errors(value))[:5]:
            faults.append(f"  {error.json_path}: {error.message[:300]}")
            faults += [f"    {inner.json_path}: {inner.message[:200]}" for inner in (error.context or [])[:8]]
        raise Undocumented(f"{what} does not fit {pointer}:\n" + "\n".join(faults) + f"\nvalue: {str(value)[:1500]}")

    def resolve(self, pointer):
        """The object at a pointer, through $ref, and the pointer where it stands."""
        while True:
            node = self.doc
            for token in pointer.split("/")[1:]:
                token = token.replace("~1", "/").replace("~0", "~")
                node = node[int(token) if isinstance(node, list) else token]
            if isinstance(node, dict) and set(node) == {"$ref"}:
                pointer = node["$ref"].removeprefix("#")
                continue
            return node, pointer

    def template(self, path):
        """The path of the document that a request's path fits, or None."""
        return next((template for _, pattern, template in self.paths if pattern.match(path)), None)

    def operations(self):
        """(method, template, operation) of everything."""
        for template, item in self.doc["paths"].items():
            for method, operation in item.items():
                if method in ("get", "put", "post", "delete", "patch"):
                    yield method.upper(), template, operation

    def query_parameters(self, method, template):
        """Names of the query parameters of an operation."""
        at = f"/paths/{escape(template)}/{method.lower()}"
        count = len(self.doc["paths"][template][method.lower()].get("parameters", []))
        found = [self.resolve(f"{at}/parameters/{i}")[0] for i in range(count)]
        return [parameter["name"] for parameter in found if parameter["in"] == "query"]

    def response(self, method, path, status):
        """The response object of a reply, and its pointer."""
        template = self.template(urlsplit(path).path)
        if status == 405:
            return self.resolve("/components/responses/MethodNotAllowed")
        if template is None:
            if status == 404:
                return self.resolve("/components/responses/NotFound")
            raise Undocumented(f"{method} {path}: {status} for a path that is not documented")
        item = self.doc["paths"][template]
        operation = "get" if method == "HEAD" else method.lower()
        if operation not in item:
            raise Undocumented(f"{method} {path}: {status}, but only {sorted(item)} are documented")
        if str(status) not in item[operation]["responses"]:
            raise Undocumented(f"{method} {path}: status {status} is not documented")
        return self.resolve(f"/paths/{escape(template)}/{operation}/responses/{status}")

    def headers(self, response, pointer, headers, what):
        for name in response.get("headers", {}):
            header, at = self.resolve(f"{pointer}/headers/{escape(name)}")
            value = headers.get(name)
            if value is None:
                if header.get("required"):
                    raise Undocumented(f"{what}: the header {name} is missing")
                continue
            if header["schema"].get("type") == "integer":
                if not re.fullmatch(r"-?[0-9]+", value):
                    raise Undocumented(f"{what}: {name}: {value} is no number")
                value = int(value)
            self.fits(f"{at}/schema", value, f"{what}: header {name}")

    def check(self, method, path, status, headers, content):
        """
        Judge one reply; @content is the body with its coding undone (of a stream, which has no end, any part: see
        message()). Returns the parsed JSON, or None.
        """
        what = f"{method} {path} -> {status}"
        try:
            response, pointer = self.response(method, path, status)
        except Undocumented as error:
            raise Undocumented(f"{error}\nbody: {content[:1500]!r}") from None
        self.headers(response, pointer, headers, what)
        media = headers.get("content-type")
        if method == "HEAD" or status == 304 or "content" not in response:
            if content:
                raise Undocumented(f"{what}: a body where none is documented: {content[:200]!r}")
            if method != "HEAD":
                return None
        if "content" not in response:
            return None
        kind = (media or "").split(";")[0].strip()
        if kind not in response["content"]:
            raise Undocumented(f"{what}: Content-Type {media}, documented: {sorted(response['content'])}")
        if method == "HEAD" or not (kind == "application/json" or kind.endswith("+json")):
            return None
        try:
            value = parse_json(content)
        except (ValueError, UnicodeDecodeError) as error:
            raise Undocumented(f"{what}: not JSON: {error}: {content[:300]!r}") from None
        self.fits(f"{pointer}/content/{escape(kind)}/schema", value, what)
        if kind == "application/problem+json" and value["status"] != status:
            raise Undocumented(f"{what}: the problem says status {value['status']}")
        return value

    def is_stream(self, method, template):
        """True if the operation can answer with a stream."""
        if "200" not in self.doc["paths"][template][method.lower()]["responses"]:
            return False
        answer, _ = self.resolve(f"/paths/{escape(template)}/{method.lower()}/responses/200")
        return STREAM in answer.get("content", {})

    @functools.lru_cache(maxsize=1024)
    def message(self, path, event, data):
        """Judge one message of a stream; @data is its text, which many may get. Returns the parsed JSON."""
        what = f"{path}: message {event!r}"
        _, pointer = self.response("GET", path, 200)
        media, pointer = self.resolve(f"{pointer}/content/{escape(STREAM)}")
        if event not in media["x-events"]:
            raise Undocumented(f"{what}: documented are {sorted(media['x-events'])}")
        try:
            value = parse_json(data.encode())
        except ValueError as error:
            raise Undocumented(f"{what}: not JSON: {error}: {data[:300]!r}") from None
        self.fits(f"{pointer}/x-events/{escape(event)}", value, what)
        return value
