"""The directory over LDAP, with ldap3: ldapi:// for a Unix socket (maybe one ssh forwards), ldaps:// between hosts."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import ldap3
from ldap3.core.exceptions import LDAPException, LDAPSASLPrepError

from malleposte.directory import bulk, pages
from malleposte.directory.control import OID, state_of
from malleposte.directory.errors import AlreadyThere, DirectoryError, NotThere, PasswordRefused, Refused
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Answer, BindResult, Branch, Entry
from malleposte.directory.query import Query, query_of

TIMEOUT = 30  # seconds for an answer; ldap3 takes whole ones only

_SUCCESS = 0
_NO_SUCH_OBJECT = 32
_ALREADY_EXISTS = 68
_CONSTRAINT_VIOLATION = 19


def _server(uri: str, ca_file: str | None) -> Any:
    """The server of a URI. Certificates are verified with `ca_file`, or with the system's authorities."""
    if uri.startswith("ldapi://"):
        return ldap3.Server(uri, get_info=ldap3.NONE)
    if not uri.startswith("ldaps://"):
        raise DirectoryError(f"{uri}: only ldapi:// and ldaps:// are allowed")
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, version=ssl.PROTOCOL_TLS_CLIENT, ca_certs_file=ca_file)
    return ldap3.Server(uri, get_info=ldap3.NONE, tls=tls, connect_timeout=TIMEOUT)


def _away(server: Any, error: Exception) -> DirectoryError:
    place = unquote(server.name)
    what = f"the directory at {place} cannot be reached: {error}"
    return DirectoryError(what, "look at `systemctl status slapd` on its host")


def _refusal(dn: str, code: int, reason: str) -> Refused:
    if code == _NO_SUCH_OBJECT:
        return NotThere(dn, code, reason or "no such object")
    if code == _ALREADY_EXISTS or (code == _CONSTRAINT_VIOLATION and "unique" in reason):
        return AlreadyThere(dn, code, reason or "entry already exists")
    return Refused(dn, code, reason)


def filter_of(where: Mapping[str, str] | Query | None) -> str:
    """The filter of a query, its values escaped, so that no value can be more than a value."""
    return query_of(where).render()


def _close(connection: Any) -> None:
    """End a connection; that the other side has ended it already is no error, and must not hide one."""
    with contextlib.suppress(LDAPException, OSError):
        connection.unbind()
    # An unbind that cannot be sent leaves the socket open.
    if connection.socket is not None:
        with contextlib.suppress(OSError):
            connection.socket.close()


