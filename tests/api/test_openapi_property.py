"""Whatever is sent, the answer is one that api/openapi.yaml describes: for data that fit it and for data that do not.

schemathesis makes, for each operation, the cases at the boundaries of its schemas and random ones; each is sent without
a credential and with an API key. Ids that fit are mostly replaced by ids that exist (each operation has a world of its
own), so that requests get past the 404. The other files test what the answers mean; this one looks for what nobody
thought of.
"""

import collections
import contextlib
import pathlib
import tempfile
import uuid

import hypothesis
import hypothesis.configuration

# Whatever hypothesis wants to keep it keeps for this run only, and not in the tree.
KEPT = tempfile.TemporaryDirectory(prefix="boxoffice-hypothesis-")
hypothesis.configuration.set_hypothesis_home_dir(pathlib.Path(KEPT.name))

import pytest  # noqa: E402
import requests  # noqa: E402
import schemathesis  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.config import SchemathesisConfig  # noqa: E402
from schemathesis.core import NOT_SET  # noqa: E402
from schemathesis.core.parameters import ParameterLocation  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import validate  # noqa: E402
from box import Box, new_slug  # noqa: E402
from harness import Server, scaled  # noqa: E402

pytestmark = pytest.mark.timeout(300)  # against hanging

# Not positive_data_acceptance: much that fits the schemas breaks a rule that no schema can say (a currency that does not
# exist, a seat that comes twice) and is 422.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

CONTRACT = Server.contract
STATUSES = collections.defaultdict(set)  # of each operation, what its replies had
EXAMPLES = scaled(15)  # random ones, besides those at the boundaries

schema = schemathesis.openapi.from_path(
    validate.REPO / "api" / "openapi.yaml",
    config=SchemathesisConfig.from_dict({
        "generation": {
            "deterministic": True,  # the same cases in every run
            # The tests send credentials of their own.
            "with-security-parameters": False,
        },
        "output": {"sanitization": {"enabled": False}},  # the key is only this test's, and is needed to try again
    }))


class World:
    """Things that exist, for one operation: what a valid id in a request is replaced by, mostly."""

    def __init__(self, server):
        box = Box(server)
        buyer = box.session()
        event, draft, paused = box.event(max_tickets_per_session=20), box.event(published=False), box.event()
        paused.post("pause", expect=200)
        holds = [buyer.hold(event, seat).json for seat in range(8)]
        pending, cancelled, paid, refunded = [buyer.order(hold).json for hold in holds[:4]]
        box.key.post(f"/v1/orders/{cancelled['order_id']}/cancel", expect=200)
        box.confirm(paid), box.confirm(refunded)
        box.key.post(f"/v1/orders/{refunded['order_id']}/refund", expect=200)
        buyer.delete(f"/v1/holds/{holds[4]['hold_id']}", expect=204)
        event.post("block", {"ticket_ids": event.tickets(*range(10, 15))}, expect=200)
        self.server, self.token = server, buyer.token
        self.blocked = event.tickets(*range(10, 15))
        self.waited, self.counters = False, collections.Counter()
        self.ids = {
            "venue_id": [event.venue["venue_id"]],
            "section_id": [event.section()],
            "section": [event.section()],
            "event_id": [event.id, draft.id, event.id, paused.id],
            "ticket_id": event.tickets(*range(event.total)),
            "ticket_ids": event.tickets(8, 9, *range(15, 20)),  # available
            "hold_id": [hold["hold_id"] for hold in holds[::-1]],
            "order_id": [order["order_id"] for order in (pending, paid, cancelled, refunded)],
            "session_id": [buyer.session_id],
        }

    def count(self, name):
        self.counters[name] += 1
        return self.counters[name]

    def real(self, name, value):
        """Something of that name which exists, for seven of eight values that fit; anything else stays as it is."""
        if isinstance(value, list):
            return [self.real(name, entry) for entry in value]
        if name in self.ids and isinstance(value, str) and len(value) == 36:
            with contextlib.suppress(ValueError):
                uuid.UUID(value)
                number = self.count(name)
                return self.ids[name][number % len(self.ids[name])] if number % 8 else value
        if name == "seat_indexes" and type(value) is int and value > 0:
            return self.count(name) % 20
        return value

    def inhabit(self, value):
        """The same value with the ids of this world, also deep inside."""
        if isinstance(value, dict):
            return {name: self.inhabit(self.real(name, entry)) for name, entry in value.items()}
        if isinstance(value, list):
            return [self.inhabit(entry) for entry in value]
        return value


