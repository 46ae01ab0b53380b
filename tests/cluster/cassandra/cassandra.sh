#!/usr/bin/env bash
# A real Apache Cassandra for tests: one to three nodes on loopback addresses of their own, port 9042.
#
#   cassandra.sh missing      Debian packages that it needs and does not find
#   cassandra.sh fetch        get the jars (Maven Central), once; they are kept in the user's cache
#   cassandra.sh start N      N new nodes without data; ends when each of them knows that all others are up
#   cassandra.sh restart I    node I again, with its data; ends when all that live know that it is up
#   cassandra.sh stop         end all of them; what they stored is removed by the next start
#   cassandra.sh pid I        the process of node I
#   cassandra.sh hosts N      their addresses, as `boxoffice serve --store cql://HOSTS/...` wants them
#   cassandra.sh status       processes, memory, age
#
# Environment: CASSANDRA_NET (127.0.9: nodes are 127.0.9.1, .2, .3, so that a Cassandra of yours on 127.0.0.1 is in
# nobody's way), CASSANDRA_RUN (build/cassandra: data, logs, process ids), CASSANDRA_HEAP (1g), CASSANDRA_SED (a command
# for sed that changes the nodes' cassandra.yaml).
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
net=${CASSANDRA_NET:-127.0.9}
run=${CASSANDRA_RUN:-$root/build/cassandra}
heap=${CASSANDRA_HEAP:-1g}
flush=true # see launch()
jars=${XDG_CACHE_HOME:-$HOME/.cache}/boxoffice/cassandra-5.0.8

java17() {
    local found
    for found in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*17*/bin/java; do
        [ -x "$found" ] && "$found" -version 2>&1 | grep -q 'version "17' && { printf '%s\n' "$found"; return; }
    done
    return 1
}

fetch() {
    [ -e "$jars/complete" ] && return
    echo "cassandra.sh: fetching the jars of Apache Cassandra 5.0.8 into $jars" >&2
    mkdir -p "$jars"
    mvn -q -B -f pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" >&2
    touch "$jars/complete"
}

launch() { # NODE
    local ip=$net.$1 dir=$run/n$1 java
    java=$(java17) || { echo "cassandra.sh: it needs Java 17; script/bootstrap cluster installs it" >&2; exit 1; }
    mkdir -p "$dir"/{data,commitlog,hints,caches,cdc_raw,log}
    sed "s|@DIR@|$dir|; s|@IP@|$ip|; s|@SEED@|$net.1|; ${CASSANDRA_SED:-}" cassandra.yaml.in >"$dir/cassandra.yaml"
    # test.flush_local_schema_changes=false: a new table is then in the commit log only, not also flushed, which takes
    # most of a second a table otherwise. But a node that is killed forgets such a table, and what it had in it: so not
    # with several nodes, whose tests do that.
    nohup "$java" @jvm17.opts -javaagent:"$jars/jamm-0.4.0.jar" -Xms"$heap" -Xmx"$heap" \
        -Dcassandra.config=file://"$dir"/cassandra.yaml -Dcassandra.storagedir="$dir" \
        -Dcassandra.logdir="$dir"/log -Dlogback.configurationFile=file:"$PWD"/logback.xml \
        -Dcassandra-foreground=yes -Dcassandra.ring_delay_ms=1000 -Dcassandra.shutdown_announce_in_ms=100 \
        -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.consistent.rangemovement=false \
        -Dcassandra.test.flush_local_schema_changes="$flush" \
        -cp "$jars/*" org.apache.cassandra.service.CassandraDaemon >>"$dir/out.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    python3 ready.py "$ip" 180 || { echo "cassandra.sh: node $1 did not start, see $dir/out.log" >&2; exit 1; }
}

# How often node $1 has noticed that node $2 came up.
ups() { grep -c "InetAddress /$net.$2:7000 is now UP" "$run/n$1/out.log" || true; }

# The process of node $1, if it is one of ours: its number may have gone to somebody else long ago.
pid_of() {
    local pid
    pid=$(cat "$run/n$1/pid" 2>/dev/null) || return 1
    grep -qz "file://$run/n$1/cassandra.yaml" "/proc/$pid/cmdline" 2>/dev/null || return 1
    printf '%s\n' "$pid"
}

alive() { pid_of "$1" >/dev/null; }

# The CQL port opens before gossip has marked the other nodes up; until then QUORUM is "unavailable".
wait_ups() { # NODE OTHER COUNT
    for _ in $(seq 600); do
        [ "$(ups "$1" "$2")" -ge "$3" ] && return
        alive "$1" || return 0
        sleep 0.1
    done
    echo "cassandra.sh: node $1 does not see node $2" >&2
    exit 1
}

start() { # COUNT
    local i j
    fetch
    for i in 1 2 3; do
        alive "$i" && { echo "cassandra.sh: node $i runs already (cassandra.sh stop)" >&2; exit 1; }
    done
    rm -rf "$run"/n[123]
    [ "$1" -gt 1 ] || flush=false
    for i in $(seq "$1"); do launch "$i"; done
    for i in $(seq "$1"); do for j in $(seq "$1"); do
        [ "$i" = "$j" ] || wait_ups "$i" "$j" 1
    done; done
}

restart() { # NODE
    local j
    declare -A before
    alive "$1" && { echo "cassandra.sh: node $1 runs" >&2; exit 1; }
    for j in 1 2 3; do
        [ "$j" != "$1" ] && alive "$j" && before[$j]="$(ups "$j" "$1") $(ups "$1" "$j")"
    done
    launch "$1"
    for j in "${!before[@]}"; do
        # shellcheck disable=SC2086 # two numbers
        set -- "$1" ${before[$j]}
        wait_ups "$j" "$1" $(($2 + 1))
        wait_ups "$1" "$j" $(($3 + 1))
    done
}

stop() { # nothing that they have is wanted any more
    local i pid
    for i in 1 2 3; do
        pid=$(pid_of "$i") || continue
        kill -KILL "$pid" 2>/dev/null || true
        while alive "$i"; do sleep 0.1; done
    done
}

case ${1:-} in
    missing)
        java17 >/dev/null || echo openjdk-17-jre-headless
        [ -e "$jars/complete" ] || command -v mvn >/dev/null || echo maven
        ;;
    fetch) fetch ;;
    start) start "${2:?how many nodes?}" ;;
    restart) restart "${2:?which node?}" ;;
    stop) stop ;;
    pid) pid_of "${2:?which node?}" ;;
    hosts) seq -f "$net.%g" -s , "${2:?how many nodes?}" ;;
    status)
        for i in 1 2 3; do
            if pid=$(pid_of "$i"); then ps -o pid=,rss=,etime= -p "$pid"; fi
        done
        ;;
    *)
        sed -n '2,16s/^# \{0,1\}//p' "$0" >&2
        exit 2
        ;;
esac
