"""The tables of a keyspace, read with another driver than boxoffice's, and the rules that must hold in them.

`Tables(keyspace).check(event_id)` reads everything that is stored about one event and asks every rule. Each rule is a
small function of such a `Rows` that yields a sentence for each breach; it does no input or output, so that
test_tables_self.py can show that it fails when it must.
"""

import collections
import dataclasses
import datetime
import hashlib
import time
import uuid
from decimal import Decimal

import stores

UPDATE, INSERT, DELETE, EXPIRED = 1, 2, 3, -3
STATUSES = ("available", "held", "sold", "blocked")
KEPT_SECONDS = 60  # a guard against waiting for ever, not a rule
TOLD = 5  # breaches told of one rule
# Where a person's data may stand; the tail is a group on its way there.
PERSONAL = {"personal", "idempotency"}


@dataclasses.dataclass
class Rows:
    """What is stored about one event; rows are dicts by column."""

    event_id: uuid.UUID
    event: dict  # its row of events
    statics: dict  # of its partition of tickets: seq, epoch, ts, batch_id, tail
    tickets: list
    views: dict  # status -> ticket ids, as available_tickets has them
    available: bool  # is the event in available_events?
    queue: list
    log: list  # in the order of the log
    changes: list
    orders: list
    now: datetime.datetime


# ---- rules ----


def changes_are_numbered_without_gaps(rows):
    """1, 2, 3, ... up to the event's seq, and time goes on from each to the next."""
    seqs = [change["seq"] for change in rows.changes]
    if seqs != list(range(1, len(seqs) + 1)):
        yield f"the changes are {seqs[:5]}...{seqs[-5:]}, {len(seqs)} of them"
    if not seqs or seqs[-1] != rows.statics["seq"]:
        yield f"the event's seq is {rows.statics['seq']}, its newest change {seqs[-1:]}"
    times = [change_time(change) for change in rows.changes]
    for before, after in zip(times, times[1:], strict=False):
        if after <= before:
            yield f"a change at {after} us follows one at {before} us"
    if times and times[-1] != rows.statics["ts"]:
        yield f"the group's time is {rows.statics['ts']} us, its newest change's {times[-1]} us"


def changes_are_a_chain(rows):
    """Each hash follows from the one before and from all that the change says (src/change/change.h)."""
    previous = bytes(32)
    for change in rows.changes:
        data = change["data"]
        # u8 version, u8 kind, event id, u64 seq | u64 commit number, not covered | body | hash
        said = hashlib.blake2b(previous + data[:26] + data[34:-32], digest_size=32).digest()
        if said != data[-32:]:
            yield f"change {change['seq']} does not follow from the one before it"
        if data[2:18] != rows.event_id.bytes or int.from_bytes(data[18:26], "big") != change["seq"]:
            yield f"the row of change {change['seq']} has another change in it"
        previous = data[-32:]


def change_time(change):
    return int.from_bytes(change["data"][34:42], "big")


def ticket_states_are_complete(rows):
    """Who holds or bought a ticket stands in its row, and of one that nobody has nobody stands there."""
    for ticket in rows.tickets:
        status, name = ticket["status"], ticket["ticket_id"]
        if status not in STATUSES:
            yield f"{name} is {status}"
        elif status in ("held", "sold"):
            for column in ("hold_id", "hold_session", "started_at") + (("order_id",) if status == "sold" else ("hold_until",)):
                if ticket[column] is None:
                    yield f"{name} is {status} and has no {column}"
        else:
            for column in ("hold_id", "hold_session", "hold_until", "order_id"):
                if ticket[column] is not None:
                    yield f"{name} is {status} and has a {column}"


def queue_is_the_held_tickets(rows):
    """One row of order_queue for each held ticket, of its hold, until the hold's time is over."""
    held = {ticket["ticket_id"]: ticket for ticket in rows.tickets if ticket["status"] == "held"}
    seen = collections.Counter(row["ticket_id"] for row in rows.queue)
    for row in rows.queue:
        ticket = held.get(row["ticket_id"])
        if ticket is None:
            yield f"order_queue has {row['ticket_id']}, which nobody holds"
            continue
        for queue_column, column in (("hold_id",) * 2, ("session_id", "hold_session"), ("started_at",) * 2):
            if row[queue_column] != ticket[column]:
                yield f"{row['ticket_id']}: {queue_column} {row[queue_column]} in order_queue, {ticket[column]} in tickets"
    for name, ticket in held.items():
        if seen[name] > 1 or (seen[name] == 0 and ticket["hold_until"] > rows.now):
            yield f"{name} is held until {ticket['hold_until']} and has {seen[name]} rows in order_queue"


