"""The rules of selling, checked over the HTTP interface.

`read_event` reads everything that the interface shows of one event, at one seq: it reads again until nothing changed
between the first request and the last. Each rule is a small function of such a `Snapshot` that yields a sentence for
each breach; it does no input or output, so that tests/api/test_rules_self.py can show that it fails when it must.

    snapshots = rules.check_all(base_url, api_key)        every event, every rule; AssertionError with the breaches
    rules.check_all(base_url, api_key, events=[event_id], secrets=[...], texts={"log": ...})
"""
import base64
import collections
import dataclasses
import datetime
import decimal
import json
import time
import urllib.parse

import httpx

AVAILABLE, HELD, SOLD, BLOCKED = range(4)
STATUS = {"available": AVAILABLE, "held": HELD, "sold": SOLD, "blocked": BLOCKED}
NAMES = list(STATUS)
UPDATE, INSERT, DELETE, EXPIRED = 1, 2, 3, -3
PAGE = 1000
QUIET_SECONDS = 120  # a guard against waiting for ever, not a rule
LIVE_HOLDS, ENDED_HOLDS = 300, 25  # read one by one, at most (about); of more, some from all over
TOLD = 5  # breaches told of one rule


@dataclasses.dataclass
class Snapshot:
    """What the interface says about one event at change `seq`."""

    seq: int
    event: dict  # /v1/events/{event_id}
    availability: dict  # /availability, the full JSON form
    raw: bytes  # the same as octet-stream
    delta: dict  # /availability?since=1: changes, or the full form where that is too long ago
    sections: dict  # /sections
    seatmap: dict  # /seatmap
    tickets: list  # /tickets, all pages
    queue: list  # /v1/order_queue of the event
    checkouts: list  # /checkouts
    orders: list  # /v1/orders of the event
    holds: list  # /v1/holds/{hold_id} of the live checkouts (of very many only some) and of some that ended
    cdc: list  # /v1/cdc/order_queue, this event's rows in the order of the log

    @property
    def event_id(self):
        return self.event["event_id"]


# ---- reading ----


class Reader:
    """GETs with an API key; a list is read to its end."""

    def __init__(self, base_url, api_key):
        headers = {"Authorization": f"Bearer {api_key}"}
        # Plain HTTP on this machine: no proxy and no certificates, whose loading takes time.
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=60, trust_env=False, verify=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.close()

    def get(self, path, params=None, headers=None):
        reply = self.http.get(path, params=params, headers=headers)
        assert reply.status_code == 200, f"GET {path} {params}: {reply.status_code} {reply.text[:500]}"
        return reply

    def json(self, path, **params):
        return self.get(path, params).json()

    def pages(self, path, member, **params):
        """All entries of a list, and the Change-Seq of each page that has one."""
        entries, seqs, cursors = [], set(), set()
        params["limit"] = PAGE
        while True:
            reply = self.get(path, params)
            if "change-seq" in reply.headers:
                seqs.add(int(reply.headers["change-seq"]))
            page = reply.json()
            entries += page[member]
            if page["next_cursor"] is None:
                return entries, seqs
            assert page["next_cursor"] not in cursors, f"{path}: the cursor {page['next_cursor']} came twice"
            cursors.add(page["next_cursor"])
            params["cursor"] = page["next_cursor"]

    def hold(self, hold_id):
        return self.json(f"/v1/holds/{hold_id}")


class LogReader:
    """Follows the change log by its cursor; keeps every row, by event too."""

    def __init__(self, reader):
        self.reader, self.cursor, self.rows = reader, None, []
        self.by_event = collections.defaultdict(list)

    def catch_up(self):
        """Reads until there is no more. Returns the new rows."""
        new = []
        while True:
            params = {"limit": PAGE} | ({"after": self.cursor} if self.cursor else {})
            page = self.reader.json("/v1/cdc/order_queue", **params)
            assert page["rows"] or not page["more"], "the log has no rows and says that there are more"
            new += page["rows"]
            self.cursor = page["next_cursor"]
            if not page["more"]:
                break
        for row in new:
            self.by_event[row["event_id"]].append(row)
        self.rows += new
        return new


