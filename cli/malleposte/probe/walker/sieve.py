"""A small ManageSieve client (RFC 5804): what the probe and the tests need."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl

STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"')


class SieveError(Exception):
    """The server said NO or BYE; the text is its answer."""


class ManageSieve:
    """A session past the greeting; `capabilities` are upper-case names to values."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.stream = link.makefile("rb")
        self.capabilities = self._capabilities()

    def _line(self) -> bytes:
        line = self.stream.readline(65536)
        if not line:
            raise SieveError("the server closed the connection")
        literal = re.search(rb"\{(\d+)\+?\}\r\n$", line)
        if literal:
            body = self.stream.read(int(literal[1]))
            return line[: literal.start()] + quote(body) + self._line()
        return line

    def _answer(self) -> list[bytes]:
        lines: list[bytes] = []
        while True:
            line = self._line().rstrip(b"\r\n")
            word = line.split(b" ", 1)[0].upper()
            if word == b"OK":
                return lines
            if word in (b"NO", b"BYE"):
                raise SieveError(line.decode("utf-8", "replace"))
            lines.append(line)

    def _capabilities(self) -> dict[str, str]:
        pairs = [STRING.findall(line) for line in self._answer()]
        return {pair[0].decode().upper(): b" ".join(pair[1:]).decode() for pair in pairs if pair}

    def command(self, text: str, *literals: bytes) -> list[bytes]:
        """Send a command, literals appended, and return the lines of its answer. Raises SieveError on NO."""
        parts = b"".join(b" {%d+}\r\n" % len(body) + body for body in literals)
        self.link.sendall(text.encode() + parts + b"\r\n")
        return self._answer()

    def starttls(self, context: ssl.SSLContext, name: str) -> None:
        """Go over to TLS as `name`; the server then says its capabilities anew."""
        self.command("STARTTLS")
        self.stream.close()
        self.link = context.wrap_socket(self.link, server_hostname=name)
        self.stream = self.link.makefile("rb")
        self.capabilities = self._capabilities()

    def login(self, user: str, password: str) -> None:
        """SASL PLAIN."""
        self.command('AUTHENTICATE "PLAIN"', base64.b64encode(f"\0{user}\0{password}".encode()))

    def scripts(self) -> dict[str, bool]:
        """Script names, True for the active one."""
        lines = [(STRING.search(line), line.upper().endswith(b" ACTIVE")) for line in self.command("LISTSCRIPTS")]
        return {match[1].decode(): active for match, active in lines if match}

    def put(self, name: str, script: str) -> None:
        """Store a script; the server compiles it and refuses a wrong one."""
        self.command(f'PUTSCRIPT "{name}"', script.encode())

    def activate(self, name: str) -> None:
        """Make a script the active one; the empty name turns all off."""
        self.command(f'SETACTIVE "{name}"')

    def delete(self, name: str) -> None:
        """Remove a script that is not active."""
        self.command(f'DELETESCRIPT "{name}"')

    def close(self) -> None:
        """Leave."""
        with contextlib.suppress(SieveError, OSError):
            self.command("LOGOUT")
        self.stream.close()
        self.link.close()


def quote(text: bytes) -> bytes:
    """A quoted string."""
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