@pytest.fixture(scope="module")
def answering(tmp_path_factory):
    """A server for this file: it is left with many strange things."""
    server = Server(tmp_path_factory.mktemp("property") / "data").start()
    with requests.Session() as session:
        session.trust_env = False
        server.requests = session
        yield server
    if server.process is not None:
        server.stop()


@pytest.fixture
def world(answering):
    yield World(answering)
    answering.check_alive()
    answering.check_stderr()


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [without_nulls(entry) for entry in value]
    return value


def must_be_refused(case):
    """True for data that do not fit, unless what does not fit is passed over by a convention of the interface."""
    if not case.meta.generation.mode.is_negative:
        return False
    if case.headers.get("If-None-Match") == "":
        return False  # a condition that names nothing is no condition
    wrong = [place for place, part in case.meta.components.items() if part.mode.is_negative]
    if wrong == [ParameterLocation.HEADER] and "x-schemathesis-unknown-property" in case.headers:
        return False  # headers that nobody knows are passed over
    if case.operation.method == "post" and wrong in ([], [ParameterLocation.BODY]):
        template = validate.escape(case.path)
        if "requestBody" not in CONTRACT.doc["paths"][case.path]["post"]:
            return True
        body, place = CONTRACT.resolve(f"/paths/{template}/post/requestBody")
        if case.body is NOT_SET:
            return body["required"]  # the whole body is optional
        # null is the same as leaving an optional member out.
        fits = CONTRACT.validator(f"{place}/content/application~1json/schema").is_valid
        return not fits(without_nulls(case.body))
    return True


def ask_for_stream(case, world, checks):
    """HEAD has the headers of the stream, or of a refusal; a stream itself has no end."""
    case.method = "HEAD"
    headers = {"Authorization": f"Bearer {world.server.api_key}", "Accept": validate.STREAM}
    checks = [check for check in checks if check is not response_schema_conformance]
    reply = case.call_and_validate(world.server.url, world.server.requests, headers, checks=checks)
    case.method = "GET"
    STATUSES[case.operation.label].add(reply.status_code)


@schema.parametrize()
@hypothesis.settings(deadline=None, derandomize=True, database=None, max_examples=EXAMPLES,
                     suppress_health_check=list(hypothesis.HealthCheck))
def test_answers_are_described(case, world):
    if case.path.endswith("/unblock"):
        world.ids["ticket_ids"] = world.blocked
    case.path_parameters = world.inhabit(case.path_parameters)
    case.query = world.inhabit(case.query)
    case.body = world.inhabit(case.body)
    if isinstance(case.body, dict) and case.body.get("slug") in ("0", "northern-lights-live"):  # each must be new
        case.body["slug"] = new_slug()
    checks = CHECKS + [negative_data_rejection] * must_be_refused(case)
    key = case.headers.get("Idempotency-Key")
    if key is not None and 1 <= len(key) <= 200:
        # schemathesis likes to use the same key again, for other data. So do we, but only each fourth time.
        number = world.count("key")
        case.headers["Idempotency-Key"] = f"{key}-{number}" if number % 4 else key
    seq = case.headers.get("Change-Seq")
    if seq is not None and seq.isascii() and seq.isdigit() and int(seq) < 2**63 and world.waited:
        # A change that has not come yet is waited for, a second each time: once is enough.
        case.headers["Change-Seq"] = str(int(seq) % 10)
    world.waited |= seq is not None
    if CONTRACT.is_stream(case.operation.method, case.path):
        ask_for_stream(case, world, checks)
        if not case.path.startswith("/v1/cdc/"):
            return
    credentials = [None, world.server.api_key]
    if "Checkout" in case.operation.tags:
        credentials.insert(1, world.token)
    for credential in credentials:
        headers = {"Authorization": f"Bearer {credential}"} if credential else {}
        reply = case.call_and_validate(world.server.url, world.server.requests, headers, checks=checks)
        STATUSES[case.operation.label].add(reply.status_code)


def test_everything_was_reached():
    """Each operation was not only refused: some of the data got through to what it does."""
    if not STATUSES:
        pytest.skip("no operation was tried")
    assert not [label for label, statuses in STATUSES.items() if not statuses & {200, 201, 204}]
