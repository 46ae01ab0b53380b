"""Venues: made whole or not at all, read back as they were made, refused with a pointer to each fault."""

import copy

import pytest

from box import new_id

RIVER_HALL = {
    "name": "River Hall",
    "timezone": "Europe/Berlin",
    "sections": [
        {
            "name": "Block A",
            "types": [
                {
                    "type_id": "regular",
                    "price": "45.00",
                    "rows": [
                        {"row": "1", "seats": 20, "x": 10, "y": -20, "gaps_after": ["10"]},
                        {
                            "row": "2",
                            "seats": [
                                {"label": "1", "x": 0, "y": 30, "attributes": ["wheelchair", "aisle"]},
                                "2",
                                {"label": "3b"},
                            ],
                        },
                    ],
                },
                {"type_id": "standing", "price": "25.00", "seats_count": 300},
            ],
        },
        {"name": "Block B", "types": [{"type_id": "regular", "price": "0", "rows": [{"row": "1", "seats": ["x"]}]}]},
    ],
}


def mended(change):
    """River Hall with something changed."""
    body = copy.deepcopy(RIVER_HALL)
    change(body)
    return body


def labels(row):
    seats = row["seats"]
    if isinstance(seats, int):
        return [str(i + 1) for i in range(seats)]
    return [seat if isinstance(seat, str) else seat["label"] for seat in seats]


def test_create_and_read(box):
    """The reply is the request with ids and counts; GET gives the same; Location leads there."""
    made = box.key.post("/v1/venues", RIVER_HALL, expect=201)
    assert made.headers["location"] == f"/v1/venues/{made['venue_id']}"
    assert made["seats_count"] == 20 + 3 + 300 + 1
    assert [section["name"] for section in made["sections"]] == ["Block A", "Block B"]
    regular, standing = made["sections"][0]["types"]
    assert (regular["seats_count"], standing["seats_count"]) == (23, 300)
    assert "rows" not in standing
    assert labels(regular["rows"][0]) == [str(i) for i in range(1, 21)]
    assert regular["rows"][0]["gaps_after"] == ["10"]
    assert (regular["rows"][0]["x"], regular["rows"][0]["y"]) == (10, -20)
    assert labels(regular["rows"][1]) == ["1", "2", "3b"]
    first = regular["rows"][1]["seats"][0]
    assert (first["x"], first["y"]) == (0, 30)
    assert sorted(first["attributes"]) == ["aisle", "wheelchair"]
    assert box.public.get(made.headers["location"]).json == made.json
    assert len({section["section_id"] for section in made["sections"]}) == 2


def test_section_type(box):
    """One row of venue_sections by venue, section and type; a type's name may need escaping in the path."""
    body = mended(lambda b: b["sections"][0]["types"][0].update(type_id="Rang 1 % links"))
    venue = box.key.post("/v1/venues", body, expect=201)
    section = venue["sections"][0]["section_id"]
    path = f"/v1/venues/{venue['venue_id']}/sections/{section}/types"
    assert box.public.get(f"{path}/standing").json == {
        "venue_id": venue["venue_id"], "section_id": section, "type_id": "standing", "price": "25.00",
        "seats_count": 300,
    }  # fmt: skip
    assert box.public.get(f"{path}/Rang%201%20%25%20links")["seats_count"] == 23
    box.public.get(f"{path}/regular", expect=404, problem="not-found")
    box.public.get(f"/v1/venues/{venue['venue_id']}/sections/{new_id()}/types/standing", expect=404)
    box.public.get(f"/v1/venues/{new_id()}/sections/{section}/types/standing", expect=404)


def test_list_pages(box):
    """Oldest first, page by page, each venue once."""
    mine = [box.venue(rows=1, seats=i + 1, name=f"Listed {i}")["venue_id"] for i in range(5)]
    for limit in (1, 2, 1000):
        listed = box.public.pages("/v1/venues", "venues", {"limit": limit})
        ids = [venue["venue_id"] for venue in listed]
        assert len(ids) == len(set(ids))
        assert [venue_id for venue_id in ids if venue_id in mine] == mine
    last = listed[-1]
    assert (last["name"], last["seats_count"], last["sections"]) == ("Listed 4", 5, 1)


def test_same_name_twice(box):
    """A venue's name need not be unique; its id is."""
    assert box.venue(name="Twin")["venue_id"] != box.venue(name="Twin")["venue_id"]


def test_text_is_kept(box):
    """Any letters of Unicode come back as they were sent; 200 characters are 200, whatever their bytes."""
    name = "Zürich-Żółć 東京 🎭 \\ \" / <b>&amp;"
    name += "é" * (200 - len(name))
    body = mended(lambda b: (b.update(name=name), b["sections"][0].update(name="東" * 200)))
    made = box.key.post("/v1/venues", body, expect=201)
    again = box.public.get(made.headers["location"])
    assert again["name"] == name
    assert again["sections"][0]["name"] == "東" * 200


def test_row_through_types(box):
    """A row may run through several types of a section; its labels stay unique across them."""
    def split(body):
        body["sections"][0]["types"] = [
            {"type_id": "vip", "price": "90.00", "rows": [{"row": "1", "seats": ["1", "2"]}]},
            {"type_id": "regular", "price": "45.00", "rows": [{"row": "1", "seats": ["3", "4"]}]},
        ]  # fmt: skip

    assert box.key.post("/v1/venues", mended(split), expect=201)["seats_count"] == 5

    def clash(body):
        split(body)
        body["sections"][0]["types"][1]["rows"][0]["seats"] = ["2", "3"]

    box.key.post("/v1/venues", mended(clash), expect=422, problem="invalid-request")


