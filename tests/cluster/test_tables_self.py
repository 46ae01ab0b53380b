"""The rules of tables.py hold for what is right, and each of them is broken by something. Needs no cluster."""

import copy
import datetime
import hashlib
import uuid
from decimal import Decimal

import pytest
import tables

EVENT = uuid.UUID("5f0e1c2a-9b34-8d71-a6c0-13d2ffffffff")
BEGAN = datetime.datetime(2026, 9, 1, 8)
BEGAN_US = 1_788_249_600_000_000
SESSION = "2f9c7c1e-5b1d-4b7e-9d3f-6a7b8c9d0e1f"


def ticket_id(seat):
    return uuid.UUID(bytes=EVENT.bytes[:12] + seat.to_bytes(4, "big"))


def named(number):
    """An id of a hold or an order."""
    return uuid.UUID(bytes=EVENT.bytes[:6] + (0x8000).to_bytes(2, "big") + b"\x80" + number.to_bytes(7, "big"))


def time_uuid(time_us):
    stamp = time_us * 10 + 0x01B21DD213814000
    return uuid.UUID(fields=(stamp & 0xFFFFFFFF, stamp >> 32 & 0xFFFF, stamp >> 48 & 0xFFF | 0x1000, 0x80, 0, 7))


def change_rows(count):
    rows, previous = [], bytes(32)
    for seq in range(1, count + 1):
        head = bytes([1, 1]) + EVENT.bytes + seq.to_bytes(8, "big")
        body = (BEGAN_US + seq).to_bytes(8, "big") + b"what it did"
        previous = hashlib.blake2b(previous + head + body, digest_size=32).digest()
        rows.append({"seq": seq, "data": head + bytes(8) + body + previous})
    return rows


def ticket(seat, status, hold=None, order=None):
    held, taken = status == "held", hold is not None
    return {
        "ticket_id": ticket_id(seat), "status": status, "hold_id": hold, "hold_session": SESSION if taken else None,
        "hold_until": BEGAN + datetime.timedelta(minutes=15) if held else None, "order_id": order,
        "started_at": BEGAN if taken else None, "price_taken": Decimal("45.00") if taken else None,
    }  # fmt: skip


def log_row(seq, number, last, operation, seat, hold):
    put = operation in (tables.INSERT, tables.UPDATE)
    return {
        "cdc$time": time_uuid(BEGAN_US + seq), "cdc$batch_seq_no": number, "cdc$end_of_batch": True if last else None,
        "cdc$operation": operation, "cdc$ttl": 900 if put else None, "session_id": SESSION if put else None, "seq": seq,
        "ticket_id": ticket_id(seat), "hold_id": hold, "started_at": BEGAN,
    }  # fmt: skip


def good():
    """Seats 0 and 1 are held with a pending order, 2 is sold, 3 was let go, 4 is blocked."""
    hold, sold, left = named(2), named(4), named(7)
    tickets = [
        ticket(0, "held", hold), ticket(1, "held", hold), ticket(2, "sold", sold, named(5)), ticket(3, "available"),
        ticket(4, "blocked"),
    ]  # fmt: skip
    return tables.Rows(
        event_id=EVENT,
        event={"has_tickets": True},
        statics={"seq": 8, "ts": BEGAN_US + 8, "epoch": 1, "batch_id": named(9), "tail": None},
        tickets=tickets,
        views={status: {row["ticket_id"] for row in tickets if row["status"] == status} for status in tables.STATUSES},
        available=True,
        queue=[
            {"ticket_id": ticket_id(seat), "hold_id": hold, "session_id": SESSION, "started_at": BEGAN} for seat in (0, 1)
        ],
        log=[
            log_row(2, 0, False, tables.INSERT, 0, hold), log_row(2, 1, True, tables.INSERT, 1, hold),
            log_row(4, 0, True, tables.INSERT, 2, sold), log_row(6, 0, True, tables.DELETE, 2, sold),
            log_row(7, 0, True, tables.INSERT, 3, left), log_row(8, 0, True, tables.EXPIRED, 3, left),
        ],
        changes=change_rows(8),
        orders=[
            {"order_id": named(3), "status": "pending", "hold_id": hold, "total_price": Decimal("90.00"), "purchased_at": None},
            {"order_id": named(5), "status": "paid", "hold_id": sold, "total_price": Decimal("45.00"), "purchased_at": BEGAN},
        ],
        now=BEGAN,
    )  # fmt: skip


def test_what_is_right_breaks_no_rule():
    assert tables.breaches(good()) == []


def lose_change(rows):
    del rows.changes[3]


def lose_newest(rows):
    del rows.changes[7]


def other_time(rows):
    rows.statics["ts"] += 1


def alter_change(rows):
    data = bytearray(rows.changes[2]["data"])
    data[45] ^= 1
    rows.changes[2]["data"] = bytes(data)


