"""Write boxes as Dovecot stores them. Runs on the mail host, as its user, with the standard library alone.

Standard input: {"base", "bodies", "seed", "sizes", "counts", "homes"}; the tables as in `scale`. The messages of all
boxes are hard links to so many distinct bodies. A box that is there already stays as it is, so that a run that was
interrupted is typed again. Standard output: what was written, as JSON.
"""

import base64
import contextlib
import json
import os
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

LINE = "Bonjour, la réunion du conseil de la classe aura lieu au collège ; merci de confirmer votre présence.\r\n"
FIRST_DAY, A_YEAR = 1_735_689_600, 31_536_000
SENT = ".Sent"
SHARE_SENT = 0.2
WRITERS = 3


def drawn(dice: random.Random, table: list[tuple[float, int, int]]) -> int:
    """Return a value of a table."""
    at = dice.random()
    for share, least, most in table:
        at -= share
        if at <= 0:
            return dice.randint(least, most)
    return table[-1][2]


def write_bodies(base: Path, given: dict[str, Any]) -> list[int]:
    """Write the distinct messages; return their sizes by number."""
    dice = random.Random(given["seed"])
    noise = base64.encodebytes(dice.randbytes(1_500_000)).replace(b"\n", b"\r\n")
    words = (LINE * 100).encode()
    sizes = list[int]()
    for number in range(given["bodies"]):
        size = drawn(dice, given["sizes"])
        path = base / f"{number % 256:02x}" / str(number)
        sizes.append(size)
        offset = dice.randrange(1000)
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        head = (
            f"From: Collegue {number % 977} <c{number % 977}@lointain.test>\r\nTo: agents@ac-exemple.test\r\n"
            f"Subject: Dossier {number}\r\nMessage-ID: <{number}@taille.lointain.test>\r\n"
            "Date: Mon, 05 Jan 2026 08:00:00 +0100\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        ).encode()
        # A tenth is words; the rest of a large message is what attachments are, which compresses little.
        text = words[: max(0, min(size - len(head), len(words), 4000 + size // 10))]
        rest = noise[offset : offset + max(0, size - len(head) - len(text))]
        short = path.with_suffix(".new")
        short.write_bytes((head + text + rest)[:size])
        os.utime(short, (FIRST_DAY, FIRST_DAY))
        short.rename(path)
    return sizes


def write_box(home: str, many: int, sizes: list[int], base: Path) -> int:
    """Link so many messages into a box that is not there yet; return how many were linked."""
    dice = random.Random(home)
    maildir, new = Path(home) / "Maildir", Path(home) / "Maildir.new"
    if maildir.exists():
        return 0
    for folder in ("", SENT):
        for part in ("cur", "new", "tmp"):
            (new / folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(many):
        body = dice.randrange(len(sizes))
        current = new / (SENT if dice.random() < SHARE_SENT else "") / "cur"
        flags = "S" if dice.random() < 0.9 else ""
        when = FIRST_DAY + dice.randrange(A_YEAR)
        name = f"{when}.M{number}P1.size,S={sizes[body]}:2,{flags}"
        with contextlib.suppress(FileExistsError):
            os.link(base / f"{body % 256:02x}" / str(body), current / name)
    new.rename(maildir)
    return many


def main() -> None:
    given = json.load(sys.stdin)
    os.umask(0o077)
    base = Path(given["base"])
    sizes = write_bodies(base, given)
    dice = random.Random(given["seed"] + 1)
    counts = [drawn(dice, given["counts"]) for _ in given["homes"]]
    with ProcessPoolExecutor(WRITERS) as pool:
        linked = sum(pool.map(partial(write_box, sizes=sizes, base=base), given["homes"], counts, chunksize=500))
    ordered, boxes = sorted(sizes), sorted(counts)
    print(
        json.dumps(
            {
                "boxes": len(counts),
                "messages": sum(counts),
                "linked_now": linked,
                "bodies": len(sizes),
                "bodies_gb": round(sum(sizes) / 1e9, 2),
                "bytes_of_a_message": {f"p{p}": ordered[(len(ordered) - 1) * p // 100] for p in (10, 50, 90, 99, 100)},
                "messages_of_a_box": {f"p{p}": boxes[(len(boxes) - 1) * p // 100] for p in (10, 50, 90, 99, 100)},
            }
        )
    )


if __name__ == "__main__":
    main()
