#!/usr/bin/python3
"""Measure maildir against mdbox for the mail store (figures of docs/adr/0006-mail-store.md).

Runs as root on a throw-away Debian 13 host with dovecot-lmtpd, borgbackup and python3-zstandard:

    store.py generate --boxes 1000 --messages 1000000    # maildir, written directly
    store.py convert                                     # mdbox: a tenth of it by Dovecot, then multiplied
    store.py size
    store.py backup maildir|mdbox                        # first, nothing changed, 1 % changed
    store.py restore maildir|mdbox                       # one box of 1,000 messages, by borg
    store.py deliver maildir|mdbox --messages 4000       # LMTP into boxes that nobody opens
    store.py damage maildir|mdbox                        # indexes lost: what is left?
    store.py clean

Every result is one line `name value unit` on standard output. Sizes are bytes, times wall-clock seconds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import hashlib
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/srv/bench")
VMAIL = 5000
BIG_BOX = "grand"  # the box of 1,000 messages that is restored
FORMATS = {"maildir": "Maildir", "mdbox": "mdbox"}
WORDS = (
    "le conseil de classe du troisième trimestre aura lieu mardi en salle des professeurs merci de confirmer votre "
    "présence avant vendredi les bulletins sont à compléter dans l'application habituelle bien cordialement le "
    "secrétariat note mouvement intra académique calendrier des examens convocation surveillance absence collègue"
).split()

DOVECOT = """dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols {{
  lmtp = yes
}}
base_dir = {root}/run-{format}
log_path = {root}/log-{format}
ssl = no
mail_uid = {uid}
mail_gid = {uid}
first_valid_uid = 100
mail_driver = {format}
mail_path = ~/{directory}
mailbox_list_utf8 = {utf8}
namespace inbox {{
  inbox = yes
  separator = /
}}
mail_plugins {{
  mail_compress = yes
  quota = yes
}}
mail_compress_write_method = zstd
quota user {{
  driver = count
}}
quota_storage_size = 2500M
passdb static {{
  password = bench
}}
userdb static {{
  fields {{
    home = {root}/{format}/%{{user | sha1 | hexlify | substr(0, 2)}}/%{{user}}
  }}
}}
service lmtp {{
  process_min_avail = 4
  restart_request_count = 200
  unix_listener lmtp {{
    mode = 0600
  }}
}}
service stats {{
  process_limit = 1
}}
"""


def say(name: str, value: float | int | str, unit: str = "") -> None:
    """Print one result."""
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    print(f"{name:<42} {text:>14} {unit}", flush=True)


def home(fmt: str, uid: str) -> Path:
    """The box of `uid`: one of 256 buckets, as the platform lays them."""
    return ROOT / fmt / hashlib.sha1(uid.encode()).hexdigest()[:2] / uid


def message(rng: random.Random, number: int) -> bytes:
    """A mail of 2 to 7 kB that compresses like French prose with some base64 in it."""
    body = " ".join(rng.choices(WORDS, k=rng.randint(120, 500)))
    blob = rng.randbytes(rng.randint(300, 1500)).hex()
    return (
        f"From: expediteur{number % 997}@lointain.test\r\nTo: agent@ac-exemple.test\r\nSubject: Message {number}\r\n"
        f"Message-ID: <{number}.{rng.getrandbits(48):x}@bench>\r\nDate: Tue, 24 Nov 2026 12:00:00 +0100\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n{blob}\r\n"
    ).encode()


def boxes(count: int) -> list[str]:
    """The uids: BIG_BOX first."""
    return [BIG_BOX, *(f"agent{n:05d}" for n in range(1, count))]


def generate(count: int, messages: int) -> None:
    """Fill the maildir store: `messages` spread evenly, each file different, half of them seen."""
    import zstandard  # only this step needs it

    rng, pack = random.Random(6), zstandard.ZstdCompressor(level=3)
    pool = [message(rng, number) for number in range(2000)]
    each, start = messages // count, time.monotonic()
    for place, uid in enumerate(boxes(count)):
        root = home("maildir", uid) / FORMATS["maildir"]
        for sub in ("cur", "new", "tmp"):
            (root / sub).mkdir(parents=True, exist_ok=True)
        for number in range(place * each, (place + 1) * each):
            raw = b"X-Number: %d-%d\r\n" % (number, rng.getrandbits(60)) + pool[number % len(pool)]
            flags = ":2,S" if number % 2 else ":2,"
            path = root / "cur" / f"{1764000000 + number}.M{number}P1.bench,S={len(raw)}{flags}"
            with open(path, "wb", buffering=0) as stream:
                stream.write(pack.compress(raw))
    spent = time.monotonic() - start
    subprocess.run(["chown", "-R", f"{VMAIL}:{VMAIL}", str(ROOT / "maildir")], check=True)
    (ROOT / "users").write_text("\n".join(boxes(count)) + "\n")
    say("maildir generated", each * count / spent, "files/s")


def configure(fmt: str) -> Path:
    """Write the configuration of one format's own Dovecot."""
    conf = ROOT / f"dovecot-{fmt}.conf"
    (ROOT / fmt).mkdir(parents=True, exist_ok=True)
    os.chown(ROOT / fmt, VMAIL, VMAIL)
    utf8 = "yes" if fmt == "maildir" else "no"
    conf.write_text(DOVECOT.format(root=ROOT, format=fmt, directory=FORMATS[fmt], uid=VMAIL, utf8=utf8))
    return conf