def free_with_a_hold(rows):
    rows.tickets[3]["hold_id"] = named(2)


def sold_to_nobody(rows):
    rows.tickets[2]["order_id"] = None


def strange_status(rows):
    rows.tickets[4]["status"] = "reserved"


def queue_of_nobody(rows):
    rows.queue[0]["ticket_id"] = ticket_id(3)


def queue_lost(rows):
    del rows.queue[1]


def queue_twice(rows):
    rows.queue.append(rows.queue[0] | {"started_at": BEGAN + datetime.timedelta(seconds=1)})


def queue_of_another_session(rows):
    rows.queue[0]["session_id"] = "another"


def paid_without_ticket(rows):
    rows.tickets[2] = ticket(2, "available")


def sold_and_not_paid(rows):
    rows.orders[1]["status"] = "cancelled"


def paid_too_much(rows):
    rows.orders[1]["total_price"] += Decimal("0.01")


def pending_without_hold(rows):
    rows.orders[0]["hold_id"] = named(99)


def pending_for_less(rows):
    rows.orders[0]["total_price"] -= 1


def two_live_holds(rows):
    rows.log.append(log_row(8, 1, True, tables.INSERT, 0, named(8)))


def end_twice(rows):
    rows.log.append(dict(rows.log[3]))


def end_lost(rows):
    del rows.log[5]


def begin_lost(rows):
    del rows.log[0]


def begins_when_one_before_it_did(rows):
    rows.log.append(log_row(8, 0, True, tables.INSERT, 3, named(8)))


def held_without_log(rows):
    rows.log[1]["ticket_id"] = ticket_id(4)


def row_lost_in_a_batch(rows):
    rows.log[1]["cdc$batch_seq_no"] = 2


def no_end_of_batch(rows):
    rows.log[1]["cdc$end_of_batch"] = None


def session_on_a_delete(rows):
    rows.log[3]["session_id"] = SESSION


def ttl_for_ever(rows):
    rows.log[0]["cdc$ttl"] = 0


def row_of_another_time(rows):
    rows.log[4]["cdc$time"] = time_uuid(BEGAN_US + 70)


def view_behind(rows):
    rows.views["available"].clear()


def not_in_available_events(rows):
    rows.available = False


def sold_out_and_offered(rows):
    rows.tickets[3] = ticket(3, "blocked")


BROKEN = {
    lose_change: "changes_are_numbered_without_gaps",
    lose_newest: "changes_are_numbered_without_gaps",
    other_time: "changes_are_numbered_without_gaps",
    alter_change: "changes_are_a_chain",
    free_with_a_hold: "ticket_states_are_complete",
    sold_to_nobody: "ticket_states_are_complete",
    strange_status: "ticket_states_are_complete",
    queue_of_nobody: "queue_is_the_held_tickets",
    queue_lost: "queue_is_the_held_tickets",
    queue_twice: "queue_is_the_held_tickets",
    queue_of_another_session: "queue_is_the_held_tickets",
    paid_without_ticket: "paid_orders_are_sold_tickets",
    sold_and_not_paid: "paid_orders_are_sold_tickets",
    paid_too_much: "paid_orders_are_sold_tickets",
    pending_without_hold: "pending_orders_have_their_holds",
    pending_for_less: "pending_orders_have_their_holds",
    two_live_holds: "checkouts_are_paired",
    end_twice: "checkouts_are_paired",
    end_lost: "checkouts_are_paired",
    begin_lost: "checkouts_are_paired",
    begins_when_one_before_it_did: "checkouts_are_paired",
    held_without_log: "checkouts_are_paired",
    row_lost_in_a_batch: "log_rows_are_as_scylladb_has_them",
    no_end_of_batch: "log_rows_are_as_scylladb_has_them",
    session_on_a_delete: "log_rows_are_as_scylladb_has_them",
    ttl_for_ever: "log_rows_are_as_scylladb_has_them",
    row_of_another_time: "log_rows_are_as_scylladb_has_them",
    view_behind: "views_say_what_their_tables_say",
    not_in_available_events: "views_say_what_their_tables_say",
    sold_out_and_offered: "has_tickets_is_true_while_there_are_some",
}


@pytest.mark.parametrize("spoil", BROKEN, ids=lambda spoil: spoil.__name__)
def test_each_breach_is_found(spoil):
    rows = copy.deepcopy(good())
    spoil(rows)
    assert BROKEN[spoil] in {breach.partition(":")[0] for breach in tables.breaches(rows)}


def test_every_rule_is_broken_by_something():
    assert {rule.__name__ for rule in tables.RULES} == set(BROKEN.values())


def test_a_row_that_its_ttl_took_a_little_early_is_no_breach():
    rows = good()
    rows.queue.clear()
    rows.now = BEGAN + datetime.timedelta(minutes=15)
    assert tables.breaches(rows) == []
