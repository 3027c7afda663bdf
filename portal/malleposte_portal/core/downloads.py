"""Downloads of one process at a time: each keeps a thread as long as it lasts, and an agent has one."""

from __future__ import annotations

import threading
from urllib.parse import quote

from flask import Response
from malleposte.accountd import client
from werkzeug.http import dump_options_header


class Downloads:
    """At most so many, of as many agents."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._under_way: set[str] = set()
        self._guard = threading.Lock()

    def begin(self, uid: str) -> bool:
        """Begin one of an agent; whether there is room."""
        with self._guard:
            if uid in self._under_way or len(self._under_way) >= self.most:
                return False
            self._under_way.add(uid)
            return True

    def end(self, uid: str) -> None:
        """End it."""
        self._under_way.discard(uid)

    def sent(self, uid: str, copy: client.Copy, kind: str, name: str) -> Response:
        """Return the answer that hands a copy over under a name, to be saved; its end is the end of the download."""
        answer = Response(copy, mimetype=kind)
        answer.content_length = copy.answer.size
        answer.headers["Content-Disposition"] = _disposition(name)
        # Nothing of it comes to lie on the portal's disk, however slowly it is taken.
        answer.headers["X-Accel-Buffering"] = "no"
        answer.call_on_close(lambda: self.end(uid))
        return answer


def _disposition(name: str) -> str:
    """Return the header for a name: in ASCII and, where it has other letters, whole too (RFC 6266, 4.3)."""
    if name.isascii():
        return dump_options_header("attachment", {"filename": name})
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