class Dovecot:
    """A Dovecot of its own for one format, stopped on leaving."""

    def __init__(self, fmt: str) -> None:
        self.fmt, self.conf = fmt, configure(fmt)

    def __enter__(self) -> Dovecot:
        target = ROOT / f"run-{self.fmt}" / "lmtp"
        target.unlink(missing_ok=True)
        self.process = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", str(self.conf)])
        while not target.exists():
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)

    def doveadm(self, *argv: str) -> str:
        return subprocess.run(
            ["doveadm", "-c", str(self.conf), *argv], check=True, capture_output=True, text=True
        ).stdout


def convert(share: int = 10) -> None:
    """Import every `share`-th box into mdbox by Dovecot; copy each for the others under other GUIDs.

    Other GUIDs, so that borg sees different data; index files stay alike, which favours mdbox a little.
    """
    uids = (ROOT / "users").read_text().split()
    start = time.monotonic()
    with Dovecot("mdbox") as dovecot:
        for uid in uids[::share]:
            source = f"maildir:{home('maildir', uid)}/{FORMATS['maildir']}"
            dovecot.doveadm("-o", "mail_fsync=never", "import", "-u", uid, source, "", "all")
    messages = sum(1 for uid in uids[::share] for _ in (home("maildir", uid) / "Maildir" / "cur").iterdir())
    say("mdbox imported", messages / (time.monotonic() - start), "msg/s")
    for place, uid in enumerate(uids):
        if place % share:
            shutil.copytree(home("mdbox", uids[place - place % share]), home("mdbox", uid))
            for path in (home("mdbox", uid) / "mdbox" / "storage").glob("m.*"):
                path.write_bytes(re.sub(rb"\nG[0-9a-f]{8}", b"\nG%08x" % place, path.read_bytes()))
    subprocess.run(["chown", "-R", f"{VMAIL}:{VMAIL}", str(ROOT / "mdbox")], check=True)


def walk(path: Path) -> Iterator[os.stat_result]:
    """The status of everything below `path`."""
    for entry in os.scandir(path):
        yield entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))


def size(fmts: list[str]) -> None:
    """Disk use (allocated), apparent size and inodes."""
    for fmt in fmts:
        start, used, apparent, inodes = time.monotonic(), 0, 0, 0
        for status in walk(ROOT / fmt):
            used, apparent, inodes = used + status.st_blocks * 512, apparent + status.st_size, inodes + 1
        say(f"{fmt} disk", used, "B")
        say(f"{fmt} apparent", apparent, "B")
        say(f"{fmt} inodes", inodes)
        say(f"{fmt} walk", time.monotonic() - start, "s")


def borg(*argv: str, cwd: Path | None = None) -> float:
    """Run borg on the scratch repository; seconds."""
    env = os.environ | {"BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes", "BORG_BASE_DIR": str(ROOT / "borg-home")}
    start = time.monotonic()
    subprocess.run(["borg", *argv], check=True, env=env, cwd=cwd)
    return time.monotonic() - start


def deliver_some(fmt: str, uids: list[str], count: int, threads: int = 8) -> float:
    """Deliver `count` messages by LMTP over `uids`, `threads` at once; seconds."""
    rng = random.Random(7)
    bodies = [message(rng, n).replace(b"\r\n.", b"\r\n..") for n in range(200)]

    def work(offset: int) -> None:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(ROOT / f"run-{fmt}" / "lmtp"))
            stream = link.makefile("rwb")

            def expect(code: bytes, line: bytes | None = None) -> None:
                if line is not None:
                    stream.write(line)
                    stream.flush()
                while (answer := stream.readline())[3:4] == b"-":
                    pass
                if not answer.startswith(code):
                    raise RuntimeError(answer.decode())

            expect(b"220")
            expect(b"250", b"LHLO bench\r\n")
            for number in range(offset, count, threads):
                expect(b"250", b"MAIL FROM:<bench@lointain.test>\r\n")
                expect(b"250", f"RCPT TO:<{uids[number % len(uids)]}>\r\n".encode())
                expect(b"354", b"DATA\r\n")
                expect(b"250", bodies[number % 200] + b".\r\n")
            expect(b"221", b"QUIT\r\n")

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return time.monotonic() - start


