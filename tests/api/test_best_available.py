"""Best available: side by side where any row has room, else the fewest pieces; refused only when too few are free."""

import pytest

from box import rows_of


def section(name, *types):
    return {"name": name, "types": list(types)}


def kind(type_id, rows=None, price="45.00", places=None):
    return {"type_id": type_id, "price": price} | ({"rows": rows} if rows else {"seats_count": places})


def make(box, *sections, **members):
    return box.event(venue=box.venue(sections=list(sections)), max_tickets_per_session=10000, **members)


def seats(hold):
    return [ticket["seat_index"] for ticket in hold["tickets"]]


def block(event, *taken):
    event.post("block", {"ticket_ids": event.tickets(*taken)}, expect=200)


def pieces(indexes, row_length):
    """How many runs of neighbours these seats of equal rows without aisles are."""
    chosen = sorted(indexes)
    return sum(
        1 for at, seat in enumerate(chosen) if at == 0 or chosen[at - 1] != seat - 1 or seat % row_length == 0
    )  # fmt: skip


def test_one_row_each(box):
    """Every count up to a row's length is side by side in one row, and the sum fits."""
    event = make(box, section("A", kind("regular", rows_of(4, 6))))
    for count in (6, 5, 4, 6, 1, 2):
        hold = box.session().best(event, count)
        chosen = seats(hold)
        assert chosen == list(range(chosen[0], chosen[0] + count))
        assert chosen[0] // 6 == chosen[-1] // 6
        assert hold["total_price"] == f"{45 * count}.00"
    assert event.counts() == (0, 24, 0, 0)


def test_any_row_that_has_room(box):
    """Rows in front that are broken up are passed over for one behind that has room."""
    event = make(box, section("A", kind("regular", rows_of(5, 5))))
    block(event, 2, 7, 12, 22)
    assert seats(box.session().best(event, 3)) in ([15, 16, 17], [16, 17, 18], [17, 18, 19])


def test_aisles_part_a_row(box):
    """Across an aisle seats are not side by side."""
    rows = [{"row": "1", "seats": 6, "gaps_after": ["3"]}, {"row": "2", "seats": 6, "gaps_after": ["2"]}]
    event = make(box, section("A", kind("regular", rows)))
    assert seats(box.session().best(event, 4)) == [8, 9, 10, 11]
    assert sorted(seats(box.session().best(event, 3))) in ([0, 1, 2], [3, 4, 5])


def test_row_through_types(box):
    """A row that runs through several types is one row for side by side, unless a type is wanted."""
    event = make(
        box,
        section(
            "A",
            kind("vip", [{"row": "1", "seats": ["1", "2"]}, {"row": "2", "seats": 3}]),
            kind("regular", [{"row": "1", "seats": ["3", "4"]}]),
        ),
    )
    chosen = box.session().best(event, 4)
    assert {(t["row"], t["seat"]) for t in chosen["tickets"]} == {("1", "1"), ("1", "2"), ("1", "3"), ("1", "4")}
    assert {t["type_id"] for t in box.session().best(event, 3, type_id="vip")["tickets"]} == {"vip"}


@pytest.mark.parametrize(("count", "wanted"), [(4, 2), (5, 2), (6, 2), (7, 3), (9, 3), (10, 4), (12, 4)])
def test_fewest_pieces(box, count, wanted):
    """Where no row has room, the fewest pieces."""
    event = make(box, section("A", kind("regular", rows_of(4, 3))))
    chosen = seats(box.session().best(event, count))
    assert len(chosen) == count
    assert pieces(chosen, 3) == wanted


