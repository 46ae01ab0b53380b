"""ready.py ADDRESS SECONDS: wait until the node answers OPTIONS (a CQL frame) with SUPPORTED; exit 1 if it does not."""
import socket
import sys
import time

address, end = sys.argv[1], time.monotonic() + float(sys.argv[2])
while time.monotonic() < end:
    try:
        with socket.create_connection((address, 9042), 1) as s:
            s.settimeout(5)
            s.sendall(bytes([4, 0, 0, 0, 5, 0, 0, 0, 0]))
            if s.recv(9)[4:5] == b"\x06":
                sys.exit(0)
    except OSError:
        pass
    time.sleep(0.1)
sys.exit(1)
