"""Turns Google Benchmark's JSON into tables of ratios, the targets met or missed, and an SVG chart.

    python3 report.py --svg bench.svg bench.json [more.json ...]

Fills are named <what>/<dtype>/<where>/<who>; rows are the first three, times are ns a value, the best
of all repetitions and files; a ratio is another's time over ours. Other benchmarks are listed as they
are, with @ and the number of ranks if they ran under mpirun; what was measured at several numbers of them
has a table. targets.json, beside this file, says which are to be how fast: by times, or by a counter
that a benchmark reports, the median of its repetitions.
"""
import argparse
import collections
import json
import math
import os
import sys

OURS = ("AVX3", "SVE2_128", "SVE_256", "SVE2", "SVE", "NEON", "AVX2", "SSE4", "scalar")
WHERE = {"cache": "in cache", "memory": "in memory", "all_cores": "in memory, all cores"}
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def load(paths):
    """{(what, dtype, where): {who: ns a value}}, {name: ns}, {name: ns} by full name, {name: runs}, contexts."""
    fills, others, times, contexts = collections.OrderedDict(), collections.OrderedDict(), {}, []
    runs = collections.defaultdict(list)
    for path in paths:
        with open(path) as file:
            report = json.load(file)
        contexts.append(report["context"])
        for run in report["benchmarks"]:
            if run.get("run_type") == "aggregate":
                continue
            if run.get("error_occurred"):
                sys.exit(f"{run['name']}: {run['error_message']}")
            name = "/".join(p for p in run["name"].split("/")
                            if p not in ("real_time", "manual_time") and not p.startswith("iterations:"))
            if "ranks" in report["context"]:
                name += "@" + report["context"]["ranks"]
            runs[name].append(run)
            parts = name.split("/")
            if len(parts) == 4 and parts[2] in WHERE:
                time = 1e9 / run["items_per_second"]
                row = fills.setdefault(tuple(parts[:3]), {})
                row[parts[3]] = min(time, row.get(parts[3], time))
            else:
                time = run["real_time"] * UNITS[run.get("time_unit", "ns")]
                others[name] = min(time, others.get(name, time))
            times[name] = min(time, times.get(name, time))
    return fills, others, times, runs, contexts


def ours_in(row):
    return next((who for who in OURS if who in row), None)


def print_fills(fills):
    print(f"{'ns a value':40}{'ours':>16}   others, and how many times our time they take")
    for (what, dtype, where), row in fills.items():
        if what == "limit":
            continue
        mine = ours_in(row)
        others = [f"{who} {time:.3f}" + (f" ({time / row[mine]:.1f}x)" if mine else "")
                  for who, time in row.items() if who != mine]
        memset = fills.get(("limit", "f32", where), {}).get("memset")
        if memset and mine and dtype in ("f32", "u32", "i32"):
            others.append(f"memset {memset:.3f} ({memset / row[mine]:.2f}x)")
        shown = f"{row[mine]:.3f} {mine}" if mine else ""
        print(f"{what + ' ' + dtype + ' ' + WHERE[where]:40}{shown:>16}   {', '.join(others)}")
    for where, name in WHERE.items():
        limits = fills.get(("limit", "f32", where), {})
        if limits:
            print(f"{'writing 4 bytes ' + name:40}{'':16}   " + ", ".join(f"{w} {t:.3f}" for w, t in limits.items()))


def print_others(others):
    print("\nns a call")
    for name, time in others.items():
        print(f"{name:60}{time:16.1f}")


def by_ranks(runs):
    """{name: {ranks: (ns, the processor's ns)}} of what was measured at several numbers of ranks, a value if
    it counts any, else a call; the best repetition."""
    rows = collections.defaultdict(dict)
    for name, repetitions in runs.items():
        base, at, ranks = name.rpartition("@")
        best = min(repetitions, key=lambda run: run["real_time"])
        unit = UNITS[best.get("time_unit", "ns")]
        values = best.get("items_per_second", 0) * best["real_time"] * unit / 1e9 or 1
        if at:
            rows[base][int(ranks)] = tuple(best[time] * unit / values for time in ("real_time", "cpu_time"))
    return {base: row for base, row in rows.items() if len(row) > 1}


def print_by_ranks(rows):
    if not rows:
        return
    counts = sorted({ranks for row in rows.values() for ranks in row})
    print(f"\n{'ns, and of them on the processor, by ranks':44}" + "".join(f"{ranks:>22}" for ranks in counts))
    for base, row in rows.items():
        shown = (f"{row[n][0]:.1f} ({row[n][1]:.1f})" if n in row else "" for n in counts)
        print(f"{base:44}" + "".join(f"{cell:>22}" for cell in shown))