def backup(fmt: str) -> None:
    """First archive, one with nothing changed, one after a delivery to 1 % of the messages."""
    repo = ROOT / f"borg-{fmt}"
    borg("init", "-e", "none", str(repo))
    store = str(ROOT / fmt)
    options = ["create", "--compression", "lz4", "--files-cache", "ctime,size,inode"]
    say(f"{fmt} borg first", borg(*options, f"{repo}::first", store), "s")
    say(f"{fmt} borg nothing changed", borg(*options, f"{repo}::same", store), "s")
    uids = (ROOT / "users").read_text().split()
    with Dovecot(fmt):
        spent = deliver_some(fmt, uids, 10 * len(uids))
    say(f"{fmt} deliver to {len(uids)} boxes", 10 * len(uids) / spent, "msg/s")
    say(f"{fmt} borg 1 % new", borg(*options, f"{repo}::more", store), "s")
    say(f"{fmt} repository", sum(s.st_size for s in walk(repo)), "B")


def restore(fmt: str) -> None:
    """Extract the box of 1,000 messages and read it by Dovecot."""
    target = ROOT / "restored"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    path = str(home(fmt, BIG_BOX))[1:]
    say(f"{fmt} borg extract 1,000", borg("extract", f"{ROOT}/borg-{fmt}::first", path, cwd=target), "s")
    say(f"{fmt} files extracted", sum(1 for _ in walk(target)))
    subprocess.run(["chown", "-R", f"{VMAIL}:{VMAIL}", str(target)], check=True)
    start = time.monotonic()
    with Dovecot(fmt) as dovecot:
        dovecot.doveadm("import", "-u", "retour", f"{fmt}:{target}/{path}/{FORMATS[fmt]}", "Restauration", "all")
        found = dovecot.doveadm("search", "-u", "retour", "mailbox", "Restauration/INBOX", "all").count("\n")
        seen = dovecot.doveadm("search", "-u", "retour", "mailbox", "Restauration/INBOX", "seen").count("\n")
    say(f"{fmt} import 1,000", time.monotonic() - start, "s")
    say(f"{fmt} messages found / seen", f"{found}/{seen}")
    shutil.rmtree(home(fmt, "retour"), ignore_errors=True)


def deliver(fmt: str, messages: int) -> None:
    """Delivery rate into 20 fresh boxes that nobody opens, in four equal slices (it must not fall)."""
    uids = [f"neuf{n:02d}" for n in range(20)]
    with Dovecot(fmt):
        for part in range(4):
            say(f"{fmt} deliver slice {part + 1}", messages / 4 / deliver_some(fmt, uids, messages // 4), "msg/s")
    with Dovecot(fmt):
        say(f"{fmt} deliver one box of {messages}", 500 / deliver_some(fmt, ["plein"], 500), "msg/s")
        deliver_some(fmt, ["plein"], messages)
        say(f"{fmt} deliver, that box full", 500 / deliver_some(fmt, ["plein"], 500), "msg/s")


def damage(fmt: str) -> None:
    """Lose every index file of BIG_BOX, then count what Dovecot still gives."""
    with Dovecot(fmt) as dovecot:
        query = ("search", "-u", BIG_BOX, "mailbox", "INBOX")
        before = [dovecot.doveadm(*query, what).count("\n") for what in ("all", "seen")]
        for path in home(fmt, BIG_BOX).rglob("dovecot*index*"):
            path.unlink()
        dovecot.doveadm("force-resync", "-u", BIG_BOX, "INBOX")
        after = [dovecot.doveadm(*query, what).count("\n") for what in ("all", "seen")]
    say(f"{fmt} before: messages / seen", f"{before[0]}/{before[1]}")
    say(f"{fmt} indexes lost: messages / seen", f"{after[0]}/{after[1]}")


def main() -> int:
    """Parse and run one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices="generate convert size backup restore deliver damage clean".split())
    parser.add_argument("format", nargs="?", choices=list(FORMATS))
    parser.add_argument("--boxes", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=1000000)
    asked = parser.parse_args()
    ROOT.mkdir(parents=True, exist_ok=True)
    fmts = [asked.format] if asked.format else list(FORMATS)
    if asked.step == "generate":
        generate(asked.boxes, asked.messages)
    elif asked.step == "convert":
        convert()
    elif asked.step == "size":
        size(fmts)
    elif asked.step == "clean":
        shutil.rmtree(ROOT)
    elif asked.step == "deliver":
        for fmt in fmts:
            deliver(fmt, min(asked.messages, 4000))
    else:
        for fmt in fmts:
            {"backup": backup, "restore": restore, "damage": damage}[asked.step](fmt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
