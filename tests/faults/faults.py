"""Ways to make things fail: file systems that are full or read-only, limits of a process, damaged files."""

import contextlib
import os
import resource
import signal
import subprocess

import pytest

from harness import SANITIZER, Server, binary, clean_env


class Mounts:
    """Small file systems in memory, gone at the end of the test."""

    def __init__(self, folder):
        self.folder = folder
        self.made = []

    def _run(self, *command):
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def add(self, name, *options):
        """A new mount; the test is skipped where that is not allowed."""
        if os.geteuid() != 0:
            pytest.skip("only root may mount")
        path = self.folder / name
        path.mkdir(exist_ok=True)
        done = self._run("mount", *options, str(path))
        if done.returncode != 0:
            pytest.skip(f"cannot mount here: {done.stderr.strip()}")
        self.made.append(path)
        return path

    def memory(self, name, size, options="mode=700"):
        return self.add(name, "-t", "tmpfs", "-o", f"size={size},{options}", "none")

    def read_only(self, name, source):
        """@source, seen through a read-only bind mount."""
        path = self.add(name, "--bind", str(source))
        done = self._run("mount", "-o", "remount,bind,ro", str(path))
        assert done.returncode == 0, done.stderr
        return path

    def resize(self, path, size):
        done = self._run("mount", "-o", f"remount,size={size}", str(path))
        assert done.returncode == 0, done.stderr

    def unmount(self):
        for path in reversed(self.made):
            if self._run("umount", str(path)).returncode != 0:
                self._run("umount", "-l", str(path))
        self.made = []


def fill(path):
    """A file that takes all the room that is left."""
    with open(path, "wb", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


# ---- the program, when it does not start ----


def limit(kind, soft, hard=None):
    """For preexec_fn: a limit of the process."""
    return lambda: resource.setrlimit(kind, (soft, hard if hard is not None else soft))


def run(*args, env=None, preexec=None, cwd=None):
    """The program, which ends by itself. (code, stdout, stderr)"""
    done = subprocess.run(
        [str(binary()), *map(str, args)], capture_output=True, text=True, errors="replace", timeout=60, cwd=cwd,
        env=clean_env(**(env or {})), preexec_fn=preexec, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert not SANITIZER.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr


def said(result, code, *words):
    """The program ended with @code, printed nothing, and said one line with all these words in it. Returns the line."""
    got, out, err = result
    assert got == code, f"exit code {got}: {err}"
    assert out == ""
    assert err.startswith("boxoffice: ") and err.endswith("\n") and err.count("\n") == 1, repr(err)
    for word in words:
        assert word in err, f"no {word!r} in {err!r}"
    return err


def serve(data_dir, *args, **kwargs):
    """A server that does not start: @args come after a free port and the folder."""
    return run("serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir, *args, **kwargs)


class LimitedServer(Server):
    """A server with few file descriptors."""

    def __init__(self, *args, files, **kwargs):
        super().__init__(*args, **kwargs)
        self.files = files

    def command(self):
        # "$0" is the limit, "$@" the program.
        return ["bash", "-c", 'ulimit -n "$0"; exec "$@"', str(self.files), *super().command()]


class PatientServer(Server):
    """A server that is told of a file that grew too large, instead of ended by SIGXFSZ."""

    def start(self):
        old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            return super().start()
        finally:
            signal.signal(signal.SIGXFSZ, old)

    def command(self):
        # Python gives its children the default back; a shell does not undo what it was told to ignore.
        return ["bash", "-c", 'trap "" XFSZ; exec "$@"', "-", *super().command()]

    def limit_files_to(self, size):
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, hard))


# ---- files ----


def flip(path, part=0.5, count=4):
    """Turn some bytes of a file around."""
    data = bytearray(path.read_bytes())
    at = min(int(len(data) * part), len(data) - count)
    for i in range(at, at + count):
        data[i] ^= 0xFF
    path.write_bytes(data)


def largest(folder, suffix):
    return max(folder.glob(f"*{suffix}"), key=lambda path: path.stat().st_size)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def edit_log(path, old, new):
    """Replace bytes in the first record of a write-ahead log and make its checksum right again."""
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[4:6], "little")
    assert data[6] == 1, "the first record is whole"
    payload = bytes(data[7 : 7 + size])  # after checksum:4 size:2 type:1
    assert payload.count(old) == 1 and len(old) == len(new)
    data[7 : 7 + size] = payload.replace(old, new)
    crc = crc32c(data[6 : 7 + size])
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    data[0:4] = masked.to_bytes(4, "little")
    path.write_bytes(data)