def paid_orders_are_sold_tickets(rows):
    """An order is paid if and only if tickets are sold to it, and its total is their sum."""
    orders = {order["order_id"]: order for order in rows.orders}
    sold = collections.defaultdict(list)
    for ticket in rows.tickets:
        if ticket["status"] == "sold":
            sold[ticket["order_id"]].append(ticket)
    for order_id, tickets in sold.items():
        order = orders.get(order_id)
        if order is None or order["status"] != "paid":
            yield f"{len(tickets)} tickets are sold to {order_id}, which is {order and order['status']}"
    for order_id, order in orders.items():
        if order["status"] != "paid":
            continue
        if not sold[order_id]:
            yield f"{order_id} is paid and has no ticket"
        total = sum((ticket["price_taken"] for ticket in sold[order_id]), Decimal(0))
        if total != order["total_price"]:
            yield f"{order_id}: the total is {order['total_price']}, its tickets' sum {total}"
        if order["purchased_at"] is None:
            yield f"{order_id} is paid and was never purchased"


def pending_orders_have_their_holds(rows):
    """A pending order's tickets are all held by its hold, and its total is their sum."""
    held = collections.defaultdict(list)
    for ticket in rows.tickets:
        if ticket["status"] == "held":
            held[ticket["hold_id"]].append(ticket)
    for order in rows.orders:
        if order["status"] != "pending":
            continue
        tickets = held[order["hold_id"]]
        total = sum((ticket["price_taken"] for ticket in tickets), Decimal(0))
        if not tickets or total != order["total_price"]:
            yield f"{order['order_id']} is pending for {order['total_price']}, its hold has {len(tickets)} tickets for {total}"


def checkouts_are_paired(rows):
    """Per ticket: one insert, then updates, then exactly one end; the last is open if and only if the ticket is held.

    So there are never two live holds of one ticket. started_at grows from each checkout of a ticket to the next.
    """
    by_ticket = collections.defaultdict(list)
    for row in rows.log:
        by_ticket[row["ticket_id"]].append(row)
    statuses = {ticket["ticket_id"]: ticket for ticket in rows.tickets}
    for name, entries in by_ticket.items():
        live, started = None, None
        for row in entries:
            operation = row["cdc$operation"]
            if operation == INSERT:
                if live is not None:
                    yield f"{name}: hold {row['hold_id']} began while {live} was live"
                if started is not None and row["started_at"] <= started:
                    yield f"{name}: a checkout started at {row['started_at']}, one before it at {started}"
                live, started = row["hold_id"], row["started_at"]
            elif operation in (UPDATE, DELETE, EXPIRED):
                if live != row["hold_id"] or started != row["started_at"]:
                    yield f"{name}: operation {operation} of {row['hold_id']} while {live} was live"
                if operation != UPDATE:
                    live = None
            else:
                yield f"{name}: operation {operation}"
        ticket = statuses.get(name)
        holder = ticket["hold_id"] if ticket and ticket["status"] == "held" else None
        if live != holder:
            yield f"{name}: the log ends with {live} live, the ticket is held by {holder}"
    for name, ticket in statuses.items():
        if ticket["status"] == "held" and name not in by_ticket:
            yield f"{name} is held and the log knows nothing of it"


def log_rows_are_as_scylladb_has_them(rows):
    """Rows of one change share cdc$time, count from 0 and end once; sessions and TTLs stand on inserts and updates only."""
    times = {change["seq"]: change_time(change) for change in rows.changes}
    groups = collections.defaultdict(list)
    for row in rows.log:
        groups[row["cdc$time"]].append(row)
        put = row["cdc$operation"] in (INSERT, UPDATE)
        if (row["session_id"] is not None) != put or (row["cdc$ttl"] is not None) != put:
            yield f"{row['ticket_id']}: operation {row['cdc$operation']} has session {row['session_id']}, TTL {row['cdc$ttl']}"
        if row["cdc$ttl"] is not None and row["cdc$ttl"] < 1:
            yield f"{row['ticket_id']}: a TTL of {row['cdc$ttl']}"
        if times.get(row["seq"]) != uuid_time_us(row["cdc$time"]):
            yield f"a row of change {row['seq']} has cdc$time {row['cdc$time']}"
    last = 0
    for stamp, group in groups.items():
        if [row["cdc$batch_seq_no"] for row in group] != list(range(len(group))):
            yield f"{stamp}: the rows are numbered {[row['cdc$batch_seq_no'] for row in group]}"
        if [bool(row["cdc$end_of_batch"]) for row in group] != [False] * (len(group) - 1) + [True]:
            yield f"{stamp}: the end of the batch is not its last row, once"
        if len({row["seq"] for row in group}) != 1 or group[0]["seq"] <= last:
            yield f"{stamp}: change {group[0]['seq']} follows {last}"
        last = group[0]["seq"]


def uuid_time_us(value):
    """Microseconds since 1970 of a version 1 UUID."""
    return (value.time - 0x01B21DD213814000) // 10


