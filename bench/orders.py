"""Whole orders of one seat - hold, order, confirm, each durable - beside raw Redis and raw PostgreSQL doing three writes.

boxoffice is measured by `boxoffice bench orders`, each run on a new server; the rules of selling are checked after it."""
import statistics

import common
import peers


class Boxoffice:
    name = "boxoffice over HTTP"

    def start(self):
        self.latencies = []

    def orders(self, connections, seconds):
        report = common.bench("orders", "--connections", connections, "--seconds", seconds)
        for kind in report["requests"]:
            if set(kind["statuses"]) - {"200", "201"} or kind["errors"]:
                raise SystemExit(f"bench: a step was refused: {kind}")
        self.latencies.append((connections, report))
        return report["figures"]["orders_per_s"]

    def stop(self):
        pass

    def latency(self, connections, name):
        """Median of a quantile over the runs: of each step, and of the whole."""
        runs = [report for at, report in self.latencies if at == connections]
        steps = {k["kind"]: statistics.median(common.kind(r, k["kind"])[name + "_ms"] for r in runs) for k in runs[0]["requests"]}
        return steps, statistics.median(r["figures"][f"order_{name}_ms"] for r in runs)


def report(results, boxoffice, args):
    command = "orders --connections " + " ".join(map(str, args.connections))
    lines = [*common.heading(command, args),
             "| connections | system | orders/s (median) | min to max | boxoffice is | goal |", "|---:|---|---:|---|---:|---|"]
    goals = {peers.Redis.name: 2, peers.Postgres.name: 4}
    for connections, figures in results.items():
        ours = statistics.median(figures[Boxoffice.name])
        for name, values in figures.items():
            middle = statistics.median(values)
            ratio, goal = "", ""
            if name in goals:
                ratio = f"{ours / middle:.2f}x"
                goal = f"{goals[name]}x: {'met' if ours / middle >= goals[name] else 'missed'}"
            lines.append(f"| {connections} | {name} | {middle:,.0f} | {min(values):,.0f} to {max(values):,.0f} | {ratio} | {goal} |")
    lines += ["", "Latency of boxoffice at full load (closed loop):", "",
              "| connections | | hold | order | confirm | whole order |", "|---:|---|---:|---:|---:|---:|"]
    for connections in results:
        for name in ("p50", "p99"):
            steps, whole = boxoffice.latency(connections, name)
            cells = " | ".join(f"{steps[k]:.2f} ms" for k in ("hold", "order", "confirm"))
            lines.append(f"| {connections} | {name} | {cells} | {whole:.2f} ms |")
    lines += ["", "A whole order is three calls that follow each other, each answered when it is durable: boxoffice's hold, order and",
              "confirm (with all that a hold does, see above); in Redis three Lua scripts with appendfsync always, in PostgreSQL three",
              "transactions with synchronous_commit on, writing the rows that each step changes. Clients: `boxoffice bench orders`, the",
              "same kind of loop for Redis (`boxoffice-load redis`; redis-benchmark knows no calls that follow each other), pgbench. None",
              "pipelines. After each run of boxoffice the rules of selling are checked over its interface (no seat sold twice,",
              "counts, log pairs, order_queue, numbers without gaps, everything acknowledged is there)."]
    return lines


def main():
    parser = common.arguments(__doc__, seconds=5)
    parser.add_argument("--connections", type=int, nargs="+", default=[64, 256])
    args = parser.parse_args()
    folder = common.scratch()
    boxoffice = Boxoffice()
    systems = [boxoffice, peers.Redis(folder), peers.Postgres(folder)]
    results = {}
    with common.running(folder, systems):
        for connections in args.connections:
            measures = {system.name: lambda s=system, c=connections: s.orders(c, args.seconds) for system in systems}
            results[connections] = common.alternate(measures, args.runs, f"orders, {connections} connections", "/s")
    common.write_section(args.output, "Whole orders", report(results, boxoffice, args))


if __name__ == "__main__":
    main()