def some(entries, count):
    return entries[:: -(-len(entries) // count)] if entries else []


def read_event(reader, log, event_id):
    """A snapshot at one seq; reads again until the event did not change meanwhile."""
    path = f"/v1/events/{event_id}"
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        seqs = set()

        def read(sub, seqs=seqs, **params):
            reply = reader.get(path + sub, params)
            seqs.add(int(reply.headers["change-seq"]))
            return reply.json()

        def read_pages(*args, seqs=seqs, **params):
            entries, shown = reader.pages(*args, **params)
            seqs |= shown
            return entries

        raw = reader.get(path + "/availability", headers={"Accept": "application/octet-stream"})
        seqs.add(int(raw.headers["change-seq"]))
        snapshot = Snapshot(
            seq=int(raw.headers["change-seq"]), raw=raw.content,
            event=read(""), delta=read("/availability", since=1),
            sections=read("/sections"), seatmap=read("/seatmap"),
            tickets=read_pages(path + "/tickets", "tickets"),
            queue=reader.pages("/v1/order_queue", "rows", event_id=event_id)[0],
            checkouts=reader.pages(path + "/checkouts", "checkouts")[0],
            orders=reader.pages("/v1/orders", "orders", event_id=event_id)[0],
            holds=[], cdc=[], availability={})
        log.catch_up()
        snapshot.cdc = list(log.by_event[event_id])
        live = [c["hold_id"] for c in snapshot.checkouts if c["status"] == "active"]
        ended = [c["hold_id"] for c in snapshot.checkouts if c["status"] != "active"]
        snapshot.holds = [reader.hold(hold_id) for hold_id in some(live, LIVE_HOLDS) + some(ended, ENDED_HOLDS)]
        snapshot.availability = read("/availability")
        if len(seqs) == 1:
            return snapshot
        assert time.monotonic() < deadline, f"event {event_id} was never quiet; last seen: {sorted(seqs)}"


def check_all(base_url, api_key, events=None, secrets=(), texts=None):
    """Checks every rule on the events (all of the server's if None). Returns {event_id: Snapshot}.

    secrets: what no log may say (names, e-mail addresses, payment references, tokens); texts: {name: text} to be searched
    besides the change log, the order queue and the metrics, e.g. the server's log.
    """
    with Reader(base_url, api_key) as reader:
        log = LogReader(reader)
        broken = []
        if events is None:
            events, available = _read_lists(reader)
            broken += _told("available_list", available_list(events, available))
            events = [event["event_id"] for event in events]
        snapshots = {event_id: read_event(reader, log, event_id) for event_id in events}
        if secrets:
            texts = dict(texts or {})
            texts["change log"] = json.dumps(log.rows, ensure_ascii=False)
            texts["order queue"] = json.dumps([s.queue for s in snapshots.values()], ensure_ascii=False)
            texts["metrics"] = reader.get("/metrics").text
            broken += _told("nothing_personal", nothing_personal(texts, secrets))
    for snapshot in snapshots.values():
        broken += check(snapshot)
    assert not broken, "rules broken:\n" + "\n".join(broken)
    return snapshots


def check(snapshot):
    """All rules on one snapshot: a list of sentences, empty when everything holds."""
    broken = []
    for function in RULES:
        name = f"event {snapshot.event_id} at seq {snapshot.seq}: {function.__name__}"
        try:
            broken += _told(name, function(snapshot))
        except Exception as error:  # data that a rule cannot even read
            broken.append(f"{name}: {type(error).__name__}: {error}")
    return broken


def _told(name, breaches):
    breaches = list(breaches)
    told = [f"{name}: {breach}" for breach in breaches[:TOLD]]
    return told + ([f"{name}: ... {len(breaches) - TOLD} more"] if len(breaches) > TOLD else [])


def _read_lists(reader):
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        before, _ = reader.pages("/v1/events", "events")
        available, _ = reader.pages("/v1/events", "events", available="true")
        after, _ = reader.pages("/v1/events", "events")
        if before == after:
            return after, available
        assert time.monotonic() < deadline, "the list of events was never quiet"


# ---- small helpers of the rules ----


def ms(text):
    """RFC 3339 to milliseconds since 1970."""
    at = datetime.datetime.fromisoformat(text)
    return int(at.replace(microsecond=0).timestamp()) * 1000 + at.microsecond // 1000


def uuid1_us(text):
    """The time of a version 1 UUID in microseconds since 1970."""
    low, mid, high = text.split("-")[:3]
    return (int(high[1:] + mid + low, 16) - 0x01B21DD213814000) // 10


def total(lines):
    return sum((decimal.Decimal(line["price"]) for line in lines), decimal.Decimal(0))


def unpack(data, count):
    """The 2-bit statuses of `count` seats."""
    return [data[i // 4] >> 2 * (i % 4) & 3 for i in range(count)]


def differences(name_a, a, name_b, b):
    """Sentences for what only one of two sets has."""
    for entry in sorted(map(str, a - b)):
        yield f"{entry} is in {name_a} but not in {name_b}"
    for entry in sorted(map(str, b - a)):
        yield f"{entry} is in {name_b} but not in {name_a}"


def lives(snapshot):
    """The log by row of the order queue: {(ticket_id, started_at): [rows]} in the order of the log."""
    by_row = collections.defaultdict(list)
    for row in snapshot.cdc:
        by_row[row["ticket_id"], row["started_at"]].append(row)
    return by_row


def by_hold(snapshot):
    rows = collections.defaultdict(list)
    for row in snapshot.cdc:
        rows[row["hold_id"]].append(row)
    return rows


def order_of_hold(snapshot):
    return {order["hold_id"]: order for order in snapshot.orders}


# ---- the rules ----

RULES = []


def rule(function):
    RULES.append(function)
    return function


@rule
def counts_add_up(s):
    """available + held + sold + blocked = all tickets, wherever counts are shown, and everywhere the same."""
    shown = {"event": s.event["counts"], "availability": s.availability, "delta": s.delta}
    for name, counts in shown.items():
        if sum(counts[n] for n in NAMES) != counts["total"]:
            yield f"{name}: the counts do not add up to the total: {[counts[n] for n in NAMES]} {counts['total']}"
        for n in NAMES + ["total"]:
            if counts[n] != s.event["counts"][n]:
                yield f"{name} says {counts[n]} {n}, the event {s.event['counts'][n]}"
    for part in s.sections["sections"]:
        if sum(part[n] for n in NAMES) != part["seats_count"]:
            yield f"{part['name']}/{part['type_id']}: the counts do not add up to seats_count"
    for n in NAMES:
        in_sections = sum(part[n] for part in s.sections["sections"])
        if in_sections != s.event["counts"][n]:
            yield f"the sections have {in_sections} {n}, the event {s.event['counts'][n]}"
    if s.event["has_tickets"] != (s.event["counts"]["available"] > 0):
        yield f"has_tickets is {s.event['has_tickets']} with {s.event['counts']['available']} available"


@rule
def bitmap_is_the_counts(s):
    """The bitmap has as many seats of each status as the counts say, and nothing after the last seat."""
    count = s.event["counts"]["total"]
    data = base64.b64decode(s.availability["statuses"])
    if data != s.raw:
        yield "octet-stream and statuses differ at one seq"
    if len(data) != (count + 3) // 4:
        yield f"{len(data)} bytes for {count} seats"
        return
    if any(unpack(data, 4 * len(data))[count:]):
        yield "bits after the last seat are set"
    found = collections.Counter(unpack(data, count))
    for n in NAMES:
        if found[STATUS[n]] != s.event["counts"][n]:
            yield f"the bitmap has {found[STATUS[n]]} {n}, the counts {s.event['counts'][n]}"


@rule
def delta_is_the_bitmap(s):
    """What changed since change 1, the creation, when every seat was available: at least what is not available now."""
    if "changes" not in s.delta:
        if s.delta["statuses"] != s.availability["statuses"]:
            yield "the full form given for ?since= differs from the full form"
        return
    bitmap = unpack(base64.b64decode(s.availability["statuses"]), s.event["counts"]["total"])
    changed = {}
    for seat, status in s.delta["changes"]:
        if seat in changed:
            yield f"seat {seat} comes twice in the changes"
        changed[seat] = status
        if bitmap[seat] != status:
            yield f"seat {seat} is {NAMES[status]} in the changes and {NAMES[bitmap[seat]]} in the bitmap"
    for seat, status in enumerate(bitmap):
        if status != AVAILABLE and seat not in changed:
            yield f"seat {seat} is {NAMES[status]} and does not stand in the changes"


@rule
def tickets_are_the_bitmap(s):
    """The list of tickets has every seat once, in order, with the bitmap's status and the id of the seat map."""
    bitmap = unpack(base64.b64decode(s.availability["statuses"]), s.event["counts"]["total"])
    if [t["seat_index"] for t in s.tickets] != list(range(len(bitmap))):
        yield f"the list of tickets is not the seats 0 to {len(bitmap) - 1} in order"
        return
    if s.seatmap["seats_total"] != len(bitmap):
        yield f"the seat map has {s.seatmap['seats_total']} seats, the event {len(bitmap)}"
    prefix = s.seatmap["ticket_id"]["prefix"]
    for ticket, status in zip(s.tickets, bitmap):
        if STATUS[ticket["status"]] != status:
            yield f"{ticket['ticket_id']} is {ticket['status']} in the list and {NAMES[status]} in the bitmap"
        if ticket["ticket_id"].replace("-", "") != f"{prefix}{ticket['seat_index']:08x}":
            yield f"seat {ticket['seat_index']} has the ticket_id {ticket['ticket_id']}"


@rule
def sections_are_the_tickets(s):
    """Counts and standard price of each section and type are those of its tickets."""
    found = collections.defaultdict(collections.Counter)
    prices = collections.defaultdict(set)
    for ticket in s.tickets:
        found[ticket["section"], ticket["type_id"]][ticket["status"]] += 1
        prices[ticket["section"], ticket["type_id"]].add(ticket["price"])
    parts = {(part["section"], part["type_id"]): part for part in s.sections["sections"]}
    yield from differences("the tickets", set(found), "the sections", set(parts))
    for key in set(found) & set(parts):
        part = parts[key]
        for n in NAMES:
            if part[n] != found[key][n]:
                yield f"{part['name']}/{part['type_id']} has {part[n]} {n}, its tickets {found[key][n]}"
        if prices[key] != {part["price"]} or part["prices"]["standard"] != part["price"]:
            yield f"{part['name']}/{part['type_id']} costs {part['price']}, its tickets {sorted(prices[key])}"


@rule
def changes_are_batches(s):
    """The log has an event's rows by ascending seq; a change's rows share seq, time, hold, operation and outcome, count
    cdc$batch_seq_no from 0, and only the last ends the batch."""
    changes, previous = [], 0
    for row in s.cdc:
        if row["seq"] < previous:
            yield f"seq {row['seq']} comes after {previous}"
        if row["seq"] != previous or not changes:
            changes.append([])
        previous = row["seq"]
        changes[-1].append(row)
    if previous > s.seq:
        yield f"the log shows change {previous}, the event only {s.seq}"
    shared = ("cdc$time", "cdc$operation", "hold_id", "hold_session", "session_id", "started_at", "outcome", "cdc$ttl")
    for rows in changes:
        for member in shared:
            if len({row[member] for row in rows}) != 1:
                yield f"change {rows[0]['seq']} has different {member}"
        if [row["cdc$batch_seq_no"] for row in rows] != list(range(len(rows))):
            yield f"change {rows[0]['seq']} counts {[row['cdc$batch_seq_no'] for row in rows]}"
        if [row["cdc$end_of_batch"] for row in rows] != [False] * (len(rows) - 1) + [True]:
            yield f"change {rows[0]['seq']} ends its batch at {[row['cdc$end_of_batch'] for row in rows]}"
        if len({row["ticket_id"] for row in rows}) != len(rows):
            yield f"change {rows[0]['seq']} has a ticket twice"


@rule
def log_time_goes_on(s):
    """cdc$time is strictly later from each change of an event to the next."""
    previous_seq, previous_us = None, -1
    for row in s.cdc:
        at = uuid1_us(row["cdc$time"])
        if row["seq"] != previous_seq and at <= previous_us:
            yield f"the time of change {row['seq']} is not later than that of change {previous_seq}"
        previous_seq, previous_us = row["seq"], at


@rule
def rows_have_their_form(s):
    """A row of the log: the event's stream; a session and a TTL while it goes on; neither, but an outcome, at its end."""
    stream = "0x" + s.event_id.replace("-", "")
    outcomes = {INSERT: {None}, UPDATE: {None}, DELETE: {"purchased", "released", "cancelled"}, EXPIRED: {"expired"}}
    for row in s.cdc:
        where = f"change {row['seq']}, row {row['cdc$batch_seq_no']}"
        operation = row["cdc$operation"]
        if row["cdc$stream_id"] != stream:
            yield f"{where}: stream {row['cdc$stream_id']}"
        if operation not in outcomes:
            yield f"{where}: operation {operation}"
            continue
        if row["outcome"] not in outcomes[operation]:
            yield f"{where}: operation {operation} with the outcome {row['outcome']}"
        if operation in (INSERT, UPDATE):
            if row["session_id"] != row["hold_session"]:
                yield f"{where}: session {row['session_id']} in a hold of {row['hold_session']}"
            if not (isinstance(row["cdc$ttl"], int) and row["cdc$ttl"] >= 1):
                yield f"{where}: TTL {row['cdc$ttl']}"
        elif row["session_id"] is not None or row["cdc$ttl"] is not None:
            yield f"{where}: an end with session {row['session_id']} and TTL {row['cdc$ttl']}"


@rule
def seats_begin_and_end_once(s):
    """A seat's rows: one insert, then updates, then exactly one end, then the next insert. All of one checkout have one
    started_at and one hold."""
    open_rows = {}
    for row in s.cdc:
        ticket, operation = row["ticket_id"], row["cdc$operation"]
        where = f"ticket {ticket}, change {row['seq']}"
        if operation == INSERT:
            if ticket in open_rows:
                yield f"{where}: an insert while the checkout of change {open_rows[ticket]['seq']} goes on"
            open_rows[ticket] = row
            continue
        begin = open_rows.get(ticket)
        if begin is None:
            yield f"{where}: operation {operation} without an insert before it"
            continue
        if (begin["hold_id"], begin["started_at"]) != (row["hold_id"], row["started_at"]):
            yield f"{where}: operation {operation} of another hold than the insert of change {begin['seq']}"
        if operation in (DELETE, EXPIRED):
            del open_rows[ticket]


@rule
def open_rows_are_the_queue(s):
    """The order queue has exactly the rows that began and did not end, as they were written last."""
    written = {}
    for key, rows in lives(s).items():
        last = rows[-1]
        if last["cdc$operation"] not in (DELETE, EXPIRED):
            written[key] = (last["hold_id"], last["session_id"], last["seq"])
    queue = {(q["ticket_id"], q["started_at"]): (q["hold_id"], q["session_id"], q["seq"]) for q in s.queue}
    if len(queue) != len(s.queue):
        yield "the order queue has a (ticket, started_at) twice"
    yield from differences("the log", set(written.items()), "the order queue", set(queue.items()))


@rule
def started_at_increases(s):
    """started_at of a ticket is strictly later than its previous one."""
    latest = {}
    for row in s.cdc:
        if row["cdc$operation"] == INSERT:
            started = ms(row["started_at"])
            if started <= latest.get(row["ticket_id"], -1):
                yield f"ticket {row['ticket_id']}, change {row['seq']}: started_at {row['started_at']} is not later"
            latest[row["ticket_id"]] = started


@rule
def live_holds_are_the_held_seats(s):
    """Seats of live holds, held seats and rows of the order queue are one to one."""
    live = {(t, c["hold_id"]) for c in s.checkouts if c["status"] == "active" for t in c["ticket_ids"]}
    queue = {(q["ticket_id"], q["hold_id"]) for q in s.queue}
    held = {t["ticket_id"] for t in s.tickets if t["status"] == "held"}
    yield from differences("the live holds", live, "the order queue", queue)
    yield from differences("the live holds", {t for t, _ in live}, "the held seats", held)


@rule
def no_two_live_holds_on_a_seat(s):
    """No ticket is in two live holds, none twice in one, and none of a live hold is sold."""
    sold = {t["ticket_id"] for t in s.tickets if t["status"] == "sold"}
    holder = {}
    for checkout in s.checkouts:
        if checkout["status"] == "active":
            for ticket in checkout["ticket_ids"]:
                if ticket in holder:
                    yield f"ticket {ticket} is in the live holds {holder[ticket]} and {checkout['hold_id']}"
                if ticket in sold:
                    yield f"ticket {ticket} is sold and in the live hold {checkout['hold_id']}"
                holder[ticket] = checkout["hold_id"]


@rule
def checkouts_are_the_log(s):
    """One checkout per hold of the log: same session, start and seats; it ended as the log says, all seats alike."""
    rows_of = by_hold(s)
    if len({c["hold_id"] for c in s.checkouts}) != len(s.checkouts):
        yield "a hold stands twice in the checkouts"
    yield from differences("the log", set(rows_of), "the checkouts", {c["hold_id"] for c in s.checkouts})
    for checkout in s.checkouts:
        rows = rows_of.get(checkout["hold_id"], [])
        inserts = {r["ticket_id"] for r in rows if r["cdc$operation"] == INSERT}
        ends = {r["ticket_id"]: r for r in rows if r["cdc$operation"] in (DELETE, EXPIRED)}
        where = f"hold {checkout['hold_id']} ({checkout['status']})"
        if inserts != set(checkout["ticket_ids"]) or len(inserts) != len(checkout["ticket_ids"]):
            yield f"{where}: seats {checkout['ticket_ids']}, inserts {sorted(inserts)}"
        if {(r["hold_session"], r["started_at"]) for r in rows} - {(checkout["session_id"], checkout["started_at"])}:
            yield f"{where}: session or started_at is another in the log"
        if checkout["status"] == "active":
            if ends or checkout["outcome"] is not None or checkout["ended_at"] is not None:
                yield f"{where}: active and ended ({checkout['outcome']}, {checkout['ended_at']}, {len(ends)} ends)"
            continue
        if set(ends) != inserts or {r["outcome"] for r in ends.values()} != {checkout["outcome"]}:
            yield (f"{where}: outcome {checkout['outcome']}, {len(inserts)} inserts, ends with "
                   f"{[r['outcome'] for r in ends.values()]}")
        if checkout["ended_at"] is None:
            yield f"{where}: no ended_at"


@rule
def outcomes_fit(s):
    """A hold's status, its outcome and its order's status tell one story; an order belongs to exactly one hold."""
    of_status = {"active": {None}, "purchased": {"purchased"}, "released": {"released", "cancelled"},
                 "expired": {"expired"}}
    of_order = {None: {"pending"}, "purchased": {"paid", "refunded"}, "released": {"cancelled"},
                "cancelled": {"cancelled"}, "expired": {"expired"}}
    orders = order_of_hold(s)
    if len(orders) != len(s.orders):
        yield "a hold has two orders"
    checkouts = {c["hold_id"]: c for c in s.checkouts}
    for order in s.orders:
        if order["hold_id"] not in checkouts:
            yield f"order {order['order_id']}: no checkout has its hold {order['hold_id']}"
    for checkout in s.checkouts:
        order = orders.get(checkout["hold_id"])
        where = f"hold {checkout['hold_id']} ({checkout['status']}, outcome {checkout['outcome']})"
        if checkout["outcome"] not in of_status[checkout["status"]]:
            yield f"{where}: the outcome does not fit"
            continue
        if checkout["order_id"] != (order["order_id"] if order else None):
            yield f"{where}: order {checkout['order_id']}, the list of orders has {order and order['order_id']}"
        if order is None:
            if checkout["outcome"] == "purchased":
                yield f"{where}: bought without an order"
            continue
        if order["status"] not in of_order[checkout["outcome"]]:
            yield f"{where}: its order {order['order_id']} is {order['status']}"
        if (order["session_id"], order["expires_at"]) != (checkout["session_id"], checkout["expires_at"]):
            yield f"{where}: session or expires_at of its order {order['order_id']} differ"
        if [t["ticket_id"] for t in order["tickets"]] != checkout["ticket_ids"]:
            yield f"{where}: its order {order['order_id']} has other tickets"
        if (order["purchased_at"] is None) != (order["status"] not in ("paid", "refunded")):
            yield f"{where}: its order is {order['status']} and purchased_at is {order['purchased_at']}"
        if (order["ended_at"] is None) != (order["status"] in ("pending", "paid")):
            yield f"{where}: its order is {order['status']} and ended_at is {order['ended_at']}"


@rule
def expired_checkouts_are_logged(s):
    """An expired checkout has a -3 row for each seat and, if it has an order, an expired one; nothing else has either."""
    expired = {(r["hold_id"], r["ticket_id"]) for r in s.cdc if r["cdc$operation"] == EXPIRED}
    wanted = {(c["hold_id"], t) for c in s.checkouts if c["status"] == "expired" for t in c["ticket_ids"]}
    yield from differences("the log's expiries", expired, "the expired checkouts", wanted)
    holds = {c["hold_id"] for c in s.checkouts if c["status"] == "expired"}
    for order in s.orders:
        if (order["status"] == "expired") != (order["hold_id"] in holds):
            said = "" if order["hold_id"] in holds else "not "
            yield f"order {order['order_id']} is {order['status']}, its hold is {said}expired"


@rule
def ends_are_in_time(s):
    """A hold expires at its deadline or later, never earlier; a purchase or a release comes before the deadline."""
    deadlines = {c["hold_id"]: ms(c["expires_at"]) for c in s.checkouts}
    for row in s.cdc:
        deadline = deadlines.get(row["hold_id"])
        if deadline is None or row["cdc$operation"] in (INSERT, UPDATE):
            continue
        at = uuid1_us(row["cdc$time"])
        if row["cdc$operation"] == EXPIRED and at < deadline * 1000:
            yield f"change {row['seq']}: hold {row['hold_id']} expired {deadline * 1000 - at} us early"
        # A millisecond more: changes of one moment are stamped one after another. An event's cancellation may be late.
        if row["outcome"] in ("purchased", "released") and at >= (deadline + 1) * 1000:
            yield f"change {row['seq']}: hold {row['hold_id']} was {row['outcome']} {at - deadline * 1000} us late"
    for checkout in s.checkouts:
        if checkout["status"] == "expired" and ms(checkout["ended_at"]) < ms(checkout["expires_at"]):
            yield f"hold {checkout['hold_id']} ended at {checkout['ended_at']}, before {checkout['expires_at']}"


@rule
def ttl_is_the_time_left(s):
    """cdc$ttl of the row that was written last is the time that its hold had left, rounded up, at least 1; an insert's is
    the whole time."""
    deadlines = {c["hold_id"]: (ms(c["started_at"]), ms(c["expires_at"])) for c in s.checkouts}
    for rows in lives(s).values():
        written = [r for r in rows if r["cdc$operation"] in (INSERT, UPDATE)]
        if not written or written[-1]["hold_id"] not in deadlines:
            continue
        started, expires = deadlines[written[-1]["hold_id"]]
        last = written[-1]
        if last["cdc$operation"] == INSERT:
            wanted = {(expires - started) // 1000}
        else:
            left = expires * 1000 - uuid1_us(last["cdc$time"])
            # Changes of one moment are stamped one after another: at the decision it may have been a little more.
            wanted = {max(1, -(-(left + slack) // 1_000_000)) for slack in (0, 1000)}
        if last["cdc$ttl"] not in wanted:
            yield f"change {last['seq']}: TTL {last['cdc$ttl']} and not {sorted(wanted)}"
    for row in s.queue:
        started, expires = deadlines.get(row["hold_id"], (0, 0))
        if not 1 <= row["ttl"] <= (expires - started + 999) // 1000:
            yield f"the order queue's row of {row['ticket_id']} has the TTL {row['ttl']}"


@rule
def paid_orders_are_the_sold_seats(s):
    """A ticket is sold if and only if it is in exactly one paid order."""
    buyers = collections.Counter(t["ticket_id"] for o in s.orders if o["status"] == "paid" for t in o["tickets"])
    for ticket, times in buyers.items():
        if times != 1:
            yield f"ticket {ticket} is sold {times} times"
    sold = {t["ticket_id"] for t in s.tickets if t["status"] == "sold"}
    yield from differences("the paid orders", set(buyers), "the sold seats", sold)


@rule
def sold_stays_sold(s):
    """After a purchase a seat is in no other checkout until the order was refunded."""
    orders, bought = order_of_hold(s), {}
    for row in s.cdc:
        ticket = row["ticket_id"]
        where = f"ticket {ticket}, change {row['seq']}"
        if row["cdc$operation"] == DELETE and row["outcome"] == "purchased":
            bought[ticket] = row["hold_id"]
        elif row["cdc$operation"] == INSERT and ticket in bought:
            order = orders.get(bought.pop(ticket))
            if order is None or order["status"] != "refunded":
                yield f"{where}: held although it is sold to order {order and order['order_id']}"
            elif ms(order["ended_at"]) * 1000 > uuid1_us(row["cdc$time"]):
                yield f"{where}: held before order {order['order_id']} was refunded"


@rule
def totals_are_sums(s):
    """total_price of an order, of a hold and of a checkout is the sum of its tickets' prices at the time of the hold."""
    checkouts = {c["hold_id"]: c for c in s.checkouts}
    for name, entries in (("order", s.orders), ("hold", s.holds)):
        for entry in entries:
            where = f"{name} {entry[name + '_id']}"
            if decimal.Decimal(entry["total_price"]) != total(entry["tickets"]):
                yield f"{where}: total {entry['total_price']}, sum {total(entry['tickets'])}"
            checkout = checkouts.get(entry["hold_id"])
            if checkout and checkout["total_price"] != entry["total_price"]:
                yield f"{where}: total {entry['total_price']}, its checkout's {checkout['total_price']}"
            if entry["currency"] != s.event["currency"]:
                yield f"{where}: currency {entry['currency']}"


@rule
def holds_are_the_checkouts(s):
    """GET of a hold says the same as the list of checkouts, and its lines the same as its order's."""
    checkouts, orders = {c["hold_id"]: c for c in s.checkouts}, order_of_hold(s)
    live = {c["hold_id"] for c in s.checkouts if c["status"] == "active"}
    said = {h["hold_id"] for h in s.holds if h["status"] == "active"}
    if len(live) <= LIVE_HOLDS:
        yield from differences("the live checkouts", live, "the live holds", said)
    for hold in s.holds:
        checkout, order = checkouts.get(hold["hold_id"]), orders.get(hold["hold_id"])
        if checkout is None:
            yield f"hold {hold['hold_id']} is in no checkout"
            continue
        for member in ("session_id", "status", "started_at", "expires_at", "ended_at", "order_id"):
            if hold[member] != checkout[member]:
                yield f"hold {hold['hold_id']}: {member} {hold[member]}, its checkout's {checkout[member]}"
        if [t["ticket_id"] for t in hold["tickets"]] != checkout["ticket_ids"]:
            yield f"hold {hold['hold_id']}: other tickets than its checkout"
        if order and order["tickets"] != hold["tickets"]:
            yield f"hold {hold['hold_id']}: other lines than its order {order['order_id']}"


@rule
def sessions_keep_their_limit(s):
    """No session holds and owns more tickets than max_tickets_per_session."""
    tickets = collections.Counter()
    for checkout in s.checkouts:
        if checkout["status"] == "active":
            tickets[checkout["session_id"]] += len(checkout["ticket_ids"])
    for order in s.orders:
        if order["status"] == "paid":
            tickets[order["session_id"]] += len(order["tickets"])
    for session, count in tickets.items():
        if count > s.event["max_tickets_per_session"]:
            yield f"session {session} has {count} tickets of {s.event['max_tickets_per_session']}"


# ---- rules on something else than one snapshot ----


def available_list(events, available):
    """The list of events with tickets is the list of all events whose has_tickets is true."""
    wanted = {e["event_id"] for e in events if e["has_tickets"]}
    yield from differences("the events with tickets", wanted, "?available=true", {e["event_id"] for e in available})


def nothing_personal(texts, secrets):
    """No secret stands in any of the texts: not as it is, not in other case, not escaped as in JSON or in a URL."""
    for name, text in texts.items():
        folded = text.casefold()
        for secret in secrets:
            forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
                     urllib.parse.quote(secret), urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)}
            if any(form.casefold() in folded for form in forms):
                yield f"{name} says {secret!r}"


def changes_without_gaps(seq, known):
    """Every change 1 .. seq of an event is known to somebody: `known` are the numbers of the replies and of the log."""
    yield from (f"nobody knows of change {n}" for n in sorted(set(range(1, seq + 1)) - set(known))[:TOLD])
    yield from (f"change {n} is newer than the event's newest, {seq}" for n in sorted(set(known)) if n > seq)


def log_only_grows(before, now):
    """What was read of the log before is still there, row by row and in the same order within each event."""
    for event_id in {row["event_id"] for row in before}:
        old = [row for row in before if row["event_id"] == event_id]
        new = [row for row in now if row["event_id"] == event_id][: len(old)]
        if old != new:
            first = next((i for i, pair in enumerate(zip(old, new)) if pair[0] != pair[1]), len(new))
            yield f"event {event_id}: row {first} was {old[first]} and is {new[first] if first < len(new) else 'gone'}"