def views_say_what_their_tables_say(rows):
    by_status = collections.defaultdict(set)
    for ticket in rows.tickets:
        by_status[ticket["status"]].add(ticket["ticket_id"])
    for status in STATUSES:
        if rows.views[status] != by_status[status]:
            yield f"available_tickets has {len(rows.views[status])} {status}, tickets {len(by_status[status])}"
    if rows.available != bool(rows.event["has_tickets"]):
        yield f"has_tickets is {rows.event['has_tickets']}, and the event {'is' if rows.available else 'is not'} in available_events"


def has_tickets_is_true_while_there_are_some(rows):
    some = any(ticket["status"] == "available" for ticket in rows.tickets)
    if rows.event["has_tickets"] and not some:
        yield "has_tickets is true, and no ticket is available"


RULES = (
    changes_are_numbered_without_gaps,
    changes_are_a_chain,
    ticket_states_are_complete,
    queue_is_the_held_tickets,
    paid_orders_are_sold_tickets,
    pending_orders_have_their_holds,
    checkouts_are_paired,
    log_rows_are_as_scylladb_has_them,
    views_say_what_their_tables_say,
    has_tickets_is_true_while_there_are_some,
)


def breaches(rows):
    """What is wrong, a sentence each."""
    found = []
    for rule in RULES:
        told = [f"{rule.__name__}: {breach}" for breach in rule(rows)]
        found += told[:TOLD] + ([f"{rule.__name__}: {len(told) - TOLD} more"] if len(told) > TOLD else [])
    return found


# ---- reading ----


class Tables:
    """A keyspace. Reads are at QUORUM."""

    def __init__(self, keyspace):
        self.keyspace = keyspace
        self.cassandra = stores.cassandra()

    def execute(self, statement, *values):
        """One statement; {} in it is the keyspace. Rows are dicts."""
        return list(self.cassandra.execute(statement.format(f"{self.keyspace}."), values))

    def statics(self, event_id):
        found = self.execute("SELECT seq, epoch, ts, batch_id, tail FROM {}tickets WHERE event_id = %s LIMIT 1", event_id)
        return found[0] if found else None

    def event_ids(self):
        """Events that boxoffice made: their tickets have a seq."""
        return [row["event_id"] for row in self.execute("SELECT DISTINCT event_id, seq FROM {}tickets") if row["seq"]]

    def rows(self, event_id):
        """Everything about one event, at one seq and with nothing of it under way (the tail of a group is cleared then)."""
        end = time.monotonic() + KEPT_SECONDS
        while True:
            before = self.statics(event_id)
            assert before is not None, f"there is no event {event_id}"
            if before["tail"] is None:
                rows = self._rows(event_id, before)
                if self.statics(event_id) == before:
                    return rows
            assert time.monotonic() < end, f"event {event_id} does not come to rest"
            time.sleep(0.05)

    def _rows(self, event_id, statics):
        def of_event(table):
            return self.execute(f"SELECT * FROM {{}}{table} WHERE event_id = %s", event_id)

        event = of_event("events")[0]
        orders = [row["order_id"] for row in of_event("orders_by_event")]
        views = {
            status: {
                row["ticket_id"]
                for row in self.execute("SELECT * FROM {}available_tickets WHERE event_id = %s AND status = %s", event_id, status)
            }
            for status in STATUSES
        }
        available = self.execute("SELECT event_id FROM {}available_events WHERE has_tickets = true AND event_id = %s", event_id)
        return Rows(
            event_id=event_id,
            event=event,
            statics=statics,
            tickets=of_event("tickets"),
            views=views,
            available=bool(available),
            queue=of_event("order_queue"),
            log=self.execute('SELECT * FROM {}order_queue_scylla_cdc_log WHERE "cdc$stream_id" = %s', event_id.bytes),
            changes=of_event("changes"),
            orders=[self.execute("SELECT * FROM {}orders WHERE order_id = %s", order)[0] for order in orders],
            now=datetime.datetime.now(datetime.UTC).replace(tzinfo=None),
        )

    def check(self, event_id=None):
        """Every rule, for one event or for all. Views may be a moment behind: what they say wrong is asked about again."""
        for one in [uuid.UUID(str(event_id))] if event_id else self.event_ids():
            end = time.monotonic() + KEPT_SECONDS
            while wrong := breaches(self.rows(one)):
                late = all(breach.startswith("views_") for breach in wrong)
                assert late and time.monotonic() < end, f"event {one}:\n" + "\n".join(wrong)
                time.sleep(0.05)

    def check_privacy(self, secrets):
        """None of these texts stands anywhere but where personal data belong."""
        wanted = [secret.encode() for secret in secrets]
        names = self.cassandra.execute("SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s", (self.keyspace,))
        for table in sorted({row["table_name"] for row in names} - PERSONAL):
            for row in self.execute(f"SELECT * FROM {{}}{table}"):
                for column, value in row.items():
                    stored = value if isinstance(value, bytes) else str(value).encode()
                    for secret in wanted:
                        assert secret not in stored, f"{secret!r} stands in {table}.{column}"