def first_type(body):
    return body["sections"][0]["types"][0]


def first_row(body):
    return first_type(body)["rows"][0]


REFUSED = {
    "name missing": (lambda b: b.pop("name"), "/name"),
    "name empty": (lambda b: b.update(name=""), "/name"),
    "name too long": (lambda b: b.update(name="x" * 201), "/name"),
    "name a number": (lambda b: b.update(name=7), "/name"),
    "name with a control character": (lambda b: b.update(name="a\nb"), "/name"),
    "time zone unknown": (lambda b: b.update(timezone="Europe/Atlantis"), "/timezone"),
    "time zone in small letters": (lambda b: b.update(timezone="europe/berlin"), "/timezone"),
    "no sections": (lambda b: b.update(sections=[]), "/sections"),
    "sections no array": (lambda b: b.update(sections={}), "/sections"),
    "no types": (lambda b: b["sections"][1].update(types=[]), "/sections/1/types"),
    "price a number": (lambda b: first_type(b).update(price=45), "/sections/0/types/0/price"),
    "price negative": (lambda b: first_type(b).update(price="-1.00"), "/sections/0/types/0/price"),
    "price too high": (lambda b: first_type(b).update(price="1000000000.01"), "/sections/0/types/0/price"),
    "price with 5 decimals": (lambda b: first_type(b).update(price="1.00001"), "/sections/0/types/0/price"),
    "price with an exponent": (lambda b: first_type(b).update(price="1e2"), "/sections/0/types/0/price"),
    "rows and seats_count": (lambda b: first_type(b).update(seats_count=3), "/sections/0/types/0"),
    "neither rows nor seats_count": (lambda b: first_type(b).pop("rows"), "/sections/0/types/0"),
    "type twice": (lambda b: b["sections"][0]["types"][1].update(type_id="regular"), "/sections/0/types/1"),
    "no seats": (lambda b: first_row(b).update(seats=0), "/sections/0/types/0/rows/0/seats"),
    "a row too long": (lambda b: first_row(b).update(seats=10001), "/sections/0/types/0/rows/0/seats"),
    "a label twice": (
        lambda b: first_type(b)["rows"][1].update(seats=["1", "2", "1"]), "/sections/0/types/0/rows/1/seats/2"),
    "a label too long": (lambda b: first_row(b).update(row="x" * 33), "/sections/0/types/0/rows/0/row"),
    "x without y": (lambda b: first_row(b).pop("y"), "/sections/0/types/0/rows/0"),
    "x out of range": (lambda b: first_row(b).update(x=10000001), "/sections/0/types/0/rows/0/x"),
    "x a fraction": (lambda b: first_row(b).update(x=0.5), "/sections/0/types/0/rows/0/x"),
    "gap after no seat": (lambda b: first_row(b).update(gaps_after=["99"]), "/sections/0/types/0/rows/0/gaps_after/0"),
    "too many seats": (
        lambda b: b["sections"][0]["types"][1].update(seats_count=999_977), "/sections"),
    "standing without places": (
        lambda b: b["sections"][0]["types"][1].update(seats_count=0), "/sections/0/types/1/seats_count"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(box, name):
    """What does not fit is 422 with a pointer to (or into, or above) the fault."""
    change, pointer = REFUSED[name]
    reply = box.key.post("/v1/venues", mended(change), expect=422, problem="invalid-request")
    assert any(at.startswith(pointer) or pointer.startswith(at) for at in reply.pointers), reply


def test_all_faults_at_once(box):
    """`errors` lists every fault, not only the first."""
    def spoil(body):
        body["name"] = ""
        body["timezone"] = "Nowhere"
        first_type(body)["price"] = "x"

    reply = box.key.post("/v1/venues", mended(spoil), expect=422)
    assert sorted(reply.pointers) == ["/name", "/sections/0/types/0/price", "/timezone"]


@pytest.mark.parametrize("where", ["venue", "section", "type", "row", "seat"])
def test_unknown_member(box, where):
    """A member that the interface does not know is 400, at every depth."""
    places = {
        "venue": lambda b: b,
        "section": lambda b: b["sections"][0],
        "type": first_type,
        "row": first_row,
        "seat": lambda b: first_type(b)["rows"][1]["seats"][0],
    }
    box.key.post("/v1/venues", mended(lambda b: places[where](b).update(colour="red")), expect=400, problem="bad-request")


def test_who_may(box):
    """Making a venue needs an API key; reading one does not."""
    box.public.post("/v1/venues", RIVER_HALL, expect=401)
    box.session().post("/v1/venues", RIVER_HALL, expect=403)
    venue = box.venue()
    assert box.session().get(f"/v1/venues/{venue['venue_id']}").json == venue
    box.public.get(f"/v1/venues/{new_id()}", expect=404)


def test_largest_venue(box):
    """A million seats is the most, and it is possible."""
    venue = box.venue(sections=[{"name": "Field", "types": [{"type_id": "standing", "price": "1", "seats_count": 10**6}]}])
    assert venue["seats_count"] == 10**6
