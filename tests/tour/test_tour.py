"""docs/tour.md cannot go stale: its commands are run, in order, in one shell beside a fresh server, and what they print is
compared with what the page shows.

In a ```console block, a line that begins with "$ " is a command (it goes on while lines end with a backslash); the lines
after it are what it prints. "..." in a line stands for any text, a line of only "..." for any lines.
"""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("BOXOFFICE_BIN", ROOT / "build/release/boxoffice"))
END = "--- end of command ---"


def steps(page):
    """(command, expected lines) of every console block."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", page, re.M | re.S):
        lines, command = block.splitlines(), None
        for line in lines:
            if command is not None and command.endswith("\\"):
                command = command[:-1] + line.strip()
                found[-1] = (command, [])
            elif line.startswith("$ "):
                command = line[2:]
                found.append((command, []))
            else:
                found[-1][1].append(line)
    return found


def pattern(lines):
    parts = []
    for line in lines:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r"[ ]*\n")
    return re.compile("".join(parts) + r"\Z")


class Shell:
    """One bash whose variables live from command to command."""

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)

    def run(self, command):
        self.process.stdin.write(f"{command}\nprintf '\\n%s %s\\n' '{END}' $?\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith(END):
                break
            lines.append(line)
        else:
            raise AssertionError("the shell ended:\n" + "".join(lines))
        text = "".join(lines)
        return text[:-1] if text.endswith("\n") else text  # the newline before the mark

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)


@pytest.fixture
def shell(tmp_path):
    environment = {"PATH": f"{BINARY.parent}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    shell = Shell(tmp_path, environment)
    yield shell
    shell.run("kill %1 2>/dev/null; wait")
    shell.close()


def test_the_tour_is_true(shell):
    page = (ROOT / "docs/tour.md").read_text(encoding="utf-8")
    todo = steps(page)
    assert len(todo) > 10, "the tour has hardly any commands"
    for command, expected in todo:
        printed = shell.run(command)
        if printed and not printed.endswith("\n"):
            printed += "\n"
        assert pattern(expected).match(printed), f"$ {command}\nprinted:\n{printed}\nthe page says:\n" + "\n".join(expected)


def test_a_changed_page_is_noticed(shell):
    """The comparison can fail: another text, a missing line, a line too many."""
    for printed, lines, same in [
        ("a 1 b\n", ["a ... b"], True), ("a\nb\nc\n", ["a", "...", "c"], True), ("a\n", ["b"], False),
        ("a\nb\n", ["a"], False), ("a\n", ["a", "b"], False), ("", [], True),
    ]:
        assert bool(pattern(lines).match(printed)) is same, (printed, lines)
    assert shell.run("echo 17") == "17\n"
