"""Short writes, a stalled reader and a trickle, measured from both ends of a running sladd."""
import fcntl, json, os, re, socket, subprocess, sys, threading, time

sladd, work = sys.argv[1:]
F_SETPIPE_SZ = 1031


def fail(text):
    sys.exit("signals: " + text)


def read_all(read, pause=0.0, most=1 << 16):
    out = []
    while True:
        piece = read(most)
        if not piece:
            return b"".join(out)
        out.append(piece)
        time.sleep(pause)


def short_writes():
    """A socket that does not block, with a small buffer, takes a part of each write; a small pipe too."""
    want = open(work + "/plain.out", "rb").read().splitlines(True)[:20000]
    lines = b"".join(open(work + "/big.log", "rb").read().splitlines(True)[:20000])
    open(work + "/short.log", "wb").write(lines)
    for kind in ("socket", "pipe"):
        if kind == "socket":
            ours, theirs = socket.socketpair()
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            theirs.setblocking(False)
            read, theirs_fd = ours.recv, theirs.fileno()
        else:
            reader, theirs_fd = os.pipe()
            os.set_blocking(theirs_fd, False)
            read = lambda n, reader=reader: os.read(reader, n)
        trace = work + "/short.trace"
        process = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, "-e", "trace=write", sladd, "-q"],
                                   stdin=open(work + "/short.log", "rb"), stdout=theirs_fd)
        if kind == "socket":
            theirs.close()
        else:
            time.sleep(0.3)  # sladd has enlarged it by then
            try: fcntl.fcntl(reader, F_SETPIPE_SZ, 4096)
            except OSError: pass  # it holds more just now
            os.close(theirs_fd)
        got = read_all(read, 0.0005, 5000)
        if process.wait() != 0: fail("short writes to a %s: exit code %d" % (kind, process.returncode))
        if got != b"".join(want): fail("short writes to a %s change the output" % kind)
        calls = re.findall(r", (\d+)\) += (\d+)", open(trace).read())
        short = sum(int(done) < int(asked) for asked, done in calls)
        if short < 5: fail("short writes to a %s: only %d happened" % (kind, short))


def shed():
    """The writer never waits more than 100 ms, though nobody reads; every line is in the account."""
    line = open(work + "/big.log", "rb").readline() * 200
    longest = []
    for attempt in range(5):
        reader, writer = os.pipe()
        process = subprocess.Popen([sladd, "--on-stall", "shed", "--summary", "json"], stdin=subprocess.PIPE,
                                   stdout=writer, stderr=subprocess.PIPE, bufsize=0)
        os.close(writer)
        waited, written = 0.0, 0
        until = time.monotonic() + 3
        while time.monotonic() < until:
            begun = time.monotonic()
            process.stdin.write(line)
            waited = max(waited, time.monotonic() - begun)
            written += 200
        process.stdin.close()
        got = []
        thread = threading.Thread(target=lambda: got.append(read_all(lambda n: os.read(reader, n))))
        thread.start()
        said = process.stderr.read()
        thread.join(); os.close(reader)
        if process.wait() != 0: fail("shed: exit code %d" % process.returncode)
        s = json.loads(said)
        out = got[0].count(b"\n")
        if s["lines"] != written or s["lines"] != s["minimised"] + s["dropped"] or not s["shed"] or s["minimised"] != out or s["bytes_out"] != len(got[0]):
            fail("shed: %d lines written, %d came out, %r" % (written, out, s))
        longest.append(waited * 1000)
        if longest[-1] <= 100:
            print("signals: shed: of %d lines %d shed, the writer waited %.0f ms at most" % (written, s["shed"], longest[-1]))
            return
    # Other programs may take a core for long, but not five times.
    fail("shed: the writer waited %s ms" % [round(ms) for ms in longest])


def trickle():
    """A line is out within 50 ms, also the first after a pause, and waiting costs next to nothing."""
    line = open(work + "/big.log", "rb").readline()
    tried = []
    for attempt in range(5):
        process = subprocess.Popen([sladd, "-q"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        longest = 0.0
        for i in range(150):
            begun = time.monotonic()
            process.stdin.write(line)
            out = b""
            while not out.endswith(b"\n"): out += os.read(process.stdout.fileno(), 4096)
            if i > 0: longest = max(longest, time.monotonic() - begun)  # the first line waits for the start
            time.sleep([0.0, 0.001, 0.005, 0.02, 0.06][i % 5])
        def ticks():
            with open("/proc/%d/stat" % process.pid) as f: fields = f.read().split(") ")[1].split()
            return int(fields[11]) + int(fields[12])
        before = ticks()
        for i in range(200): process.stdin.write(line); time.sleep(0.01)
        cost = ticks() - before
        idle = ticks(); time.sleep(2); idle = ticks() - idle
        process.stdin.close(); read_all(process.stdout.read)
        if process.wait() != 0: fail("trickle: exit code %d" % process.returncode)
        tried.append((round(longest * 1000), cost, idle))
        # 100 lines a second for 2 s in at most 2 % of a core; nothing at all while nothing comes.
        if longest <= 0.05 and cost <= 4 and idle == 0:
            print("signals: trickle: a line was out after %d ms at most; 2 s at 100 lines/s cost %d0 ms of CPU" % tried[-1][:2])
            return
    fail("trickle: (longest wait in ms, ticks, idle ticks) %r" % tried)


short_writes()
shed()
trickle()
