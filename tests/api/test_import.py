"""Import of pretix's seating plans: a real hall, seat by seat, and what is refused."""

import copy
from collections import Counter

import pytest

from box import Event, riethsporthalle

PRICES = {
    "Kategorie I": "39.00", "Kategorie II": "29.00", "Kategorie III": "19.00", "Fanblock": "15.50", "C unten": "25",
    "VIP": "120.00",
}  # fmt: skip

SMALL = {
    "name": "Small Room",
    "categories": [{"name": "Stalls", "color": "#7f4a91"}, {"name": "Box", "color": "#000000"}],
    "size": {"width": 200, "height": 100},
    "zones": [
        {
            "name": "Ground floor",
            "position": {"x": 10, "y": 10},
            "rows": [
                {
                    "row_number": "A",
                    "position": {"x": 5, "y": 7},
                    "seats": [
                        {"seat_guid": f"g{n}", "seat_number": str(n), "category": "Stalls", "position": {"x": x, "y": 1}}
                        for n, x in ((1, 0), (2, 25), (3, 50), (4, 100), (5, 125))
                    ],
                }
            ],
        }
    ],
}


def request(plan, prices, **members):
    return {"format": "pretix-seating-plan", "timezone": "Europe/Berlin", "prices": prices, "plan": plan, **members}


def small(change=None, prices=None, **members):
    plan = copy.deepcopy(SMALL)
    if change:
        change(plan)
    return request(plan, prices or {"Stalls": "20.00"}, **members)


def seats_of(row):
    """(label, x, y) of each seat of a venue's row."""
    if isinstance(row["seats"], int):
        return [(str(i + 1), None, None) for i in range(row["seats"])]
    return [
        (seat, None, None) if isinstance(seat, str) else (seat["label"], seat.get("x"), seat.get("y"))
        for seat in row["seats"]
    ]  # fmt: skip


@pytest.fixture(scope="module")
def hall(server):
    return server.key.post("/v1/venues/import", request(riethsporthalle(), PRICES), expect=201)


def test_real_hall(hall):
    """1,252 seats: zones are sections, categories are types with the prices given, the plan's name and size are kept."""
    plan = riethsporthalle()
    assert (hall["name"], hall["seats_count"]) == ("Riethsporthalle Erfurt", 1252)
    assert hall["size"] == plan["size"]
    assert [section["name"] for section in hall["sections"]] == [zone["name"] for zone in plan["zones"]]
    assert {kind["type_id"] for section in hall["sections"] for kind in section["types"]} == set(PRICES)
    for section, zone in zip(hall["sections"], plan["zones"], strict=True):
        wanted = Counter(seat["category"] for row in zone["rows"] for seat in row["seats"])
        assert {kind["type_id"]: kind["seats_count"] for kind in section["types"]} == wanted
        for kind in section["types"]:
            assert float(kind["price"]) == float(PRICES[kind["type_id"]])


def test_real_hall_seat_by_seat(hall):
    """Each seat has its row, number, category and its place on the plan: seat + row + zone."""
    wanted = Counter()
    for zone in riethsporthalle()["zones"]:
        for row in zone["rows"]:
            for seat in row["seats"]:
                x, y = (sum(part["position"][axis] for part in (zone, row, seat)) for axis in "xy")
                wanted[zone["name"], seat["category"], row["row_number"], seat["seat_number"], round(x), round(y)] += 1
    got = Counter()
    for section in hall["sections"]:
        for kind in section["types"]:
            for row in kind["rows"]:
                for label, x, y in seats_of(row):
                    got[section["name"], kind["type_id"], row["row"], label, x, y] += 1
    assert got == wanted


def test_event_in_real_hall(box, hall):
    """An event in the hall has every seat as a ticket, with the category's price."""
    event: Event = box.event(venue=hall.json)
    assert event.total == 1252
    listed = box.public.pages(f"{event.path}/tickets", "tickets", {"limit": 1000})
    assert [ticket["seat_index"] for ticket in listed] == list(range(1252))
    sections = box.public.get(f"{event.path}/sections")["sections"]
    assert {(entry["type_id"], entry["price"]) for entry in sections} == {
        (name, f"{float(price):.2f}") for name, price in PRICES.items()
    }
    assert {ticket["price"] for ticket in listed if ticket["type_id"] == "C unten"} == {"25.00"}
    hold = box.session().best(event, 8, type_id="VIP")
    assert {ticket["type_id"] for ticket in hold["tickets"]} == {"VIP"}
    assert hold["total_price"] == "960.00"


