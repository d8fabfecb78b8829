#!/usr/bin/env python3
"""Whole-process figures beside peers, interleaved in one run: medians and ratios.

usage: benches/compare.py [MEGABYTES] [ROUNDS]

Every command reads the same synthetic log through a pipe from the same writer (1 MiB pipe) and writes into another pipe
that is read and thrown away. Wall time is from the first byte to the end; CPU time is that of the command alone (wait4).
Needs the release build and the examples `generate` and `copy`; tools that are not installed are left out, and said so.
"""
import fcntl, os, shutil, statistics, subprocess, sys, tempfile, threading, time

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 256
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
TARGET = os.environ.get("CARGO_TARGET_DIR", "target") + "/release"
SLADD, GENERATE, COPY = f"{TARGET}/sladd", f"{TARGET}/examples/generate", f"{TARGET}/examples/copy"
# Both families, without splitting the line into fields: the fastest of the programs tried.
FIRST_FIELD = r'{ i = index($0, " "); a = substr($0, 1, i - 1); r = substr($0, i); if (match(a, /^[0-9]+\.[0-9]+\.[0-9]+\./)) print substr(a, 1, RLENGTH) "0" r; else if (match(a, /^[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:/)) print substr(a, 1, RLENGTH) ":" r; else print }'
PERL = r's/^(\d+\.\d+\.\d+)\.\d+/$1.0/ or s/^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):\S+/$1::/'
COMMANDS = {
    "copy": [COPY],
    "sladd minimal": [SLADD, "-q", "--policy", "minimal"],
    "sladd hosting": [SLADD, "-q"],
    "sladd hosting, JSON": [SLADD, "-q", "--encode", "json"],
    "mawk, first field": ["mawk", FIRST_FIELD],
    "perl, first field": ["perl", "-pe", PERL],
    "sed, first field": ["sed", "-E", r"s/^([0-9]+\.[0-9]+\.[0-9]+)\.[0-9]+/\1.0/;t;s/^([0-9a-f]+:[0-9a-f]+:[0-9a-f]+):[^ ]+/\1::/"],
}
F_SETPIPE_SZ = 1031


def flood(name):
    """Hostile texts: lines of the usual length full of what a detector looks at."""
    unit = {"%40": "%40", "dots": "1.1.1.1.", "at": "@", "colons": ":"}[name]
    head, tail = '203.0.113.9 - - [28/Nov/2026:17:53:34 +0100] "GET /', ' HTTP/1.1" 200 512 "-" "curl/8.5.0"\n'
    return (head + (unit * 160)[:160] + tail).encode()


def run(command, path):
    """Seconds of wall time, CPU seconds, peak KiB, bytes out."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 1 << 20)
    out_reader, out_writer = os.pipe()
    fcntl.fcntl(out_writer, F_SETPIPE_SZ, 1 << 20)
    env = dict(os.environ, LC_ALL="C")
    start = time.perf_counter()
    child = subprocess.Popen(command, stdin=reader, stdout=out_writer, env=env)
    os.close(reader)
    os.close(out_writer)

    def feed():
        with open(path, "rb", buffering=0) as source:
            try:
                while os.splice(source.fileno(), writer, 1 << 20): pass
            except BrokenPipeError:
                pass
        os.close(writer)

    feeder = threading.Thread(target=feed)
    feeder.start()
    null, count = os.open("/dev/null", os.O_WRONLY), 0
    while n := os.splice(out_reader, null, 1 << 20): count += n
    os.close(out_reader)
    os.close(null)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    wall = time.perf_counter() - start
    feeder.join()
    if status: raise SystemExit(f"{command[0]} ended with {status}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, count


def measure(path, commands, rounds):
    size = os.path.getsize(path) / 1e6
    runs = {name: [] for name in commands}
    for name in commands: run(commands[name], path)
    for _ in range(rounds):
        for name in commands: runs[name].append(run(commands[name], path))
    rows = {}
    for name, figures in runs.items():
        wall, cpu = (statistics.median(f[i] for f in figures) for i in (0, 1))
        rows[name] = (size / wall, size / cpu, max(f[2] for f in figures) / 1024, figures[0][3], [size / f[0] for f in figures], [size / f[1] for f in figures])
    return rows


def alone(path, commands, rounds):
    """MB per CPU-second of each command with one processor to itself: two hyperthreads of one core slow each other."""
    size, one = os.path.getsize(path) / 1e6, {max(os.sched_getaffinity(0))}
    runs = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            with open(path, "rb") as source:
                child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, env=dict(os.environ, LC_ALL="C"), preexec_fn=lambda: os.sched_setaffinity(0, one))
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = 0
            if status: raise SystemExit(f"{command[0]} ended with {status}")
            runs[name].append(size / (usage.ru_utime + usage.ru_stime))
    return runs


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    commands = {name: c for name, c in COMMANDS.items() if shutil.which(c[0])}
    for name in COMMANDS.keys() - commands.keys(): print(f"left out: {name} (not installed)")
    with tempfile.TemporaryDirectory() as work:
        log = f"{work}/access.log"
        with open(log, "wb") as out: subprocess.run([GENERATE, str(MEGABYTES)], stdout=out, check=True)
        lines = int(subprocess.run(["wc", "-l", log], capture_output=True, text=True, check=True).stdout.split()[0])
        rows = measure(log, commands, ROUNDS)
        base, mawk = rows["copy"][0], rows.get("mawk, first field", (0,))[0]
        print(f"\n{MEGABYTES} MB, {lines} lines, {ROUNDS} rounds interleaved, medians\n")
        print("| command | MB/s through a pipe | MB per CPU-second | × copy | × mawk | peak MiB |\n|---|---|---|---|---|---|")
        for name, (wall, cpu, peak, _, walls, cpus) in rows.items():
            against = f"{wall / mawk:.2f}" if mawk else "-"
            print(f"| {name} | {wall:.0f} ({min(walls):.0f}–{max(walls):.0f}) | {cpu:.0f} ({min(cpus):.0f}–{max(cpus):.0f}) | {wall / base:.2f} | {against} | {peak:.1f} |")
        print("\nFrom a file into nothing, on one processor (taskset), the same log\n\n| command | MB per CPU-second |\n|---|---|")
        for name, figures in alone(log, commands, ROUNDS).items(): print(f"| {name} | {statistics.median(figures):.0f} ({min(figures):.0f}–{max(figures):.0f}) |")
        usual = {name: rows[name][1] for name in ("sladd hosting", "sladd minimal")}
        print("\n| flood | policy | MB per CPU-second | × the usual rate |\n|---|---|---|---|")
        for name in ("%40", "dots", "at", "colons"):
            with open(log, "wb") as out:
                line = flood(name)
                for _ in range(64_000_000 // len(line) // 1000): out.write(line * 1000)
            for policy, figures in measure(log, {k: COMMANDS[k] for k in usual}, 3).items():
                print(f"| {name} | {policy} | {figures[1]:.0f} | {figures[1] / usual[policy]:.2f} |")


main()
