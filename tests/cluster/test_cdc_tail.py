"""`boxoffice cdc tail --store`: the rows that a server's interface gives, read from the cluster without it."""

import json
import signal
import subprocess

import pytest
import stores

from box import from_now, until
from harness import binary, clean_env

EXPIRED = -3


class Tail:
    """The command, on a fleet's keyspace."""

    def __init__(self, fleet, *args):
        command = [str(binary()), "cdc", "tail", "--store", stores.url_of(fleet.keyspace), "--json", *args]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_env())

    def row(self):
        """The next one."""
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        return json.loads(line)

    def end(self, expect=0):
        """The rows that are left, when it ends by itself; and what it said to people."""
        out, said = self.process.communicate()
        assert self.process.returncode == expect, said
        return [json.loads(line) for line in out.splitlines()], said

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()


def all_rows(fleet, *args):
    rows, said = Tail(fleet, "--from-start", "--until-now", "--safety-ms", "0", *args).end()
    assert f"{len(rows)} rows, everything before " in said
    return rows


def test_rows_are_those_of_the_interface(fleet, box):
    """Every kind of row, of two events, the same members with the same values in the same order."""
    event, other = box.event(hold_seconds=600), box.event(hold_seconds=1)
    buyer = box.session()
    bought, given_back = buyer.hold(event, 0, 1, 2), buyer.hold(event, 5)
    box.session().hold(other, 3)
    order = buyer.order(bought)
    box.key.post(f"/v1/holds/{bought['hold_id']}/extend", {"until": from_now(700)}, expect=200)
    box.confirm(order)
    buyer.delete(f"/v1/holds/{given_back['hold_id']}", expect=204)
    until(lambda: [row for row in box.log() if row["cdc$operation"] == EXPIRED], "the expiry")
    rows = all_rows(fleet)
    assert rows == box.log()
    assert len(rows) == (3 + 1 + 1) + 3 + (3 + 1 + 1), "begun, extended, ended"


def test_goes_on_from_the_checkpoint(fleet, box):
    """Ctrl-C keeps it; another run begins behind the rows of the first one and hands out none of them again."""
    event = box.event()
    first = box.session().hold(event, 0)
    tail = Tail(fleet, "--from-start", "--checkpoint", "mine", "--safety-ms", "0")
    assert tail.row()["hold_id"] == first["hold_id"]
    second = box.session().hold(event, 1)
    assert tail.row()["hold_id"] == second["hold_id"]
    rows, said = tail.interrupt()
    assert rows == []
    assert "2 rows, everything before " in said
    third = box.session().hold(event, 2)
    found = all_rows(fleet, "--checkpoint", "mine")
    assert [row["hold_id"] for row in found] == [third["hold_id"]]
    assert all_rows(fleet, "--checkpoint", "mine") == []
    assert len(all_rows(fleet, "--checkpoint", "another")) == 3


def test_without_from_start_only_what_comes(fleet, box):
    """What is there already is passed over."""
    event = box.event()
    box.session().hold(event, 0)
    tail = Tail(fleet, "--checkpoint", "mine", "--safety-ms", "0")
    kept = f"SELECT time_us FROM {fleet.keyspace}.cdc_checkpoints WHERE name = 'mine'"
    until(lambda: list(stores.cassandra().execute(kept)), "the first checkpoint")
    hold = box.session().hold(event, 1)
    assert tail.row()["hold_id"] == hold["hold_id"]
    tail.interrupt()


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--safety-ms", "-1"], 2, "--safety-ms"),
        (["--safety-ms", "x"], 2, "--safety-ms"),
        (["--checkpoint", ""], 2, "--checkpoint"),
        (["--checkpoint", "x" * 201], 2, "--checkpoint"),
        (["--after", "abc"], 2, "--after"),
        (["--log-table", "events"], 1, "_scylla_cdc_log"),
        (["--streams-table", "no.such_table"], 1, "no.such_table"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(shared_fleet, args, code, says):
    rows, said = Tail(shared_fleet, *args).end(expect=code)
    assert rows == []
    assert says in said
    assert len(said.splitlines()) == 1


def test_a_keyspace_that_is_not_there(fleet):
    """It makes nothing."""
    _, said = Tail(fleet).end(expect=1)
    assert "there is no table" in said
    found = stores.cassandra().execute("SELECT keyspace_name FROM system_schema.keyspaces")
    assert fleet.keyspace not in [row["keyspace_name"] for row in found]
