"""The peers: raw Redis and raw PostgreSQL, each doing the same writes with equal durability, and nginx, serving the same
bytes from memory; on temporary folders and ports of their own. Each gets its recommended production settings; nobody is
tuned down."""
import os
import pathlib
import re
import shutil
import subprocess

from common import CLIENT_CPU, LOAD, SERVER_CPU, free_port, is_listening, pinned, run_pinned, values, wait_until


class Redis:
    """A hold is one Lua script: the ticket if it is available, an order_queue row with its TTL, a row of the change log. An
    order and its payment are one each: what they change, and for the payment the end of the row and its row of the log."""

    name = "Redis, Lua script, appendfsync always"
    SCRIPT = """
local ticket = 'ticket:' .. KEYS[1]
if redis.call('HGET', ticket, 'status') == 'held' then return 0 end
redis.call('HSET', ticket, 'status', 'held', 'hold_id', ARGV[1], 'hold_session', ARGV[1], 'hold_until', ARGV[2])
redis.call('SET', 'order_queue:' .. KEYS[1] .. ':' .. ARGV[2], ARGV[1], 'EX', 900)
redis.call('XADD', 'order_queue_cdc', '*', 'op', 2, 'ticket_id', KEYS[1], 'session_id', ARGV[1], 'ttl', 900)
return 1"""

    ORDER = """
local ticket = 'ticket:' .. KEYS[1]
if redis.call('HGET', ticket, 'hold_session') ~= ARGV[1] then return 0 end
redis.call('HSET', 'order:' .. KEYS[1], 'status', 'pending', 'hold_id', ARGV[1], 'session', ARGV[1], 'total_price', '45.00', 'ticket', KEYS[1])
redis.call('HSET', ticket, 'order_id', KEYS[1])
return 1"""
    CONFIRM = """
local ticket, order = 'ticket:' .. KEYS[1], 'order:' .. KEYS[1]
if redis.call('HGET', order, 'status') ~= 'pending' then return 0 end
redis.call('HSET', order, 'status', 'paid', 'payment_reference', 'bench-' .. KEYS[1])
redis.call('HSET', ticket, 'status', 'sold')
redis.call('DEL', 'order_queue:' .. KEYS[1] .. ':' .. ARGV[2])
redis.call('XADD', 'order_queue_cdc', '*', 'op', 3, 'ticket_id', KEYS[1], 'hold_session', ARGV[1], 'outcome', 'purchased')
return 1"""

    def __init__(self, folder):
        self.folder, self.port = folder / "redis", free_port()
        self.folder.mkdir()

    def start(self):
        self.process = pinned(SERVER_CPU, ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
                                           str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
                                           "--daemonize", "no"], stdout=subprocess.DEVNULL)
        wait_until(lambda: is_listening(self.port), self.process, "redis-server")

    def holds(self, connections, seconds):
        sha = self.cli("SCRIPT", "LOAD", self.SCRIPT).strip()
        self.cli("FLUSHALL")
        probe = self.benchmark(connections, 20000, sha)
        return self.benchmark(connections, max(20000, int(probe * seconds)), sha)

    def orders(self, connections, seconds):
        """Whole orders a second: three scripts that follow each other, each synced; by the client of boxoffice-load."""
        shas = [self.cli("SCRIPT", "LOAD", script).strip() for script in (self.SCRIPT, self.ORDER, self.CONFIRM)]
        self.cli("FLUSHALL")
        scripts = [word for sha in shas for word in ("--script", sha)]
        out = run_pinned(CLIENT_CPU, [LOAD, "redis", "--url", f"http://127.0.0.1:{self.port}", "--connections", str(connections),
                                      "--seconds", str(seconds), *scripts])
        return values(out)["rate"]

    def benchmark(self, connections, count, sha):
        out = run_pinned(CLIENT_CPU, ["redis-benchmark", "-p", str(self.port), "-c", str(connections), "-n", str(count), "-r",
                                      "1000000000", "--csv", "EVALSHA", sha, "1", "__rand_int__", "b7a5c1de-session", "1795000000"])
        return float(out.strip().splitlines()[-1].split(",")[1].strip('"'))

    def cli(self, *words):
        return run_pinned(CLIENT_CPU, ["redis-cli", "-p", str(self.port), *words])

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Postgres:
    """A hold is one transaction: a conditional UPDATE of the ticket, an order_queue row, a row of the change log. An order
    and its payment are one each."""

    name = "PostgreSQL, one transaction, synchronous_commit on"
    TICKETS = 1_000_000
    SCHEMA = """
create table tickets (event_id int, ticket_id int, price numeric, section uuid, status text, type_id text, hold_id uuid,
                      hold_session uuid, hold_until timestamptz, primary key (event_id, ticket_id));
create table order_queue (event_id int, ticket_id int, started_at timestamptz, session_id uuid, ttl int,
                          primary key (event_id, ticket_id, started_at));
create table order_queue_cdc (time bigserial primary key, operation int, ttl int, event_id int, ticket_id int,
                              started_at timestamptz, session_id uuid);
create table orders (order_id int primary key, event_id int, purchased_at timestamptz, status text, total_price numeric,
                     user_id uuid, hold_id uuid, session uuid, payment_reference text);
create sequence next_ticket;
insert into tickets select 1, n, 45, null, 'available', 'regular' from generate_series(1, {tickets}) n;
vacuum analyze tickets;
checkpoint;
"""
    TRANSACTION = """
select nextval('next_ticket') as id \\gset
begin;
update tickets set status = 'held', hold_id = '0b7a5c1d-0000-4000-8000-000000000001', hold_session = '0b7a5c1d-0000-4000-8000-000000000002',
       hold_until = now() + interval '15 minutes' where event_id = 1 and ticket_id = :id and status = 'available';
insert into order_queue values (1, :id, now(), '0b7a5c1d-0000-4000-8000-000000000002', 900);
insert into order_queue_cdc (operation, ttl, event_id, ticket_id, started_at, session_id)
       values (2, 900, 1, :id, now(), '0b7a5c1d-0000-4000-8000-000000000002');
commit;
"""
    REST_OF_ORDER = """
begin;
insert into orders select :id, 1, null, 'pending', price, null, hold_id, hold_session, null from tickets
       where event_id = 1 and ticket_id = :id and status = 'held';
commit;
begin;
update orders set status = 'paid', purchased_at = now(), payment_reference = 'bench' where order_id = :id and status = 'pending';
update tickets set status = 'sold' where event_id = 1 and ticket_id = :id and status = 'held';
delete from order_queue where event_id = 1 and ticket_id = :id;
insert into order_queue_cdc (operation, ttl, event_id, ticket_id, started_at, session_id)
       values (3, null, 1, :id, now(), null);
commit;
"""
    SETTINGS = {"shared_buffers": "2GB", "wal_buffers": "64MB", "max_wal_size": "8GB", "checkpoint_timeout": "15min",
                "synchronous_commit": "on", "fsync": "on", "max_connections": "300", "listen_addresses": "127.0.0.1",
                "unix_socket_directories": ""}

    def __init__(self, folder):
        self.folder, self.port = folder / "postgres", free_port()
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
        self.bin = found[-1]
        # PostgreSQL refuses to run as root; give it a user of its own then.
        self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        self.folder.mkdir()
        if self.user:
            for path in (folder, self.folder):
                shutil.chown(path, "postgres", "postgres")

    def start(self):
        subprocess.run([*self.user, self.bin / "initdb", "-D", self.folder, "-U", "bench", "-A", "trust"], check=True,
                       stdout=subprocess.DEVNULL)
        options = [word for name, value in self.SETTINGS.items() for word in ("-c", f"{name}={value}")]
        self.process = pinned(SERVER_CPU, [*self.user, str(self.bin / "postgres"), "-D", str(self.folder), "-p", str(self.port),
                                           *options], stderr=subprocess.DEVNULL)
        wait_until(lambda: is_listening(self.port), self.process, "postgres")
        for statement in self.SCHEMA.format(tickets=self.TICKETS).split(";\n"):
            if statement.strip():
                self.psql(statement)
        self.hold, self.order = self.folder.parent / "hold.sql", self.folder.parent / "order.sql"
        self.hold.write_text(self.TRANSACTION)
        self.order.write_text(self.TRANSACTION + self.REST_OF_ORDER)

    def holds(self, connections, seconds):
        return self.scripts(self.hold, connections, seconds)

    def orders(self, connections, seconds):
        """Whole orders a second: three transactions that follow each other."""
        return self.scripts(self.order, connections, seconds)

    def scripts(self, script, connections, seconds):
        out = run_pinned(CLIENT_CPU, [str(self.bin / "pgbench"), *self.target(), "-n", "-c", str(connections), "-j", "1", "-T",
                                      str(seconds), "-M", "prepared", "-f", str(script), "bench"])
        return float(re.search(r"^tps = ([\d.]+)", out, re.M).group(1))

    def target(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench"]

    def psql(self, statement):
        if not hasattr(self, "made"):
            self.made = True
            subprocess.run(["createdb", *self.target(), "bench"], check=True)
        subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", *self.target(), "-d", "bench", "-c", statement], check=True)

    def stop(self):
        self.process.send_signal(2)
        self.process.wait()


class Nginx:
    """One worker, files in its open-file cache. Small files are faster read than sent with sendfile (0.5 KB: 125,000 against
    91,000 requests a second), large ones the other way round (24 KB: 71,000 against 83,000; 140 KB: 16,000 against 23,000):
    it listens on two ports, one with each, and the benchmark takes whichever is faster for a file."""

    name = "nginx"
    CONFIG = """
{user} daemon off; worker_processes 1; pid {folder}/pid; error_log stderr crit;
events {{ use epoll; worker_connections 4096; multi_accept on; accept_mutex off; }}
http {{
    root {folder}/files; default_type application/json; server_tokens off; etag on; gzip_static on; access_log off;
    tcp_nodelay on; keepalive_timeout 3600; keepalive_requests 1000000000; reset_timedout_connection on;
    open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h; open_file_cache_min_uses 1;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{ listen 127.0.0.1:{read_port} backlog=4096; sendfile off; output_buffers 1 512k; }}
    server {{ listen 127.0.0.1:{sendfile_port} backlog=4096; sendfile on; tcp_nopush on; }}
}}
"""

    def __init__(self, folder):
        self.folder = folder / "nginx"
        self.ports = {"sendfile off": free_port(), "sendfile on": free_port()}
        self.urls = {how: f"http://127.0.0.1:{port}" for how, port in self.ports.items()}
        (self.folder / "files").mkdir(parents=True)

    def add(self, name, content):
        (self.folder / "files" / name).write_bytes(content)

    def start(self):
        config = self.folder / "nginx.conf"
        config.write_text(self.CONFIG.format(folder=self.folder, user="user root;" if os.getuid() == 0 else "",
                                             read_port=self.ports["sendfile off"], sendfile_port=self.ports["sendfile on"]))
        self.process = pinned(SERVER_CPU, ["nginx", "-c", str(config), "-e", "stderr"])
        for port in self.ports.values():
            wait_until(lambda p=port: is_listening(p), self.process, "nginx")

    def stop(self):
        self.process.terminate()
        self.process.wait()