def test_pieces_near_each_other(box):
    """Pieces of a split choice lie in rows next to each other where that is possible."""
    event = make(box, section("A", kind("regular", rows_of(6, 4))))
    block(event, *range(4, 20))
    box.key.post(f"{event.path}/unblock", {"ticket_ids": event.tickets(*range(12, 20))}, expect=200)
    # Free: row 1, and rows 4, 5, 6.
    rows = {seat // 4 for seat in seats(box.session().best(event, 6))}
    assert rows in ({3, 4}, {4, 5})


def test_not_enough(box):
    """Refused only when fewer seats than wanted are free: the last ones are had, however scattered."""
    event = make(box, section("A", kind("regular", rows_of(3, 5))))
    block(event, *range(1, 15, 2))
    buyer = box.session()
    before = event.get().seq
    refused = buyer.best(event, 9, expect=409)
    assert refused.problem == "not-enough-seats"
    assert event.get().seq == before
    assert seats(buyer.best(event, 8)) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert buyer.best(event, 1, expect=409).problem == "not-enough-seats"


def test_section_and_type(box):
    """Only in the wanted section, only of the wanted type; both bound what is enough."""
    event = make(
        box,
        section("A", kind("regular", rows_of(1, 3)), kind("standing", places=4, price="20.00")),
        section("B", kind("regular", rows_of(1, 5), price="30.00")),
    )
    buyer = box.session()
    assert seats(buyer.best(event, 2, section=event.section(1))) in ([7, 8], [8, 9], [9, 10], [10, 11])
    chosen = buyer.best(event, 3, section=event.section(0), type_id="regular")
    assert seats(chosen) == [0, 1, 2]
    assert buyer.best(event, 1, section=event.section(0), type_id="regular", expect=409).problem == "not-enough-seats"
    assert buyer.best(event, 5, type_id="standing", expect=409).problem == "not-enough-seats"
    standing = buyer.best(event, 3, type_id="standing")
    assert {(t["row"], t["seat"], t["price"]) for t in standing["tickets"]} == {(None, None, "20.00")}
    assert buyer.best(event, 1, section=event.section(1), type_id="standing", expect=422).pointers == [
        "/best_available/type_id"
    ]
    assert len(seats(buyer.best(event, 4))) == 4
    assert event.counts() == (0, 12, 0, 0)


def test_null_is_any(box):
    """section, type_id and needs may be null."""
    event = box.event()
    assert len(seats(box.session().best(event, 3, section=None, type_id=None, needs=None))) == 3


def wheelchair_rows():
    return [
        {"row": "1", "seats": 6},
        {
            "row": "2",
            "seats": [
                "1", "2",
                {"label": "3", "attributes": ["companion"]},
                {"label": "4", "attributes": ["wheelchair"]},
                {"label": "5", "attributes": ["wheelchair", "aisle"]},
                {"label": "6", "attributes": ["companion"]},
            ],
        },
    ]  # fmt: skip


def test_needs(box):
    """As many seats with each attribute as needed, side by side with the others."""
    event = make(box, section("A", kind("regular", wheelchair_rows())))
    one = box.session().best(event, 2, needs={"wheelchair": 1, "companion": 1})
    assert seats(one) in ([8, 9], [10, 11])
    two = box.session().best(event, 2, needs={"wheelchair": 1, "companion": 1})
    assert sorted(seats(one) + seats(two)) == [8, 9, 10, 11]
    assert box.session().best(event, 2, needs={"wheelchair": 1}, expect=409).problem == "not-enough-seats"


def test_needs_are_kept_for_those_who_need_them(box):
    """Wheelchair and companion places are chosen for a need only; by their numbers anybody may name them."""
    event = make(box, section("A", kind("regular", wheelchair_rows())))
    buyer = box.session()
    first = seats(buyer.best(event, 6)) + seats(buyer.best(event, 2))
    assert sorted(first) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert buyer.best(event, 1, expect=409).problem == "not-enough-seats"
    assert seats(buyer.best(event, 1, needs={"wheelchair": 1})) in ([9], [10])
    buyer.hold(event, 8, 11)


def test_one_seat_may_fill_two_needs(box):
    """A seat with both attributes counts for both."""
    event = make(box, section("A", kind("regular", wheelchair_rows())))
    assert seats(box.session().best(event, 1, needs={"wheelchair": 1, "aisle": 1})) == [10]


def test_needs_refused(box):
    """A need of more seats than wanted, of none, or of no number is 422."""
    event = make(box, section("A", kind("regular", wheelchair_rows())))
    for needs in ({"wheelchair": 3}, {"wheelchair": 0}, {"wheelchair": "1"}, {"wheelchair": 101}):
        reply = box.session().best(event, 2, needs=needs, expect=422)
        assert reply.pointers == ["/best_available/needs/wheelchair"]
    assert box.session().best(event, 2, needs=[], expect=422).pointers == ["/best_available/needs"]
