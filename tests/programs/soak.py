"""A sidecar under load and mixed faults for some minutes; see soak.sh. SLADD_SOAK_RATE sets the rate in lines per second."""
import ctypes, os, random, re, shutil, signal, subprocess, sys, tempfile, threading, time

sladd, minutes = sys.argv[1], float(sys.argv[2])
# At hundreds of megabytes a second a disk would be all that is measured: memory holds the files, which are deleted once read.
roomy = os.path.isdir("/dev/shm") and os.statvfs("/dev/shm").f_bavail * os.statvfs("/dev/shm").f_bsize > 6 << 30
work = tempfile.mkdtemp(prefix="sladd-soak-", dir="/dev/shm" if roomy else None)
libc = ctypes.CDLL(None, use_errno=True)
draw = random.Random(58)
PLANTED = (b"203.0.113.77", b"s3cr3t", b"kari")
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x20000, 0x4000, 1 << 18
LIMIT_KIB = 64 * 1024
# From this many minutes on a slope of memory means something; it may be this many MiB an hour.
LONG, SLOPE = 60, 1.0
BLOCK = 1000
LINE = b'203.0.113.77 - kari [21/Nov/2026:10:00:00 +0000] "GET /a/b.html?token=s3cr3t HTTP/1.1" 200 1#######%03d "https://example.org/x?mail=kari@example.org" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n'
TEMPLATE = b"".join(LINE % low for low in range(BLOCK))
NUMBERS = b" ".join(b"1#######%03d" % low for low in range(BLOCK))
NUMBER = re.compile(rb'" 200 (\d{11}) ')


def fail(text):
    print("soak: " + text)
    sys.exit(1)


def block(number, template=TEMPLATE):
    """A thousand lines that are like no others, by the number of their thousand."""
    return template.replace(b"#######", b"%07d" % number)


def policy(room, version, broken=False):
    text = 'base = "%s"\nname = "soak"\nversion = %d\n[state]\ndirectory = "%s/state"\n[[input]]\nfollow = ["%s/in/log*"]\n[[output]]\nfile = "%s/out/log"\n' % (
        "nobody" if broken else "hosting", version, room, room, room)
    with open(room + "/new.toml", "w") as f: f.write(text)
    os.rename(room + "/new.toml", room + "/policy.toml")


def room(name):
    path = work + "/" + name
    for part in ("", "/in", "/out"): os.mkdir(path + part, 0o750)
    policy(path, 1)
    return path


def start(at):
    """Starts it, and waits until it listens for signals."""
    process = subprocess.Popen([sladd, "sidecar", "-q", "--policy", at + "/policy.toml"], stderr=open(at + "/said", "ab"))
    while process.poll() is None:
        caught = [line for line in open("/proc/%d/status" % process.pid) if line.startswith("SigCgt:")]
        if caught and int(caught[0].split()[1], 16) >> 9 & 1: break
        time.sleep(0.002)
    return process


class Reader:
    """Reads the output as a shipper does: every number comes once, and what was read is never cut. Numbers come in order but for
    files that came while the sidecar was down, which tell by their times alone which was first."""

    def __init__(self, path):
        self.path, self.at, self.rest, self.bytes = path, 0, b"", 0
        # All below `next` came; of those above, these ranges.
        self.next, self.ahead, self.jumps = 0, [], 0

    def look(self):
        try: f = open(self.path, "rb")
        except FileNotFoundError: return
        with f:
            f.seek(self.at)
            while piece := f.read(4 << 20):
                self.at += len(piece)
                self.bytes += len(piece)
                whole, _, self.rest = (self.rest + piece).rpartition(b"\n")
                for planted in PLANTED:
                    if planted in whole: fail("a planted identifier came out")
                if not whole: continue
                found = NUMBER.findall(whole)
                if len(found) != whole.count(b"\n") + 1: fail("a record is no record: %d of %d" % (len(found), whole.count(b"\n") + 1))
                while found: found = found[self.run(found):]

    def run(self, found):
        """Takes over the numbers up to the first that does not follow the one before it."""
        first, count = int(found[0]) - 10**10, len(found)
        if int(found[-1]) - 10**10 != first + count - 1:
            count = next(i for i, n in enumerate(found) if int(n) - 10**10 != first + i)
        begins, ends = divmod(first, BLOCK), divmod(first + count, BLOCK)
        wanted = b" ".join(block(number, NUMBERS) for number in range(begins[0], ends[0] + 1))
        # Each number is eleven digits and a blank.
        if b" ".join(found[:count]) != wanted[begins[1] * 12 : begins[1] * 12 + count * 12 - 1]: fail("records behind %d do not follow each other" % first)
        last = first + count
        if first < self.next or any(first < b and a < last for a, b in self.ahead): fail("records from %d to %d came twice" % (first, last))
        if first != self.next: self.jumps += not any(b == first for _, b in self.ahead)
        self.ahead = sorted(self.ahead + [(first, last)])
        merged = []
        for a, b in self.ahead:
            if a == self.next: self.next = b
            elif merged and merged[-1][1] == a: merged[-1] = (merged[-1][0], b)
            else: merged.append((a, b))
        self.ahead = merged
        return count