def counted(target, runs):
    """What the target's counter was, and the times beside it if there are any, in ms: the median repetition's."""
    values = sorted((run[target["counter"]], run.get("ours_ms"), run.get("bare_ms")) for run in runs)
    return values[len(values) // 2]


def print_targets(times, runs, best):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "targets.json")) as file:
        targets = json.load(file)
    print(f"\n{'target':66}{'ours':>9}{'theirs':>9}{'ratio':>8}{'asked':>8}")
    for target in targets:
        if "counter" in target:
            if target["ours"] not in runs:
                print(f"{target['what']:66}  not measured: {target['ours']} is absent")
                continue
            ratio, *sides = counted(target, runs[target["ours"]])
            asked = target.get("at_most", target.get("at_least"))
            met = ratio <= asked if "at_most" in target else ratio >= asked
            shown = "".join(" " * 9 if side is None else f"{side:9.3f}" for side in sides)
            print(f"{target['what']:66}{shown}{ratio:8.2f}{asked:8.2f}  {'met' if met else 'MISSED'}")
            continue
        ours = times.get(target["ours"].format(best=best))
        if ours is not None and "less" in target:
            ours = ours - times[target["less"]] if target["less"] in times else None
        name = target.get("theirs", "").format(best=best)
        theirs = target.get("theirs_ns", times.get(name))
        if ours is None or theirs is None:
            wanted = [target["ours"].format(best=best), target.get("less"), name]
            absent = next(what for what in wanted if what and what not in times)
            print(f"{target['what']:66}  not measured: {absent} is absent")
            continue
        ratio = theirs / ours
        verdict = "met" if ratio >= target["at_least"] else "MISSED"
        print(f"{target['what']:66}{ours:9.3f}{theirs:9.3f}{ratio:8.2f}{target['at_least']:8.2f}  {verdict}")


PALETTE = ["#1b6ca8", "#4a90c2", "#8bb8d9", "#c9dcec", "#e07b39", "#d9a441", "#7a9e5f", "#9b6a9b", "#777777",
           "#b0413e", "#3e8e7e"]
LEFT, WIDTH, BAR, GAP, SMALLEST = 230, 640, 13, 12, 0.05


def bars(rows, caption, y):
    """Lines of SVG from `y` on, and where they end: a legend, {who: ns} a row as horizontal bars, a caption."""
    names = list(dict.fromkeys(who for row in rows.values() for who in row))
    color = {who: PALETTE[i % len(PALETTE)] for i, who in enumerate(names)}
    widest = max(time for row in rows.values() for time in row.values())
    lines = []
    for i, who in enumerate(names):
        x = 20 + i * 105
        lines.append(f'<rect x="{x}" y="{y}" width="12" height="12" fill="{color[who]}"/>'
                     f'<text x="{x + 17}" y="{y + 10}">{who}</text>')
    y += 32
    for label, row in rows.items():
        lines.append(f'<text x="{LEFT - 8}" y="{y + len(row) * BAR / 2 + 4:.0f}" text-anchor="end">{label}</text>')
        for who, time in row.items():
            length = max(1.0, math.log(time / SMALLEST) / math.log(widest / SMALLEST) * WIDTH)
            lines.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{color[who]}"/>'
                         f'<text x="{LEFT + length + 5:.1f}" y="{y + 10}" font-size="10">{time:.2f}</text>')
            y += BAR
        y += GAP
    lines.append(f'<text x="{LEFT}" y="{y + 15}">{caption}</text>')
    return lines, y + 48, max(LEFT + WIDTH + 60, 20 + 105 * len(names))


def svg(fills, ranks, path):
    """What is filled in the cache, and turns by ranks, as far as they were measured; logarithmic."""
    turns = {base.removeprefix("strategy/").replace("/", ", "):
             {f"{n} ranks": processor for n, (_, processor) in sorted(row.items())}
             for base, row in ranks.items() if base.startswith("strategy/turn/")}
    panels = [({f"{what} {dtype}": row for (what, dtype, where), row in fills.items()
                if what != "limit" and len(row) > 1 and where == "cache"},
               "ns a value (logarithmic), 64 KiB in cache, one core: shorter is better"),
              (turns, "ns of the processor a rank takes for a round of turns (logarithmic), by ranks")]
    lines, y, total = [], 18, 0
    for rows, caption in panels:
        if rows:
            more, y, width = bars(rows, caption, y)
            lines += more
            total = max(total, width)
    if lines:
        with open(path, "w") as file:
            file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y}" font-family="sans-serif" '
                       f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(lines)}</svg>\n')


def main():
    arguments = argparse.ArgumentParser(description="Tables and a chart of benchmarks")
    arguments.add_argument("--svg")
    arguments.add_argument("files", nargs="+")
    options = arguments.parse_args()
    fills, others, times, runs, contexts = load(options.files)
    context = contexts[0]
    print(f"{context.get('num_cpus', '?')} CPUs, {context.get('mhz_per_cpu', '?')} MHz; instruction sets: "
          f"{context.get('targets', '?')}" + "".join(f"; {c['peers']}" for c in contexts if c.get("peers")) + "\n")
    best = next((who for who in OURS if any(who in row for row in fills.values())), "scalar")
    print_fills(fills)
    print_others(others)
    print_by_ranks(by_ranks(runs))
    print_targets(times, runs, best)
    if options.svg:
        svg(fills, by_ranks(runs), options.svg)


main()
