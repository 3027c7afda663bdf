"""The door of Dovecot: IMAP and ManageSieve sessions, and its cache of passwords, which SMTP AUTH and DAV ask too."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from malleposte.accounts.doors import Names
from malleposte.errors import MallepostError

TIMEOUT = 15  # seconds
_NOBODY = 68  # EX_NOHOST of doveadm: no session matched


class Dovecot:
    """Dovecot of this host, by doveadm: for root."""

    name = "dovecot"

    def __init__(self, names: Names) -> None:
        """`names`: a cached password is kept under the name that was typed."""
        self.names = names

    def close(self, uid: str) -> None:
        """See Door. The cache first: a client that is thrown out comes back at once."""
        self.forget(uid)
        self._doveadm(["kick", uid], also=(_NOBODY,))
        self._end_left(uid)

    def _end_left(self, uid: str) -> None:
        """End what a kick leaves: a session that has opened another's folders.

        Its process bears the name of the folders' owner from then on, and answers a kick of its own user with nothing
        (Dovecot 2.4.1). Each process serves one session.
        """
        for line in self._doveadm(["-f", "tab", "who", "-1", uid]).splitlines()[1:]:
            name, _service, pid, *_rest = [*line.split("\t"), "", "", ""]
            if name == uid and pid.isdigit():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)

    def forget(self, uid: str) -> None:
        """See Door."""
        self._doveadm(["auth", "cache", "flush", *dict.fromkeys([uid, *self.names(uid)])])

    @staticmethod
    def _doveadm(words: Sequence[str], also: Sequence[int] = ()) -> str:
        try:
            done = subprocess.run(
                ["doveadm", *words], capture_output=True, text=True, check=False, timeout=TIMEOUT,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise MallepostError(f"doveadm {words[0]}: no answer in {TIMEOUT} s") from error
        if done.returncode and done.returncode not in also:
            lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
            raise MallepostError(f"doveadm {words[0]}: {lines[-1]}", "look at 'journalctl -u dovecot'")
        return done.stdout


class RemoteDovecot:
    """Dovecot of another host, by its doveadm API over TLS: sessions end, its cache of passwords lives out its time.

    That API cannot flush the cache: asked for it, Dovecot 2.4.1's process ends.
    """

    name = "dovecot"

    def __init__(self, url: str, key_file: Path, ca_file: str | None = None) -> None:
        """`url`: https://HOST:PORT. The key is read at each use."""
        self.url, self.key_file, self.ca_file = url, key_file, ca_file

    def close(self, uid: str) -> None:
        """See Door."""
        parts = urlsplit(self.url)
        if parts.scheme != "https":
            raise MallepostError(f"{self.url}: only https goes between hosts")
        context = ssl.create_default_context(cafile=self.ca_file)
        key = base64.b64encode(self.key_file.read_bytes().strip()).decode()
        link = http.client.HTTPSConnection(str(parts.hostname), parts.port or 443, timeout=TIMEOUT, context=context)
        try:
            body = json.dumps([["kick", {"mask": [uid]}, "kick"]])
            head = {"Authorization": f"X-Dovecot-API {key}", "Content-Type": "application/json"}
            link.request("POST", "/doveadm/v1", body, head)
            answer = link.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            raise MallepostError(f"{self.url}: {error}") from error
        finally:
            link.close()
        if answer.status != http.HTTPStatus.OK:
            raise MallepostError(f"{self.url}: answers {answer.status}")
        self._judge(text)

    def _judge(self, text: str) -> None:
        try:
            kind, said, _tag = json.loads(text)[0]
        except (ValueError, LookupError, TypeError) as error:
            raise MallepostError(f"{self.url}: an answer that is none") from error
        if kind == "error" and said.get("exitCode") != _NOBODY:
            raise MallepostError(f"{self.url}: {said.get('type')} {said.get('exitCode')}")

    def forget(self, uid: str) -> None:
        """See Door: nothing can be done from here."""
