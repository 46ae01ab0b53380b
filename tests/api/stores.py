"""Where the tested servers keep their data: in the embedded store, or in a cluster.

BOXOFFICE_TEST_STORE=cql://HOST[,HOST] says that it is a cluster. Each data folder then has a keyspace of its own, so that
a server that starts again on its folder finds what it had.
"""

import hashlib
import os
import sys

STORE = os.environ.get("BOXOFFICE_TEST_STORE", "embedded")
CLUSTER = STORE.startswith("cql://")
HOSTS = STORE.removeprefix("cql://").split(",") if CLUSTER else []

_connected = None
_keyspaces = {}  # of each data folder
_dropping = []


def keyspace_of(data_dir):
    """The keyspace that stands for a data folder."""
    folder = str(data_dir)
    if folder not in _keyspaces:
        _keyspaces[folder] = f"t{os.getpid()}_{hashlib.sha256(folder.encode()).hexdigest()[:16]}"
    return _keyspaces[folder]


def url_of(keyspace):
    return f"cql://{','.join(HOSTS)}/{keyspace}"


def options_of(url):
    """
    What `boxoffice serve` is told about a store. On a cluster a hold ends later by the difference that clocks may have,
    and a server that starts again waits until its former self is dead; on one machine both may be short.
    """
    return ["--store", url, "--max-clock-skew-ms", "10", "--server-lease-ms", "2000"] if url != "embedded" else ["--store", url]


def arguments(data_dir):
    return options_of(url_of(keyspace_of(data_dir)) if CLUSTER else "embedded")


def cassandra():
    """A session of the Python driver, the same for all."""
    global _connected
    if _connected is None:
        from cassandra import ConsistencyLevel
        from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
        from cassandra.policies import FallthroughRetryPolicy
        from cassandra.query import dict_factory

        profile = ExecutionProfile(
            consistency_level=ConsistencyLevel.QUORUM, serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
            row_factory=dict_factory, retry_policy=FallthroughRetryPolicy(), request_timeout=60,
        )  # fmt: skip
        # The schema is read by nobody here, and reading it after each change of it takes time.
        cluster = Cluster(HOSTS, execution_profiles={EXEC_PROFILE_DEFAULT: profile}, schema_metadata_enabled=False)
        _connected = cluster.connect()
    return _connected


def discard(data_dir):
    """Drop a folder's keyspace, if it has one; nobody waits for it before the end."""
    keyspace = _keyspaces.pop(str(data_dir), None)
    if keyspace is not None:
        drop(keyspace)


def drop(keyspace):
    _dropping.append(cassandra().execute_async(f"DROP KEYSPACE IF EXISTS {keyspace}"))


def end():
    """Drop what is left, wait, and hang up."""
    global _connected
    for folder in list(_keyspaces):
        discard(folder)
    for dropping in _dropping:
        try:
            dropping.result()
        except Exception as e:  # a node that is busy, or has just been away: nothing is tested by this
            print(f"stores: a keyspace could not be dropped: {e}", file=sys.stderr)
    _dropping.clear()
    if _connected is not None:
        _connected.cluster.shutdown()
        _connected = None