def test_gaps_are_derived(box):
    """Neighbours more than 1.5 times the row's median distance apart have an aisle between them."""
    made = box.key.post("/v1/venues/import", small(), expect=201)
    row = made["sections"][0]["types"][0]["rows"][0]
    assert row["gaps_after"] == ["3"]
    assert [place[1:] for place in seats_of(row)] == [(15 + x, 18) for x in (0, 25, 50, 100, 125)]
    event = box.event(venue=made.json)
    rows = box.public.get(f"{event.path}/seatmap")["sections"][0]["types"][0]["rows"]
    assert rows[0]["gaps_after"] == ["3"]
    assert rows[0]["x"] == [15, 40, 65, 115, 140]
    hold = box.session().best(event, 3)
    assert [ticket["seat"] for ticket in hold["tickets"]] == ["1", "2", "3"], "not across the aisle"


def test_names(box):
    """The venue's name is the plan's, or the one given."""
    assert box.key.post("/v1/venues/import", small(), expect=201)["name"] == "Small Room"
    assert box.key.post("/v1/venues/import", small(name="Our Room"), expect=201)["name"] == "Our Room"
    box.key.post("/v1/venues/import", small(lambda plan: plan.pop("name"), name="Given"), expect=201)
    box.key.post("/v1/venues/import", small(lambda plan: plan.pop("name")), expect=422, problem="invalid-request")


def test_extras_are_passed_over(box):
    """Members that real exports add are no fault inside the plan, and are one outside of it."""
    def add(plan):
        plan["uuid"] = "x"
        plan["zones"][0]["areas"] = [{"shape": "rectangle", "color": "#fff", "rectangle": {"width": 1.5}}]
        plan["zones"][0]["rows"][0]["skip"] = [1, 2]
        plan["zones"][0]["rows"][0]["seats"][0]["radius"] = 1.25
        plan["categories"][0]["reserved"] = None

    assert box.key.post("/v1/venues/import", small(add), expect=201)["seats_count"] == 5
    box.key.post("/v1/venues/import", small(colour="red"), expect=400, problem="bad-request")


def test_unused_category_needs_no_price(box):
    """Only a category that has a seat needs a price; a price too many does no harm or is refused as a whole."""
    made = box.key.post("/v1/venues/import", small(prices={"Stalls": "1.00"}), expect=201)
    assert [kind["type_id"] for kind in made["sections"][0]["types"]] == ["Stalls"]


def test_labels_are_told_apart(box):
    """Real plans repeat a number within a row of one zone, or lack it: each seat gets a label of its own."""
    made = box.key.post("/v1/venues/import", small(lambda plan: seat(plan, 1).update(seat_number="1")), expect=201)
    labels = [place[0] for place in seats_of(made["sections"][0]["types"][0]["rows"][0])]
    assert labels[0] == "1"
    assert len(set(labels)) == len(labels) == 5


def seat(plan, index):
    return plan["zones"][0]["rows"][0]["seats"][index]


REFUSED = {
    "a seat_guid twice": (lambda p: seat(p, 1).update(seat_guid="g1"), None),
    "a category that is not listed": (lambda p: seat(p, 1).update(category="Moon"), {"Stalls": "1", "Moon": "2"}),
    "a category without a price": (lambda p: seat(p, 1).update(category="Box"), None),
    "no zones": (lambda p: p.update(zones=[]), None),
    "no categories": (lambda p: p.pop("categories"), None),
    "no seats at all": (lambda p: p["zones"][0].update(rows=[]), None),
    "a place too far out": (lambda p: seat(p, 1)["position"].update(x=1e9), None),
    "a price that is none": (None, {"Stalls": "twenty"}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(box, name):
    """What the plan cannot mean is 422, and no venue is made."""
    change, prices = REFUSED[name]
    reply = box.key.post("/v1/venues/import", small(change, prices, name=f"Refused: {name}"), expect=422)
    assert reply.problem == "invalid-request"
    assert reply.pointers
    listed = [venue["name"] for venue in box.public.pages("/v1/venues", "venues", {"limit": 1000})]
    assert f"Refused: {name}" not in listed


@pytest.mark.parametrize("member", ["format", "timezone", "prices", "plan"])
def test_required_members(box, member):
    """Each member but the name is required, and another format is refused."""
    body = small()
    del body[member]
    reply = box.key.post("/v1/venues/import", body, expect=422, problem="invalid-request")
    assert f"/{member}" in reply.pointers
    reply = box.key.post("/v1/venues/import", small() | {"format": "other"}, expect=422)
    assert reply.pointers == ["/format"]


def test_who_may(box):
    """Importing needs an API key."""
    box.public.post("/v1/venues/import", small(), expect=401)
    box.session().post("/v1/venues/import", small(), expect=403)
