"""The rules of the tree that no compiler checks. Prints each breach as file:line: message; exit 1 if there is one.

  - include order: a folder of src/ includes only itself and folders that stand before it in MODULES
  - only store/rocksdb includes RocksDB's header, only http picohttpparser's, only json yyjson's, ...
  - only server/ creates threads, only base/clock reads the time
  - every prototype in a header has a comment before it (one comment may stand over a group of prototypes)
  - no function of src/ longer than LONGEST lines, no file longer than LONGEST_FILE
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODULES = ["base", "json", "load", "money", "domain", "change", "inventory", "store", "writer", "verify", "transfer", "view", "cluster", "app", "http", "feed", "api",
           "server", "cli"]
OWNED = {  # what -> the only places under src/ that may use it
    r"#include\s+[<\"]rocksdb/": ["store/rocksdb/"],
    r"#include\s+<picohttpparser\.h>": ["http/"],
    r"#include\s+<yyjson\.h>": ["json/"],
    r"#include\s+<curl/": ["cli/", "cluster/"],
    r"#include\s+[<\"](drivers/cql/)?cql\.h": ["store/cql/"],
    r"\bpthread_create\s*\(": ["server/", "store/cql/loop.c"],
    r"\b(clock_gettime|gettimeofday|time)\s*\(": ["base/clock.c"],
}
LONGEST, LONGEST_FILE = 110, 800

breaches = []


def breach(path, line, message):
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {message}")


def strip_comments(text):
    """Comments and strings blanked, line numbers kept."""
    pattern = r'#include[^\n]*|/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'

    def blank(found):
        whole = found.group(0)
        return whole if whole.startswith("#include") else re.sub(r"[^\n]", " ", whole)

    return re.sub(pattern, blank, text, flags=re.S)


def check_includes(path, text):
    module = path.relative_to(ROOT / "src").parts[0]
    if path.name == "main.c" and module == "cli":
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'#include "([a-z0-9_]+)/', line)
        if found and found.group(1) in MODULES and MODULES.index(found.group(1)) > MODULES.index(module):
            breach(path, number, f"{module}/ may not include {found.group(1)}/: it stands later in the tree")


def check_owned(path, text):
    place = str(path.relative_to(ROOT / "src"))
    for pattern, owners in OWNED.items():
        if any(place.startswith(owner) for owner in owners):
            continue
        for found in re.finditer(pattern, text):
            breach(path, text.count("\n", 0, found.start()) + 1, f"'{found.group(0)}' belongs to {', '.join(owners)}")


PROTOTYPE = re.compile(r"^(?!typedef|static|extern|return|#)[A-Za-z_][\w \t*]*?[ *]([a-z]\w*)\s*\([^;{]*\)[^;{]*;", re.M)


def check_comments(path, text):
    lines = text.splitlines()
    for found in PROTOTYPE.finditer(strip_comments(text)):
        number = text.count("\n", 0, found.start())
        above = number - 1
        # A comment may stand over a group of prototypes that follow each other without an empty line.
        while above >= 0 and lines[above].strip() and not lines[above].strip().endswith("*/"):
            above -= 1
        after = lines[number].split(";")[-1]
        if (above < 0 or not lines[above].strip().endswith("*/")) and "/*" not in after:
            breach(path, number + 1, f"{found.group(1)}() has no comment")


def check_lengths(path, text):
    lines = text.splitlines()
    if len(lines) > LONGEST_FILE:
        breach(path, 1, f"{len(lines)} lines; split the file by ideas (at most {LONGEST_FILE})")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start > LONGEST:
                breach(path, start, f"a function of {number - start} lines (at most {LONGEST})")
            start = None


def main():
    files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split()
    for name in files:
        path = ROOT / name
        if path.suffix not in (".c", ".h") or not path.exists():
            continue
        text = path.read_text(encoding="utf-8")
        code = strip_comments(text)
        check_includes(path, text)
        check_owned(path, code)
        check_lengths(path, text)
        if path.suffix == ".h":
            check_comments(path, text)
    print("\n".join(breaches) if breaches else f"lint: the tree keeps its rules ({len(files)} files)")
    return 1 if breaches else 0


sys.exit(main())
