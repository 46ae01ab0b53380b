"""rules.py can fail: hand-made data that fit every rule, and for each rule data that break it."""

import base64
import copy
import datetime
import inspect
import uuid

import pytest

import rules

EVENT = "5f0e1c2a-9b34-8d71-a6c0-13d2ffffffff"
PREFIX = EVENT.replace("-", "")[:24]
BEGIN_MS = 1_790_000_000_000
SECTION = str(uuid.UUID(int=77))
SEATS = 10
PRICES = {"regular": "45.00", "standing": "25.10"}


def ticket(seat):
    return str(uuid.UUID(f"{PREFIX}{seat:08x}"))


def at(seconds):
    moment = datetime.datetime.fromtimestamp((BEGIN_MS + round(seconds * 1000)) / 1000, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid1(seconds):
    ticks = (BEGIN_MS * 1000 + round(seconds * 1_000_000)) * 10 + 0x01B21DD213814000
    return str(uuid.UUID(fields=(ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 | 0x1000, 0x80, 0, 1)))


def session(number):
    return str(uuid.UUID(int=1000 + number))


def kind(seat):
    return "regular" if seat < 8 else "standing"


class Sale:
    """Makes the data of an event as the interface shows them: call its methods in order of time, then snapshot()."""

    def __init__(self):
        self.seq, self.holds, self.orders, self.cdc, self.status = 2, {}, {}, [], ["available"] * SEATS

    def lines(self, seats):
        return [{"ticket_id": ticket(i), "seat_index": i, "price": PRICES[kind(i)], "price_type": "standard"} for i in seats]

    def rows(self, time, hold, operation, outcome=None, ttl=None):
        self.seq += 1
        seats = hold["tickets"]
        for n, line in enumerate(seats):
            self.cdc.append({
                "seq": self.seq, "cdc$stream_id": "0x" + EVENT.replace("-", ""), "cdc$time": uuid1(time),
                "cdc$batch_seq_no": n, "cdc$operation": operation, "cdc$ttl": ttl,
                "cdc$end_of_batch": n == len(seats) - 1, "cdc$deleted_session_id": None, "event_id": EVENT,
                "ticket_id": line["ticket_id"], "started_at": hold["started_at"],
                "session_id": hold["session_id"] if operation in (1, 2) else None, "hold_id": hold["hold_id"],
                "hold_session": hold["session_id"], "outcome": outcome})

    def hold(self, time, number, who, seats):
        lines = self.lines(seats)
        self.holds[number] = {
            "hold_id": str(uuid.UUID(int=number)), "event_id": EVENT, "session_id": session(who), "status": "active",
            "started_at": at(time), "expires_at": at(time + 900), "tickets": lines,
            "total_price": str(rules.total(lines)), "currency": "EUR", "order_id": None, "ended_at": None,
            "outcome": None}
        self.rows(time, self.holds[number], rules.INSERT, ttl=900)
        for seat in seats:
            self.status[seat] = "held"

    def extend(self, time, number):
        self.holds[number]["expires_at"] = at(time + 900)
        self.rows(time, self.holds[number], rules.UPDATE, ttl=900)
        if number in self.orders:
            self.orders[number]["expires_at"] = at(time + 900)

    def order(self, number):
        self.seq += 1
        hold = self.holds[number]
        hold["order_id"] = str(uuid.UUID(int=500 + number))
        self.orders[number] = {
            "order_id": hold["order_id"], "event_id": EVENT, "hold_id": hold["hold_id"],
            "session_id": hold["session_id"], "status": "pending", "total_price": hold["total_price"],
            "currency": "EUR", "expires_at": hold["expires_at"], "purchased_at": None, "ended_at": None,
            "tickets": hold["tickets"]}

    def end(self, time, number, outcome):
        hold, order = self.holds[number], self.orders.get(number)
        self.rows(time, hold, rules.EXPIRED if outcome == "expired" else rules.DELETE, outcome)
        hold.update(outcome=outcome, ended_at=at(time), status="released" if outcome == "cancelled" else outcome)
        if order:
            order["status"] = {"purchased": "paid", "expired": "expired"}.get(outcome, "cancelled")
            order["purchased_at" if outcome == "purchased" else "ended_at"] = at(time)
        for line in hold["tickets"]:
            self.status[line["seat_index"]] = "sold" if outcome == "purchased" else "available"

    def refund(self, time, number):
        self.seq += 1
        self.orders[number].update(status="refunded", ended_at=at(time))
        for line in self.holds[number]["tickets"]:
            self.status[line["seat_index"]] = "available"

    def snapshot(self):
        counts = {name: self.status.count(name) for name in rules.NAMES} | {"total": SEATS}
        packed = bytearray((SEATS + 3) // 4)
        for seat, name in enumerate(self.status):
            packed[seat // 4] |= rules.STATUS[name] << 2 * (seat % 4)
        parts = []
        for type_id, price in PRICES.items():
            seats = [i for i in range(SEATS) if kind(i) == type_id]
            part = {name: sum(self.status[i] == name for i in seats) for name in rules.NAMES}
            parts.append({"section": SECTION, "name": "A", "type_id": type_id, "price": price,
                          "prices": {"standard": price}, "seats_count": len(seats)} | part)
        checkouts, queue = [], []
        for hold in self.holds.values():
            checkout = {k: v for k, v in hold.items() if k != "tickets"}
            checkouts.append(checkout | {"ticket_ids": [line["ticket_id"] for line in hold["tickets"]]})
            if hold["status"] == "active":
                written = max(r["seq"] for r in self.cdc if r["hold_id"] == hold["hold_id"])
                queue += [{"event_id": EVENT, "ticket_id": line["ticket_id"], "started_at": hold["started_at"],
                           "session_id": hold["session_id"], "ttl": 600, "hold_id": hold["hold_id"], "seq": written}
                          for line in hold["tickets"]]
        return copy.deepcopy(rules.Snapshot(
            seq=self.seq, raw=bytes(packed),
            event={"event_id": EVENT, "currency": "EUR", "has_tickets": counts["available"] > 0, "counts": counts,
                   "max_tickets_per_session": 4},
            availability=counts | {"seq": self.seq, "statuses": base64.b64encode(packed).decode()},
            delta=counts | {"since": 1, "changes": [[i, rules.STATUS[n]] for i, n in enumerate(self.status) if i != 6]},
            sections={"sections": parts}, seatmap={"seats_total": SEATS, "ticket_id": {"prefix": PREFIX}},
            tickets=[{"ticket_id": ticket(i), "seat_index": i, "section": SECTION, "type_id": kind(i),
                      "price": PRICES[kind(i)], "status": n} for i, n in enumerate(self.status)],
            queue=queue, checkouts=checkouts, orders=list(self.orders.values()),
            holds=[{k: v for k, v in hold.items() if k != "outcome"} for hold in self.holds.values()], cdc=self.cdc))


BOUGHT, LIVE, GONE, BACK, CANCELLED, REFUNDED, AGAIN = 1, 2, 3, 4, 5, 6, 7


@pytest.fixture
def sale():
    """One of everything: bought, live and extended, expired, given back, cancelled, refunded and held again, blocked."""
    s = Sale()
    s.hold(0, BOUGHT, 1, [0, 8])
    s.hold(1, LIVE, 2, [2, 1])
    s.hold(2, GONE, 3, [3])
    s.order(BOUGHT), s.order(LIVE), s.order(GONE)
    s.end(10, BOUGHT, "purchased")
    s.extend(800, LIVE)
    s.end(902.0005, GONE, "expired")
    s.hold(903, BACK, 1, [3])
    s.end(904, BACK, "released")
    s.hold(905, CANCELLED, 2, [4])
    s.order(CANCELLED)
    s.end(906, CANCELLED, "cancelled")
    s.hold(907, REFUNDED, 1, [5])
    s.order(REFUNDED)
    s.end(908, REFUNDED, "purchased")
    s.refund(909, REFUNDED)
    s.hold(910, AGAIN, 3, [5])
    s.seq += 1
    s.status[7] = "blocked"
    return s.snapshot()


def test_good_data_break_nothing(sale):
    assert rules.check(sale) == []


def rows(s, number, *operations):
    """The log's rows of a hold."""
    return [r for r in s.cdc if r["hold_id"] == str(uuid.UUID(int=number)) and r["cdc$operation"] in operations]


def only(entries, number):
    return next(e for e in entries if e["hold_id"] == str(uuid.UUID(int=number)))


def put(entry, **members):
    entry.update(members)


def swap(entries, i, j):
    entries[i], entries[j] = entries[j], entries[i]


# Each breaks the rule that it is listed with (and perhaps others).
BREACHES = {
    "counts_add_up": [
        lambda s: put(s.event["counts"], available=s.event["counts"]["available"] + 1),
        lambda s: put(s.availability, held=s.availability["held"] - 1, sold=s.availability["sold"] + 1),
        lambda s: put(s.delta, total=SEATS + 1),
        lambda s: put(s.sections["sections"][0], sold=5),
        lambda s: put(s.sections["sections"][1], available=2, sold=0),
        lambda s: put(s.event, has_tickets=False),
    ],
    "bitmap_is_the_counts": [
        lambda s: setattr(s, "raw", b"\0" + s.raw[1:]),
        lambda s: setattr(s, "raw", s.raw + b"\0") or put(s.availability, statuses=base64.b64encode(s.raw).decode()),
        lambda s: setattr(s, "raw", s.raw[:-1] + bytes([s.raw[-1] | 0xC0]))
        or put(s.availability, statuses=base64.b64encode(s.raw).decode()),
        lambda s: setattr(s, "raw", b"\0" + s.raw[1:]) or put(s.availability, statuses=base64.b64encode(s.raw).decode()),
    ],
    "delta_is_the_bitmap": [
        lambda s: s.delta["changes"].pop(0),
        lambda s: s.delta["changes"].append([0, rules.SOLD]),
        lambda s: s.delta["changes"].__setitem__(0, [0, rules.HELD]),
        lambda s: s.delta.pop("changes") and put(s.delta, statuses="AAAA"),
    ],
    "tickets_are_the_bitmap": [
        lambda s: s.tickets.pop(),
        lambda s: swap(s.tickets, 0, 1),
        lambda s: put(s.tickets[0], status="available"),
        lambda s: put(s.tickets[1], ticket_id=ticket(9)),
        lambda s: put(s.seatmap, seats_total=11),
    ],
    "sections_are_the_tickets": [
        lambda s: s.sections["sections"].pop(),
        lambda s: put(s.sections["sections"][0], price="46.00"),
        lambda s: put(s.sections["sections"][0]["prices"], standard="46.00"),
        lambda s: put(s.tickets[0], type_id="standing"),
        lambda s: put(s.tickets[3], price="1.00"),
    ],
    "changes_are_batches": [
        lambda s: swap(s.cdc, 0, -1),
        lambda s: put(s.cdc[1], **{"cdc$batch_seq_no": 0}),
        lambda s: put(s.cdc[0], **{"cdc$batch_seq_no": 1}),
        lambda s: put(s.cdc[0], **{"cdc$end_of_batch": True}),
        lambda s: put(s.cdc[1], **{"cdc$end_of_batch": False}),
        lambda s: put(s.cdc[1], **{"cdc$time": uuid1(0.5)}),
        lambda s: put(s.cdc[1], hold_id=s.cdc[2]["hold_id"]),
        lambda s: put(s.cdc[1], ticket_id=s.cdc[0]["ticket_id"]),
        lambda s: put(s.cdc[-1], seq=s.seq + 1),
        lambda s: put(s.cdc[2], seq=s.cdc[0]["seq"]) or put(s.cdc[3], seq=s.cdc[0]["seq"]),
    ],
    "log_time_goes_on": [
        lambda s: [put(r, **{"cdc$time": uuid1(0)}) for r in rows(s, LIVE, rules.INSERT)],
        lambda s: [put(r, **{"cdc$time": uuid1(5000)}) for r in rows(s, BOUGHT, rules.INSERT)],
    ],
    "rows_have_their_form": [
        lambda s: put(s.cdc[0], **{"cdc$stream_id": "0x" + "0" * 32}),
        lambda s: put(s.cdc[0], **{"cdc$operation": 4}),
        lambda s: put(s.cdc[0], **{"cdc$ttl": 0}),
        lambda s: put(s.cdc[0], **{"cdc$ttl": None}),
        lambda s: put(s.cdc[0], session_id=session(9)),
        lambda s: put(s.cdc[0], outcome="purchased"),
        lambda s: put(rows(s, BOUGHT, rules.DELETE)[0], outcome="expired"),
        lambda s: put(rows(s, BOUGHT, rules.DELETE)[0], outcome=None),
        lambda s: put(rows(s, GONE, rules.EXPIRED)[0], outcome="released"),
        lambda s: put(rows(s, GONE, rules.EXPIRED)[0], session_id=session(3)),
        lambda s: put(rows(s, GONE, rules.EXPIRED)[0], **{"cdc$ttl": 1}),
    ],
    "seats_begin_and_end_once": [
        lambda s: s.cdc.remove(rows(s, GONE, rules.EXPIRED)[0]),  # held again without an end
        lambda s: s.cdc.remove(rows(s, GONE, rules.INSERT)[0]),  # an end without a beginning
        lambda s: s.cdc.append(rows(s, BOUGHT, rules.DELETE)[0]),  # ended twice
        lambda s: s.cdc.append(rows(s, LIVE, rules.INSERT)[0]),  # begun twice
        lambda s: put(rows(s, GONE, rules.EXPIRED)[0], hold_id=str(uuid.UUID(int=99))),
        lambda s: put(rows(s, LIVE, rules.UPDATE)[0], started_at=at(1.5)),
    ],
    "open_rows_are_the_queue": [
        lambda s: s.queue.pop(),
        lambda s: s.queue.append(s.queue[0]),
        lambda s: s.queue.append(s.queue[0] | {"started_at": at(77)}),
        lambda s: put(s.queue[0], seq=s.queue[0]["seq"] - 1),
        lambda s: put(s.queue[0], session_id=session(9)),
        lambda s: s.cdc.remove(rows(s, BOUGHT, rules.DELETE)[0]),
    ],
    "started_at_increases": [
        lambda s: put(rows(s, BACK, rules.INSERT)[0], started_at=only(s.checkouts, GONE)["started_at"]),
        lambda s: put(rows(s, AGAIN, rules.INSERT)[0], started_at=at(-1)),
    ],
    "live_holds_are_the_held_seats": [
        lambda s: put(s.tickets[6], status="held"),
        lambda s: put(s.tickets[2], status="available"),
        lambda s: s.queue.pop(),
        lambda s: s.queue.append(s.queue[0] | {"ticket_id": ticket(6)}),
        lambda s: put(only(s.checkouts, LIVE), status="expired"),
    ],
    "no_two_live_holds_on_a_seat": [
        lambda s: put(only(s.checkouts, BACK), status="active", ticket_ids=[ticket(2)]),
        lambda s: put(only(s.checkouts, LIVE), ticket_ids=[ticket(2), ticket(2)]),
        lambda s: put(s.tickets[2], status="sold"),
    ],
    "checkouts_are_the_log": [
        lambda s: s.checkouts.pop(0),
        lambda s: s.checkouts.append(s.checkouts[0]),
        lambda s: s.checkouts.append(s.checkouts[0] | {"hold_id": str(uuid.UUID(int=99))}),
        lambda s: only(s.checkouts, BOUGHT)["ticket_ids"].pop(),
        lambda s: put(only(s.checkouts, LIVE), session_id=session(9)),
        lambda s: put(only(s.checkouts, LIVE), started_at=at(0)),
        lambda s: put(only(s.checkouts, LIVE), ended_at=at(2)),
        lambda s: put(only(s.checkouts, BOUGHT), status="active", outcome=None, ended_at=None),
        lambda s: put(only(s.checkouts, BOUGHT), ended_at=None),
        lambda s: put(only(s.checkouts, BACK), outcome="cancelled"),
        lambda s: s.cdc.remove(rows(s, BOUGHT, rules.DELETE)[1]),  # half of its seats ended
    ],
    "outcomes_fit": [
        lambda s: put(only(s.checkouts, BOUGHT), outcome="released"),
        lambda s: put(only(s.orders, BOUGHT), status="pending"),
        lambda s: put(only(s.orders, LIVE), status="paid"),
        lambda s: put(only(s.orders, GONE), status="cancelled"),
        lambda s: put(only(s.orders, CANCELLED), status="expired"),
        lambda s: put(only(s.orders, BOUGHT), purchased_at=None),
        lambda s: put(only(s.orders, CANCELLED), ended_at=None),
        lambda s: put(only(s.orders, BOUGHT), ended_at=at(11)),
        lambda s: put(only(s.orders, LIVE), expires_at=at(2)),
        lambda s: only(s.orders, LIVE)["tickets"].pop(),
        lambda s: s.orders.append(only(s.orders, BOUGHT) | {"order_id": str(uuid.UUID(int=98))}),
        lambda s: put(only(s.orders, LIVE), hold_id=str(uuid.UUID(int=98))),
        lambda s: s.orders.remove(only(s.orders, BOUGHT)) or put(only(s.checkouts, BOUGHT), order_id=None),
        lambda s: put(only(s.checkouts, LIVE), order_id=None),
    ],
    "expired_checkouts_are_logged": [
        lambda s: s.cdc.remove(rows(s, GONE, rules.EXPIRED)[0]),
        lambda s: put(rows(s, GONE, rules.EXPIRED)[0], **{"cdc$operation": rules.DELETE}),
        lambda s: put(rows(s, BACK, rules.DELETE)[0], **{"cdc$operation": rules.EXPIRED}),
        lambda s: put(only(s.orders, GONE), status="pending"),
        lambda s: put(only(s.orders, LIVE), status="expired"),
    ],
    "ends_are_in_time": [
        lambda s: put(rows(s, GONE, rules.EXPIRED)[0], **{"cdc$time": uuid1(901.999999)}),
        lambda s: [put(r, **{"cdc$time": uuid1(900.002)}) for r in rows(s, BOUGHT, rules.DELETE)],
        lambda s: put(rows(s, BACK, rules.DELETE)[0], **{"cdc$time": uuid1(1900)}),
        lambda s: put(only(s.checkouts, GONE), ended_at=at(901.999)),
    ],
    "ttl_is_the_time_left": [
        lambda s: [put(r, **{"cdc$ttl": 899}) for r in rows(s, GONE, rules.INSERT)],
        lambda s: [put(r, **{"cdc$ttl": 902}) for r in rows(s, LIVE, rules.UPDATE)],
        lambda s: [put(r, **{"cdc$ttl": 899}) for r in rows(s, LIVE, rules.UPDATE)],
        lambda s: put(s.queue[0], ttl=0),
        lambda s: put(s.queue[0], ttl=1701),
    ],
    "paid_orders_are_the_sold_seats": [
        lambda s: put(only(s.orders, BOUGHT), status="refunded"),
        lambda s: put(only(s.orders, REFUNDED), status="paid"),
        lambda s: put(s.tickets[6], status="sold"),
        lambda s: put(s.tickets[0], status="available"),
        lambda s: put(only(s.orders, REFUNDED), status="paid", tickets=only(s.orders, BOUGHT)["tickets"]),
    ],
    "sold_stays_sold": [
        lambda s: put(only(s.orders, REFUNDED), status="paid"),
        lambda s: put(only(s.orders, REFUNDED), ended_at=at(910.5)),
        lambda s: s.orders.remove(only(s.orders, REFUNDED)),
        lambda s: put(rows(s, AGAIN, rules.INSERT)[0], ticket_id=ticket(0)),
    ],
    "totals_are_sums": [
        lambda s: put(only(s.orders, BOUGHT), total_price="70.11"),
        lambda s: put(only(s.holds, BACK), total_price="44.99"),
        lambda s: put(only(s.holds, BACK)["tickets"][0], price="44.99"),
        lambda s: put(only(s.checkouts, BOUGHT), total_price="0.00"),
        lambda s: put(only(s.orders, BOUGHT), currency="USD"),
    ],
    "holds_are_the_checkouts": [
        lambda s: put(only(s.holds, BACK), status="expired"),
        lambda s: put(only(s.holds, LIVE), expires_at=at(901)),
        lambda s: put(only(s.holds, LIVE), order_id=None),
        lambda s: s.holds.remove(only(s.holds, LIVE)),
        lambda s: put(only(s.holds, BACK), hold_id=str(uuid.UUID(int=99))),
        lambda s: put(only(s.holds, BACK), tickets=[]),
        lambda s: put(only(s.orders, LIVE), tickets=[]),
    ],
    "sessions_keep_their_limit": [
        lambda s: put(s.event, max_tickets_per_session=1),
        lambda s: [put(c, session_id=session(2)) for c in s.checkouts] and put(s.event, max_tickets_per_session=2),
        lambda s: [put(o, session_id=session(2)) for o in s.orders] and put(s.event, max_tickets_per_session=3),
    ],
}


def cases():
    for name, breaches in BREACHES.items():
        for number, breach in enumerate(breaches):
            yield pytest.param(name, breach, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "breach"), list(cases()))
def test_rule_finds_its_breach(sale, name, breach):
    """The named rule speaks up when its data are broken, and check() passes that on."""
    breach(sale)
    assert list(getattr(rules, name)(sale)), f"{name} says nothing"
    assert any(f"{name}: " in told for told in rules.check(sale))


def test_every_rule_can_fail():
    """No rule without a breach of its own, none without a docstring."""
    assert {function.__name__ for function in rules.RULES} == set(BREACHES)
    assert all(inspect.getdoc(function) for function in rules.RULES)


def test_some_entries_from_all_over():
    assert rules.some([], 3) == [] and rules.some([1, 2, 3], 3) == [1, 2, 3]
    assert rules.some(list(range(10)), 3) == [0, 4, 8] and rules.some(list(range(6)), 3) == [0, 2, 4]


def test_check_tells_the_count_of_many():
    s = Sale()
    for number in range(1, SEATS + 1):
        s.hold(number, number, number, [number - 1])
    broken = s.snapshot()
    broken.queue.clear()
    told = [line for line in rules.check(broken) if "open_rows_are_the_queue" in line]
    assert len(told) == rules.TOLD + 1 and told[-1].endswith(f"... {SEATS - rules.TOLD} more")


SECRET = 'Zoë "Quux" O\'Neil'


@pytest.mark.parametrize("text", [
    'level=info name="zoë "quux" o\'neil"',
    '{"name": "Zoë \\"Quux\\" O\'Neil"}',
    '{"name": "Zo\\u00eb \\"Quux\\" O\'Neil"}',
    "GET /v1/orders?name=Zo%C3%AB%20%22Quux%22%20O%27Neil",
    "GET /v1/orders?name=Zo%C3%AB+%22Quux%22+O%27Neil",
])
def test_a_secret_is_found(text):
    assert list(rules.nothing_personal({"log": text}, [SECRET])) == [f"log says {SECRET!r}"]
    assert not list(rules.nothing_personal({"log": text}, ["somebody else"]))


def test_data_that_cannot_be_read_are_a_breach(sale):
    sale.event["counts"] = None
    assert any("counts_add_up: TypeError" in told for told in rules.check(sale))


def test_lists_of_events_differ():
    events = [{"event_id": "a", "has_tickets": True}, {"event_id": "b", "has_tickets": False}]
    assert not list(rules.available_list(events, events[:1]))
    assert list(rules.available_list(events, events))
    assert list(rules.available_list(events, []))


def test_a_gap_is_found():
    assert not list(rules.changes_without_gaps(4, [1, 2, 2, 3, 4]))
    assert list(rules.changes_without_gaps(4, [1, 2, 4])) == ["nobody knows of change 3"]
    assert list(rules.changes_without_gaps(4, [1, 2, 3, 4, 5]))


def test_a_log_that_lost_a_row(sale):
    before = sale.cdc[:5]
    assert not list(rules.log_only_grows(before, sale.cdc))
    assert list(rules.log_only_grows(before, sale.cdc[:4]))
    assert list(rules.log_only_grows(before, sale.cdc[1:]))
    assert list(rules.log_only_grows(before, [dict(before[0], outcome="x")] + sale.cdc[1:]))
    assert list(rules.log_only_grows(before, []))


def test_times():
    assert rules.ms("2026-11-22T10:00:00.250Z") == rules.ms("2026-11-22T11:00:00.250+01:00") == 1795341600250
    assert rules.uuid1_us(uuid1(1.000001)) == BEGIN_MS * 1000 + 1_000_001
