"""export, import, verify: an event moves from one store to another, and stores are as their change logs say."""

import json
import os
import stat

import pytest

from box import Box
from sale import make_sale, what_is_said
from test_cli import one_line, run

# An embedded store and another; tests/cluster/test_moving.py has a cluster's.
pytestmark = pytest.mark.embedded


@pytest.fixture
def sold(new_server, tmp_path):
    """A server's folder with a sale, and what its server said of it. The server is stopped."""
    server = new_server("from")
    sale = make_sale(server)
    box = Box(server)
    box.paid(box.event(slug="other"), 3)
    server.stop()
    return sale | {"dir": server.data_dir, "file": tmp_path / "night.event"}


def export(sold, **kwargs):
    return run("export", "night", "--data-dir", str(sold["dir"]), "--output", str(sold["file"]), **kwargs)


# ---- moving ----


def test_an_event_moves(sold, new_server, tmp_path):
    """It is the same on the other side, personal data included, and its checkouts go on there."""
    done = export(sold)
    assert "35 seats" in done.stderr
    assert stat.S_IMODE(os.stat(sold["file"]).st_mode) == 0o600
    there = tmp_path / "to"
    done = run("import", str(sold["file"]), "--data-dir", str(there))
    assert "'night'" in done.stdout and "imported: " in done.stdout
    server = new_server("to")
    assert what_is_said(server, sold) == sold["said"]
    assert [e["slug"] for e in server.key.pages("/v1/events", "events")] == ["night"]
    order = Box(server).confirm(sold["pending"], reference="pay-78")
    assert order["status"] == "paid"
    assert order.seq == sold["said"]["seq"] + 1
    server.stop()
    run("verify", "--data-dir", str(there))


def test_an_import_again_changes_nothing(sold, tmp_path):
    export(sold)
    there = str(tmp_path / "to")
    run("import", str(sold["file"]), "--data-dir", there)
    assert "has all of it already" in run("import", str(sold["file"]), "--data-dir", there).stdout


def test_into_a_store_that_has_other_events(sold, new_server):
    """Beside them, if the slug is free."""
    export(sold)
    server = new_server("busy")
    box = Box(server)
    box.paid(box.event(slug="day"), 1, 2)
    server.stop()
    run("import", str(sold["file"]), "--data-dir", str(server.data_dir))
    run("verify", "--data-dir", str(server.data_dir))
    server.start()
    assert {e["slug"] for e in server.key.pages("/v1/events", "events")} == {"day", "night"}


def test_a_taken_slug_is_refused(sold, new_server):
    export(sold)
    server = new_server("busy")
    Box(server).event(slug="night")
    server.stop()
    done = run("import", str(sold["file"]), "--data-dir", str(server.data_dir), expect=1)
    assert "another event with the slug 'night'" in done.stderr


def test_a_dry_run_only_says_what_would_happen(sold, new_server):
    export(sold)
    server = new_server("empty")
    server.stop()
    done = run("import", str(sold["file"]), "--dry-run", "--data-dir", str(server.data_dir))
    assert f"would be written: the venue, the tickets, {sold['said']['seq']} changes" in done.stdout
    server.start()
    assert server.key.pages("/v1/events", "events") == []
    assert server.key.pages("/v1/venues", "venues") == []


@pytest.mark.parametrize("damage", ["flip", "cut", "not_ours"])
def test_a_damaged_file_is_refused(sold, tmp_path, damage):
    """Before anything is written."""
    export(sold)
    data = bytearray(sold["file"].read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "cut":
        del data[-40:]
    else:
        data[0] ^= 1
    sold["file"].write_bytes(data)
    there = str(tmp_path / "to")
    done = run("import", str(sold["file"]), "--data-dir", there, expect=1)
    assert "not one that 'boxoffice export' writes" in done.stderr or "the file is damaged at byte" in done.stderr
    done = run("verify", "--json", "--data-dir", there)
    assert json.loads(done.stdout)["events"] == 0


# ---- the file ----


def test_a_file_that_exists_is_not_overwritten(sold):
    sold["file"].write_text("mine")
    one_line(export(sold, expect=1), "exists")
    assert sold["file"].read_text() == "mine"


def test_what_fails_leaves_no_file(sold, tmp_path):
    one_line(
        run("export", "nobody", "--data-dir", str(sold["dir"]), "--output", str(tmp_path / "x"), expect=1), "no event 'nobody'"
    )
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("x")]


def test_no_names_outside_of_personal_data(sold):
    """They stand in the file, which is why it is secret, and the help says so."""
    export(sold)
    data = sold["file"].read_bytes()
    assert b"ada@example.org" in data and b"pay-77" in data
    assert "SECRET" in run("export", "--help").stdout


# ---- verify ----


def test_verify_is_clean_after_a_sale(sold):
    done = run("verify", "--json", "--data-dir", str(sold["dir"]))
    said = json.loads(done.stdout)
    assert said["findings"] == [] and said["left_out"] == 0
    assert said["events"] == 2
    assert said["orders"] == 4
    assert said["cdc_rows"] == len(sold["said"]["cdc"]) + 2
    one = json.loads(run("verify", "night", "--json", "--data-dir", str(sold["dir"])).stdout)
    assert one["events"] == 1 and one["changes"] == sold["said"]["seq"]
    assert run("verify", sold["id"], "--data-dir", str(sold["dir"])).stdout == ""


def test_a_store_in_use_is_said(sold, new_server):
    new_server("from")
    for command in (["verify"], ["export", "night", "--output", str(sold["file"])], ["import", __file__]):
        one_line(run(*command, "--data-dir", str(sold["dir"]), expect=1), "stop the server")
    assert not sold["file"].exists()


def test_nothing_is_made_where_nothing_is(tmp_path):
    for command in (["verify"], ["export", "night", "--output", str(tmp_path / "x")]):
        one_line(run(*command, "--data-dir", str(tmp_path / "none"), expect=1), "there is no store in")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("store", ["", "redis://x", "cql:/x"])
def test_a_store_that_is_none(tmp_path, store):
    done = run("verify", "--data-dir", str(tmp_path / "none"), "--store", store, expect=2 if store else 1)
    assert "embedded" in done.stderr or "there is no store" in done.stderr


def test_no_option_of_a_client(sold):
    """These commands ask no server."""
    one_line(run("verify", "--url", "http://127.0.0.1:1", expect=2), "unknown option")
    assert "--url" not in run("export", "--help").stdout