class LdapDirectory:
    """A bound connection. Use it as a context manager; one thread at a time."""

    def __init__(self, uri: str, suffix: str, bind_dn: str, password: str, ca_file: str | None = None) -> None:
        """Raises DirectoryError when the directory cannot be reached or refuses the bind."""
        self.suffix = suffix
        self._server = _server(uri, ca_file)
        self._bind_dn = bind_dn
        self._password = password
        self._paging = self._doubtful = False
        self._connection = self._bound(ldap3.SYNC)

    def _bound(self, strategy: str) -> Any:
        connection = ldap3.Connection(
            self._server,
            self._bind_dn,
            self._password,
            client_strategy=strategy,
            check_names=False,
            raise_exceptions=False,
            receive_timeout=TIMEOUT,
        )
        try:
            ok = connection.bind()
        except (LDAPException, OSError) as error:
            _close(connection)
            raise _away(self._server, error) from error
        if not ok:
            _close(connection)
            raise DirectoryError(f"the directory refuses {self._bind_dn}: {connection.result['description']}")
        return connection

    def __enter__(self) -> LdapDirectory:
        """The directory itself."""
        return self

    def __exit__(self, *_args: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """End the connection. It raises nothing."""
        _close(self._connection)

    def fileno(self) -> int:
        """The descriptor of its socket; -1 once it is closed, or an answer may still be on its way."""
        return -1 if self._doubtful or self._connection.closed else int(self._connection.socket.fileno())

    def _do(self, dn: str, operation: str, *args: Any, **named: Any) -> None:
        try:
            getattr(self._connection, operation)(dn, *args, **named)
        except (LDAPException, OSError) as error:
            self._doubtful = True
            raise DirectoryError(f"the directory does not answer for {dn}: {error}") from error
        result = self._connection.result
        if result["result"] != _SUCCESS:
            raise _refusal(dn, result["result"], result["message"] or result["description"])

    def search(
        self, branch: Branch, attributes: Sequence[str], where: Mapping[str, str] | Query | None = None
    ) -> Iterator[Entry]:
        """See Directory.search."""
        base, condition = f"ou={branch},{self.suffix}", filter_of(where)
        # slapd forgets the next page of a search when another one by pages begins: that one comes whole.
        nested = self._paging
        page = self._page(base, condition, attributes, None if nested else b"")
        try:
            while page.cookie:
                self._paging = True
                yield from page.entries
                page = self._page(base, condition, attributes, page.cookie)
        finally:
            self._paging = nested
        yield from page.entries
        if page.code != _SUCCESS:
            raise _refusal(base, page.code, page.words)

    def _page(self, base: str, where: str, attributes: Sequence[str], cookie: bytes | None) -> pages.Page:
        try:
            return pages.ask(self._connection, base, where, attributes, cookie)
        except LDAPException as error:
            raise DirectoryError(f"the directory is not asked in {base}: {error}") from error
        except (OSError, DirectoryError) as error:
            # An answer that comes late would be taken for that of the next question.
            _close(self._connection)
            raise DirectoryError(f"the directory does not answer a search in {base}: {error}") from error

    def add(self, dn: str, attributes: Attributes) -> None:
        """See Directory.add."""
        self._do(dn, "add", attributes=attributes)

    def add_many(self, entries: Iterable[tuple[str, Attributes]]) -> Iterator[Answer]:
        """See Directory.add_many. A connection of its own."""
        connection = self._bound(ldap3.SYNC)
        try:
            connection.socket.settimeout(TIMEOUT)
            yield from bulk.add_many(connection.socket, entries)
        except (LDAPException, OSError) as error:
            raise DirectoryError(f"the directory does not answer: {error}") from error
        finally:
            _close(connection)

    def modify(self, dn: str, changes: Mapping[str, Sequence[str]]) -> None:
        """See Directory.modify."""
        self._do(dn, "modify", {name: [(ldap3.MODIFY_REPLACE, list(values))] for name, values in changes.items()})

    def set_password(self, dn: str, password: str, changes: Mapping[str, Sequence[str]]) -> None:
        """See Directory.set_password."""
        whole = {"userPassword": [password], **changes}
        mods = {name: [(ldap3.MODIFY_REPLACE, list(values))] for name, values in whole.items()}
        try:
            self._do(dn, "modify", mods, controls=[(OID, False, None)])
        except NotThere:
            raise
        except Refused as error:
            # The server's words may repeat a character of the password: they go no further than the code.
            said = state_of(self._connection.result).error
            raise PasswordRefused(dn, error.code, "the password policy refuses it", said) from None

    def delete(self, dn: str) -> None:
        """See Directory.delete."""
        self._do(dn, "delete")

    def log_in(self, dn: str, password: str) -> BindResult:
        """See Directory.log_in."""
        if not password:
            return BindResult(False)  # an empty password would be an anonymous bind
        connection = ldap3.Connection(self._server, dn, password, receive_timeout=TIMEOUT)
        try:
            ok = connection.bind(controls=[(OID, False, None)])
            state = state_of(connection.result)
        except LDAPSASLPrepError:
            # A control or another sign that no password of ours has (RFC 4013): wrong, without asking.
            return BindResult(False)
        except (LDAPException, OSError) as error:
            raise _away(self._server, error) from error
        finally:
            _close(connection)
        return BindResult(bool(ok), state)
