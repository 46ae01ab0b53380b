"""A sale opens: the crowd of `boxoffice bench on-sale` against boxoffice, and beside it what Redis and PostgreSQL can do of
the sale's writes alone.

What comes after "--" goes to `boxoffice bench on-sale` as it is, e.g. script/bench onsale -- --seats 5000 --reads 100."""
import statistics
import sys

import common
import peers

CONNECTIONS = 64  # of the peers' clients
LINES = 16  # of the table over time


def over_time(report):
    """The sale second by second, joined to at most LINES lines."""
    slots = report["timeline"]
    step = -(-len(slots) // LINES)
    lines = ["| from (s of the sale) | reads/s | p99 | holds tried/s | won/s | p99 | purchases/s | p99 |", "|---:|---:|---:|---:|---:|---:|---:|---:|"]
    for first in range(0, len(slots), step):
        part = slots[first : first + step]

        def rate(family, what, part=part):
            return sum(slot[family][what] for slot in part) / len(part)

        def worst(family, part=part):
            return max(slot[family]["p99_ms"] for slot in part)

        lines.append(f"| {part[0]['second']:,.0f} | {rate('reads', 'count'):,.0f} | {worst('reads'):.1f} ms | {rate('holds', 'count'):,.0f} "
                     f"| {rate('holds', 'good'):,.0f} | {worst('holds'):.1f} ms | {rate('purchases', 'count'):,.0f} | {worst('purchases'):.1f} ms |")
    return lines


def peak(report, family, what="count"):
    return max(slot[family][what] for slot in report["timeline"])


def report_of(runs, capacities, options, args):
    """The first run in full; of all runs the medians that are compared."""
    report = runs[0]
    figures = report["figures"]
    lines = [*common.heading(" ".join(["onsale", *(["--", *options] if options else [])]), args),
             f"One sale of {report['seats']:,} seats as the crowd of `boxoffice bench on-sale` (its help has the model), {report['seconds']:.0f} s",
             f"long; server and client on a core each, the client's was busy for {report['client_busy']:.0%}. Latencies count from when a request was",
             "due (open loop). The rules of selling were checked afterwards and held.", "",
             "| kind | count | p50 | p90 | p99 | p99.9 | max | answers |", "|---|---:|---:|---:|---:|---:|---:|---|"]
    for k in report["requests"]:
        if k["count"]:
            answers = ", ".join(f"{name}: {count:,}" for name, count in {**k["statuses"], **k["errors"]}.items())
            lines.append(f"| {k['kind']} | {k['count']:,} | {k['p50_ms']:.2f} ms | {k['p90_ms']:.2f} ms | {k['p99_ms']:.2f} ms | "
                         f"{k['p999_ms']:.2f} ms | {k['max_ms']:.2f} ms | {answers} |")
    shown = {"attempts": "attempts to hold", "won": "won", "paid": "orders paid", "seats_paid": "seats sold", "left": "holds left to expire",
             "given_back": "given back", "early_refused": "refused before the start", "paid_too_late": "paid too late, refused",
             "turned_away": "visitors who saw no free seats"}
    lines += ["", "; ".join(f"{text}: {figures[name]:,.0f}" for name, text in shown.items() if name in figures) + "."]
    first = [r["figures"]["first_hold_ms"] for r in runs if "first_hold_ms" in r["figures"]]
    if first:
        lines += [f"The first hold began {statistics.median(first):.0f} ms after the sale's start by the server's clock ({min(first):.0f} to {max(first):.0f})."]
    lines += [f"Of people's attempts {figures['people_won_percent']:.0f} % won, of bots' {figures['bots_won_percent']:.0f} %.", ""]
    lines += [*over_time(report), "", "Seconds are those of the sale; rates are of real seconds.", "",
              f"The busiest second tried {statistics.median(peak(r, 'holds') for r in runs):,.0f} holds, won {statistics.median(peak(r, 'holds', 'good') for r in runs):,.0f} "
              f"and answered {statistics.median(peak(r, 'reads') for r in runs):,.0f} reads. What the peers can do of the writes alone, at full load, on the same core:", "",
              "| system | holds/s | whole orders/s (three writes) |", "|---|---:|---:|"]
    for name, found in capacities.items():
        lines.append(f"| {name} | {statistics.median(found['holds']):,.0f} | {statistics.median(found['orders']):,.0f} |")
    lines += ["", "This is no comparison of like with like: the peers are given nothing but the writes, by clients of their own protocol; in the",
              "sale boxoffice answers reads, streams and refusals on the same core meanwhile, and the load is the crowd's, not the server's limit."]
    return lines


def main():
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    options = words[at + 1 :]
    args = common.arguments(__doc__, seconds=5).parse_args(words[:at])
    folder = common.scratch()
    systems = [peers.Redis(folder), peers.Postgres(folder)]
    runs = []
    capacities = {system.name: {"holds": [], "orders": []} for system in systems}
    with common.running(folder, systems):
        for run in range(args.runs):
            runs.append(common.bench("on-sale", "--seed", run + 1, *options))
            print(f"bench: on-sale, run {run + 1} of {args.runs}: {runs[-1]['figures']['paid']:,.0f} orders paid", file=sys.stderr)
            for system in systems:
                for what, measure in {"holds": system.holds, "orders": system.orders}.items():
                    capacities[system.name][what].append(measure(CONNECTIONS, args.seconds))
    common.write_section(args.output, "A sale opens", report_of(runs, capacities, options, args))


if __name__ == "__main__":
    main()
