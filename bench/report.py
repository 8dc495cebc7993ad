"""Turns Google Benchmark's JSON into a table of ratios and an SVG chart.

    python3 report.py bench.json bench.svg

Rows are what is drawn and where; a column each for ours (the best instruction set), our others, the
peers and memset. Times are ns a value, the best of the repetitions; a ratio is their time over ours.
"""
import collections
import json
import sys

OURS = ("AVX3", "SVE2_128", "SVE_256", "SVE2", "SVE", "NEON", "AVX2", "SSE4", "scalar")
WHERE = {"cache": "in cache", "memory": "in memory"}


def load(path):
    """{(what, dtype, where): {who: ns a value}} and {what: {count: ns a draw}}, and the context."""
    with open(path) as file:
        report = json.load(file)
    fills = collections.OrderedDict()
    few = collections.OrderedDict()
    for run in report["benchmarks"]:
        if run.get("run_type") == "aggregate":
            continue
        if run.get("error_occurred"):
            sys.exit(f"{run['name']}: {run['error_message']}")
        what, dtype, where, who = run["name"].split("/")[:4]
        if where == "few":
            row = few.setdefault(f"{what} {dtype}", {})
            time = run["real_time"]
        else:
            row = fills.setdefault((what, dtype, where), {})
            time = 1e9 / run["items_per_second"]
        row[who] = min(time, row.get(who, time))
    return fills, few, report["context"]


def print_table(fills, few, context):
    best = next(name for name in OURS if any(name in row for row in fills.values()))
    print(f"One core of {context['num_cpus']}, {context['mhz_per_cpu']} MHz; instruction sets: {context['targets']}")
    print(f"\n{'ns a value':30}{best:>9}   others, and how many times {best}'s time they take")
    for (what, dtype, where), row in fills.items():
        if what == "limit":
            continue
        ours = row[best] if best in row else None
        memset = fills.get(("limit", "f32", where), {}).get("memset")
        others = []
        for who, time in row.items():
            if who != best and ours:
                others.append(f"{who} {time:.3f} ({time / ours:.1f}x)")
        if memset and ours and dtype in ("f32", "u32", "i32"):
            others.append(f"memset {memset:.3f} ({memset / ours:.2f}x)")
        shown = f"{ours:9.3f}" if ours else " " * 9
        print(f"{what + ' ' + dtype + ' ' + WHERE[where]:30}{shown}   {', '.join(others)}")
    for where, name in WHERE.items():
        limits = fills.get(("limit", "f32", where), {})
        if limits:
            print(f"{'writing 4 bytes ' + name:30}{'':9}   " + ", ".join(f"{w} {t:.3f}" for w, t in limits.items()))
    print(f"\n{'ns a draw of':30}" + "".join(f"{n + ' values':>14}" for n in next(iter(few.values()), {})))
    for what, row in few.items():
        print(f"{what:30}" + "".join(f"{time:14.1f}" for time in row.values()))


def svg(fills, path):
    """Horizontal bars, a group a row of the table."""
    palette = ["#1b6ca8", "#4a90c2", "#8bb8d9", "#c9dcec", "#e07b39", "#d9a441", "#7a9e5f", "#9b6a9b", "#777777"]
    rows = [(key, row) for key, row in fills.items() if key[0] != "limit" and len(row) > 1 and key[2] == "cache"]
    names = list(dict.fromkeys(who for _, row in rows for who in row))
    color = {who: palette[i % len(palette)] for i, who in enumerate(names)}
    widest = max(time for _, row in rows for time in row.values())
    left, width, bar, gap = 210, 640, 13, 12
    lines, y = [], 50
    for i, who in enumerate(names):
        x = 20 + i * 105
        lines.append(f'<rect x="{x}" y="18" width="12" height="12" fill="{color[who]}"/>'
                     f'<text x="{x + 17}" y="28">{who}</text>')
    for (what, dtype, _), row in rows:
        lines.append(f'<text x="{left - 8}" y="{y + len(row) * bar / 2 + 4:.0f}" text-anchor="end">{what} {dtype}</text>')
        for who, time in row.items():
            length = max(1.0, time / widest * width)
            lines.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{color[who]}"/>'
                         f'<text x="{left + length + 5:.1f}" y="{y + 10}" font-size="10">{time:.2f}</text>')
            y += bar
        y += gap
    total = max(left + width + 60, 20 + 105 * len(names))
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{y + 30}" font-family="sans-serif" '
                   f'font-size="12"><rect width="100%" height="100%" fill="white"/>{"".join(lines)}'
                   f'<text x="{left}" y="{y + 15}">ns a value, 64 KiB in cache, one core: shorter is better</text></svg>\n')


def main():
    fills, few, context = load(sys.argv[1])
    print_table(fills, few, context)
    svg(fills, sys.argv[2])


main()
