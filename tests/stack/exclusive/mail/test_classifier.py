"""The statistics of the spam filter, taught with two thirds of the corpus and asked about the rest (rspamadm)."""

from __future__ import annotations

import base64
import io
import re
import tarfile
from collections.abc import Iterator

import pytest

from tests.stack.support import corpus
from tests.stack.support.site import Site

pytestmark = pytest.mark.full

FOLDER = "/run/essai-corpus"
SOCKET = "/run/rspamd/controller.sock"
CLIENT = """#!/bin/bash
# The password is in no list of processes that others read: this host is the lab's.
exec rspamc -P "$(sed -n 's/^header = "Password: \\(.*\\)"/\\1/p' /etc/dovecot/private/learn.curl)" "$@"
"""
FORGET = """
export REDISCLI_AUTH=$(sed -n 's/^password = "\\(.*\\)";$/\\1/p' /etc/rspamd/local.d/redis.conf)
ask="valkey-cli -s /run/valkey/valkey.sock --no-auth-warning"
{ $ask --scan --pattern 'RS*'; echo learned_ids; } | xargs -r $ask del
"""


def archive() -> bytes:
    """The corpus as files: `ham/0001.eml`, `spam/0001.eml`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, letters in (("ham", corpus.honest()), ("spam", corpus.hostile())):
            for number, letter in enumerate(letters):
                info = tarfile.TarInfo(f"{name}/{number:04}.eml")
                info.size, info.mode = len(letter.message), 0o644
                tar.addfile(info, io.BytesIO(letter.message))
    return out.getvalue()


@pytest.fixture
def client(site: Site) -> Iterator[str]:
    """The corpus on the host, and a client of the controller; what the filter learned is forgotten in the end."""
    site.run(
        "mail1", f"install -d -m 0700 {FOLDER} && cat > {FOLDER}/client && chmod 0700 {FOLDER}/client", given=CLIENT
    )
    site.run("mail1", f"base64 -d | tar -C {FOLDER} -xf -", given=base64.b64encode(archive()).decode())
    yield f"{FOLDER}/client"
    site.run("mail1", f"rm -rf -- {FOLDER}; {FORGET}")


def test_no_honest_letter_is_taken_for_spam(site: Site, client: str) -> None:
    out = site.run(
        "mail1",
        f"cd {FOLDER} && rspamadm classifier_test --ham ham --spam spam --nconns 2 --timeout 60 -r {client}",
        f"--connect {SOCKET} 2>&1",
        timeout=600,
    )
    figures = {
        name.strip(): float(value) for name, value in re.findall(r"^([A-Z][\w %()]+?)\s+([\d.]+)\s*$", out, re.M)
    }
    assert figures["False Positives"] == 0, out
    assert figures["True Negatives"] >= 150, "honest letters were asked about"
    assert figures["Recall"] >= 0.95 and figures["Classified (%)"] >= 90, out