def peak_rate():
    """How many lines a second it takes while they are written and read, which is what the soak does."""
    at, count = room("peak"), 2_000_000
    process, reader = start(at), Reader(at + "/out/log")
    with open(at + "/in/log", "ab", buffering=0) as f: f.write(block(0))
    while reader.next < BLOCK:
        if process.poll() is not None: fail("it did not start: " + open(at + "/said").read()[-500:])
        time.sleep(0.01); reader.look()
    def write():
        with open(at + "/in/log", "ab", buffering=0) as f:
            for number in range(1, count // BLOCK): f.write(block(number))
    began, writer = time.monotonic(), threading.Thread(target=write)
    writer.start()
    while reader.next < count:
        time.sleep(0.05); reader.look()
        if time.monotonic() - began > 300: fail("%d of %d lines in five minutes" % (reader.next, count))
    took = time.monotonic() - began
    writer.join(); process.terminate(); process.wait()
    shutil.rmtree(at)
    return count / took


# A small disk of its own for the output, where that is allowed: no mount is left behind.
own_disk = os.geteuid() == 0 and libc.unshare(CLONE_NEWNS) == 0 and libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
top = peak_rate()
rate = float(os.environ.get("SLADD_SOAK_RATE") or 0.8 * top)
at = room("soak")
disk = own_disk and libc.mount(b"tmpfs", (at + "/out").encode(), b"tmpfs", 0, b"size=4g,mode=750") == 0
if not disk: print("!!! soak: nothing can be mounted here; the disk is never full")
state = {"written": 0, "read": 0, "over": False, "rename": False, "held": 0.0}


def write():
    """Blocks at a steady rate. Where nobody keeps up for seconds, because the sidecar is down or its disk full, it waits."""
    f, began, number, held = open(at + "/in/log", "ab", buffering=0), time.monotonic(), 0, 0.0
    while not state["over"]:
        now = time.monotonic()
        if state["written"] - state["read"] > 5 * rate:
            time.sleep(0.05); held += time.monotonic() - now; state["held"] = held
            continue
        due = int(((now - began - held) * rate) / BLOCK) - number
        for _ in range(min(due, 50)):
            f.write(block(number)); number += 1
        state["written"] = number * BLOCK
        if state["rename"] or f.tell() > 256 << 20:
            with names:
                for old in range(40, 0, -1):
                    if os.path.exists("%s/in/log.%d" % (at, old)): os.rename("%s/in/log.%d" % (at, old), "%s/in/log.%d" % (at, old + 1))
                os.rename(at + "/in/log", at + "/in/log.1")
                state["ends"].insert(0, state["written"]); state["rename"] = False; faults["rotations"] += 1
            f.close(); f = open(at + "/in/log", "ab", buffering=0)
        if due < 50: time.sleep(0.01)
    f.close()


state["ends"], names = [], threading.Lock()
faults = {"rotations": 0, "reloads": 0, "refused": 0, "kills": 0, "stops": 0, "full": 0, "output rotations": 0}
process, reader = start(at), Reader(at + "/out/log")
writer = threading.Thread(target=write); writer.start()
samples, version, began, next_fault, behind = [], 1, time.monotonic(), 2.0, 0
try:
    while (now := time.monotonic() - began) < minutes * 60:
        time.sleep(0.2)
        reader.look(); state["read"] = reader.next
        behind = max(behind, state["written"] - reader.next)
        if process.poll() is not None: fail("it ended with %d: %s" % (process.returncode, open(at + "/said").read()[-500:]))
        try:
            status = dict(line.split(":", 1) for line in open("/proc/%d/status" % process.pid))
            samples.append((now, int(status["VmRSS"].split()[0]), len(os.listdir("/proc/%d/fd" % process.pid)), process.pid))
        except (OSError, KeyError, ValueError): pass
        # The raw files that were read are deleted, as logrotate does; the minimised one is put aside when it is large.
        with names:
            for old, end in enumerate(state["ends"][:41], 1):
                name = "%s/in/log.%d" % (at, old)
                if old > 2 and end <= reader.next and os.path.exists(name): os.unlink(name)
        large = os.path.exists(at + "/out/log") and os.path.getsize(at + "/out/log") > 768 << 20
        if now < next_fault and not large: continue
        next_fault = now + draw.uniform(0.5, 2.5)
        # A long soak leaves the last process alone, so that what it grows by can be told from what a start takes.
        ends = ["kill", "kill", "stop"] if minutes < LONG or now < minutes * 20 else []
        kind = draw.choice(["rotate"] * 5 + ["reload"] * 3 + ["broken", "full", "aside"] + ends) if not large else "aside"
        if kind == "rotate": state["rename"] = True
        elif kind in ("reload", "broken"):
            version += kind == "reload"
            policy(at, version, kind == "broken"); process.send_signal(signal.SIGHUP)
            faults["reloads" if kind == "reload" else "refused"] += 1
            if kind == "broken": time.sleep(0.5); policy(at, version)
        elif kind in ("kill", "stop"):
            process.send_signal(signal.SIGKILL if kind == "kill" else signal.SIGTERM)
            if process.wait(60) not in (0, -9): fail("a stop ended with %d" % process.returncode)
            faults["kills" if kind == "kill" else "stops"] += 1
            process = start(at)
        elif kind == "full" and disk:
            free = os.statvfs(at + "/out")
            try:
                with open(at + "/out/filler", "wb") as f: os.posix_fallocate(f.fileno(), 0, max(free.f_bavail * free.f_bsize - 65536, 4096))
            except OSError: pass
            time.sleep(draw.uniform(0.3, 1.0)); os.unlink(at + "/out/filler"); faults["full"] += 1
        elif kind == "aside":
            # All of it has to be read before it goes.
            until = time.monotonic() + 30
            os.rename(at + "/out/log", at + "/out/log.1"); process.send_signal(signal.SIGUSR1)
            while not os.path.exists(at + "/out/log"):
                if time.monotonic() > until: fail("the output was not opened again")
                time.sleep(0.01)
            reader.path = at + "/out/log.1"; reader.look()
            if reader.rest: fail("the file that was put aside ends in the middle of a line")
            reader.path, reader.at = at + "/out/log", 0
            os.unlink(at + "/out/log.1"); faults["output rotations"] += 1
    state["over"] = True; writer.join()
    until = time.monotonic() + 120
    while reader.next < state["written"]:
        if time.monotonic() > until: fail("%d of %d lines came out" % (reader.next, state["written"]))
        time.sleep(0.2); reader.look(); state["read"] = reader.next
    process.terminate()
    if process.wait(60) != 0: fail("it ended with %d" % process.returncode)
    reader.look()
    if reader.next != state["written"] or reader.ahead or reader.rest: fail("%d of %d lines came out" % (reader.next, state["written"]))
    for root, _, names in os.walk(at + "/state"):
        for name in names:
            content = open(os.path.join(root, name), "rb").read()
            if any(planted in content for planted in PLANTED): fail("a planted identifier is in the state")
    said = open(at + "/said", "rb").read()
    if any(planted in said for planted in PLANTED) or b"internal fault" in said: fail("it said: %r" % said[-300:])
    peak, descriptors = max(s[1] for s in samples), max(s[2] for s in samples)
    # The slope over all samples that are no start: the least squares of resident memory over time.
    warm, seen = [], {}
    for when, rss, _, pid in samples:
        seen.setdefault(pid, when)
        if minutes < LONG and when - seen[pid] > 2 or minutes >= LONG and pid == process.pid and when - seen[pid] > 600: warm.append((when, rss))
    slope = 0.0
    if len(warm) > 50:
        mt, mr = sum(t for t, _ in warm) / len(warm), sum(r for _, r in warm) / len(warm)
        slope = sum((t - mt) * (r - mr) for t, r in warm) / sum((t - mt) ** 2 for t, _ in warm) * 3600 / 1024
    print("soak: %.1f minutes, %d lines at %d a second, %d %% of the peak, held for %.0f s (%.0f MB out), %s; each once, %d times out of order; %d behind at most, %d KiB and %d descriptors at most, %+.2f MiB/h over %d samples"
          % (minutes, reader.next, rate, rate / top * 100, state["held"], reader.bytes / 1e6, faults, reader.jumps, behind, peak, descriptors, slope, len(warm)))
    if peak > LIMIT_KIB * 1.05: fail("%d KiB" % peak)
    if descriptors > 64: fail("%d descriptors" % descriptors)
    if minutes >= LONG and slope > SLOPE: fail("memory grows by %.2f MiB/h" % slope)
    # Over minutes the slope is noise; what grows with lines shows as more than a few MiB.
    first, last = [r for t, r in warm if t < minutes * 20], [r for t, r in warm if t > minutes * 40]
    if first and last and sum(last) / len(last) - sum(first) / len(first) > 8192: fail("memory grew from %d to %d KiB" % (sum(first) / len(first), sum(last) / len(last)))
finally:
    state["over"] = True
    if process.poll() is None: process.kill()
    if disk: libc.umount((at + "/out").encode())
    shutil.rmtree(work, ignore_errors=True)
