"""Turns Google Benchmark's JSON into tables of ratios, the targets met or missed, and an SVG chart.

    python3 report.py --svg bench.svg bench.json [more.json ...]

Fills are named <what>/<dtype>/<where>/<who>; rows are the first three, times are ns a value, the best
of all repetitions and files; a ratio is another's time over ours. Other benchmarks are listed as they
are. targets.json, beside this file, says which are to be how fast.
"""
import argparse
import collections
import json
import os
import sys

OURS = ("AVX3", "SVE2_128", "SVE_256", "SVE2", "SVE", "NEON", "AVX2", "SSE4", "scalar")
WHERE = {"cache": "in cache", "memory": "in memory", "all_cores": "in memory, all cores"}
UNITS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def load(paths):
    """{(what, dtype, where): {who: ns a value}}, {name: ns}, {name: ns} by full name, contexts."""
    fills, others, times, contexts = collections.OrderedDict(), collections.OrderedDict(), {}, []
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
            parts = name.split("/")
            if len(parts) == 4 and parts[2] in WHERE:
                time = 1e9 / run["items_per_second"]
                row = fills.setdefault(tuple(parts[:3]), {})
                row[parts[3]] = min(time, row.get(parts[3], time))
            else:
                time = run["real_time"] * UNITS[run.get("time_unit", "ns")]
                others[name] = min(time, others.get(name, time))
            times[name] = min(time, times.get(name, time))
    return fills, others, times, contexts


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


def print_targets(times, best):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "targets.json")) as file:
        targets = json.load(file)
    print(f"\n{'target':66}{'ours':>9}{'theirs':>9}{'ratio':>8}{'asked':>8}")
    for target in targets:
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


def svg(fills, path):
    """Horizontal bars of what is filled in the cache, a group a row of the table, logarithmic."""
    import math

    palette = ["#1b6ca8", "#4a90c2", "#8bb8d9", "#c9dcec", "#e07b39", "#d9a441", "#7a9e5f", "#9b6a9b", "#777777",
               "#b0413e", "#3e8e7e"]
    rows = [(key, row) for key, row in fills.items() if key[0] != "limit" and len(row) > 1 and key[2] == "cache"]
    if not rows:
        return
    names = list(dict.fromkeys(who for _, row in rows for who in row))
    color = {who: palette[i % len(palette)] for i, who in enumerate(names)}
    widest = max(time for _, row in rows for time in row.values())
    left, width, bar, gap, smallest = 230, 640, 13, 12, 0.05
    lines, y = [], 50
    for i, who in enumerate(names):
        x = 20 + i * 105
        lines.append(f'<rect x="{x}" y="18" width="12" height="12" fill="{color[who]}"/>'
                     f'<text x="{x + 17}" y="28">{who}</text>')
    for (what, dtype, _), row in rows:
        lines.append(f'<text x="{left - 8}" y="{y + len(row) * bar / 2 + 4:.0f}" text-anchor="end">{what} {dtype}</text>')
        for who, time in row.items():
            length = max(1.0, math.log(time / smallest) / math.log(widest / smallest) * width)
            lines.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{color[who]}"/>'
                         f'<text x="{left + length + 5:.1f}" y="{y + 10}" font-size="10">{time:.2f}</text>')
            y += bar
        y += gap
    total = max(left + width + 60, 20 + 105 * len(names))
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y + 30}" font-family="sans-serif" '
                   f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(lines)}'
                   f'<text x="{left}" y="{y + 15}">ns a value (logarithmic), 64 KiB in cache, one core: shorter is '
                   f'better</text></svg>\n')


def main():
    arguments = argparse.ArgumentParser(description="Tables and a chart of benchmarks")
    arguments.add_argument("--svg")
    arguments.add_argument("files", nargs="+")
    options = arguments.parse_args()
    fills, others, times, contexts = load(options.files)
    context = contexts[0]
    print(f"{context.get('num_cpus', '?')} CPUs, {context.get('mhz_per_cpu', '?')} MHz; instruction sets: "
          f"{context.get('targets', '?')}" + "".join(f"; {c['peers']}" for c in contexts if c.get("peers")) + "\n")
    best = next((who for who in OURS if any(who in row for row in fills.values())), "scalar")
    print_fills(fills)
    print_others(others)
    print_targets(times, best)
    if options.svg:
        svg(fills, options.svg)


main()
