"""A DMARC aggregate report (RFC 7489, appendix C), also in the namespace of its successor, read by expat."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from xml.parsers import expat

from malleposte.reports.model import (
    COUNT,
    DEPTH,
    DMARC,
    ROWS,
    TEXT,
    DmarcReport,
    Head,
    RefusedError,
    Result,
    below,
    period,
    plain,
)
from malleposte.reports.model import domain as domain_of

NAMESPACES = frozenset(("", "http://dmarc.org/dmarc-xml/0.1", "urn:ietf:params:xml:ns:dmarc-2.0"))
"""Those of RFC 7489 and of its successor; most reports have none. What is of another one is passed over."""
ELEMENTS = 500_000
CHUNK, LONGEST_TAG = 65_536, 1024 * 1024
"""Bytes that expat is given at once, and those within which a tag must end: its attributes cost much."""
DISPOSITIONS = ("none", "quarantine", "reject")
_ORGANISATION, _REPORT = "report_metadata/org_name", "report_metadata/report_id"
_BEGIN, _END = "report_metadata/date_range/begin", "report_metadata/date_range/end"
_DOMAIN = "policy_published/domain"
_RECORD = "record"
_SOURCE, _COUNT, _FROM = "record/row/source_ip", "record/row/count", "record/identifiers/header_from"
_EVALUATED = "record/row/policy_evaluated"
_DISPOSITION, _DKIM, _SPF = f"{_EVALUATED}/disposition", f"{_EVALUATED}/dkim", f"{_EVALUATED}/spf"
FIELDS = frozenset((_ORGANISATION, _REPORT, _BEGIN, _END, _DOMAIN, _SOURCE, _COUNT, _FROM, _DISPOSITION, _DKIM, _SPF))
"""The elements that are read, by their place below `feedback`. Each stands once in the report, or once in a record."""


class _Reader:
    """Collects the fields while expat goes through the document."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.fields: dict[str, str] = {}
        self.results: Counter[Result] = Counter()
        self.elements = self.rows = self.events = 0
        self.text: list[str] | None = None
        self.length = 0

    def begin(self, name: str, _attributes: object) -> None:
        self.events += 1
        namespace, _space, local = name.rpartition(" ")
        self.elements += 1
        if self.elements > ELEMENTS:
            raise RefusedError(f"it has more than {ELEMENTS} elements")
        if len(self.names) >= DEPTH:
            raise RefusedError(f"it has more than {DEPTH} elements one within the other")
        element = local if namespace in NAMESPACES else ""
        if not self.names and element != "feedback":
            raise RefusedError(f"its root is {plain(local, 40)!r}, not feedback")
        if self.text is not None:
            raise RefusedError(f"{self.names[-1]} has elements in it")
        self.names.append(element)
        self.text = [] if self.place in FIELDS else None
        self.length = 0

    @property
    def place(self) -> str:
        return "/".join(self.names[1:])

    def characters(self, text: str) -> None:
        self.events += 1
        if self.text is not None:
            self.length += len(text)
            if self.length > TEXT:
                raise RefusedError(f"{self.names[-1]} has more than {TEXT} characters")
            self.text.append(text)

    def end(self, _name: str) -> None:
        self.events += 1
        place = self.place
        if self.text is not None:
            if place in self.fields:
                raise RefusedError(f"{self.names[-1]} stands twice")
            self.fields[place] = plain("".join(self.text))
        elif place == _RECORD:
            self.record()
        self.text = None
        self.names.pop()

    def record(self) -> None:
        self.rows += 1
        if self.rows > ROWS:
            raise RefusedError(f"it has more than {ROWS} rows")
        # Of reporters that say nothing, a message counts as one that failed.
        passed = {place: self.fields.pop(place, "").lower() == "pass" for place in (_DKIM, _SPF)}
        disposition = self.fields.pop(_DISPOSITION, "none").lower()
        result = Result(
            source=_address(self.fields.pop(_SOURCE, "")),
            disposition=_disposition(disposition),
            dkim=passed[_DKIM],
            spf=passed[_SPF],
            header_from=domain_of(self.fields.pop(_FROM, "")),
        )
        self.results[result] += _number(self.fields.pop(_COUNT, ""), "count", COUNT)

    def refuse_doctype(self, *_words: object) -> int:
        raise RefusedError("it has a DOCTYPE or an entity")


def read(document: bytes, own: str, now: float, days: int) -> DmarcReport:
    """Read a report about our domain (`own`) at a time (seconds since 1970). Raises RefusedError."""
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.EntityDeclHandler = reader.refuse_doctype
    parser.ExternalEntityRefHandler = reader.refuse_doctype
    try:
        _parse(parser, reader, document)
        return _report(reader, own, now, days)
    except RefusedError as error:
        reason = error.reason
    except expat.ExpatError as error:
        reason = f"it is no XML ({error})"
    except (ValueError, LookupError) as error:
        reason = str(error)
    fields = reader.fields
    raise RefusedError(reason, fields.get(_ORGANISATION, ""), fields.get(_REPORT, ""))


def _parse(parser: expat.XMLParserType, reader: _Reader, document: bytes) -> None:
    events, since = 0, 0
    for place in range(0, len(document), CHUNK):
        parser.Parse(document[place : place + CHUNK], False)
        since = since + CHUNK if reader.events == events else 0
        events = reader.events
        if since > LONGEST_TAG:
            raise RefusedError(f"a tag is longer than {LONGEST_TAG // 1024**2} MB")
    parser.Parse(b"", True)


def _report(reader: _Reader, own: str, now: float, days: int) -> DmarcReport:
    fields = reader.fields
    missing = [place for place in (_ORGANISATION, _REPORT, _BEGIN, _END, _DOMAIN) if not fields.get(place)]
    if missing:
        raise RefusedError(f"{missing[0].rpartition('/')[2]} is missing")
    begin, end = (_number(fields[place], place.rpartition("/")[2], 10**11) for place in (_BEGIN, _END))
    period(begin, end, now, days)
    domain = domain_of(fields[_DOMAIN])
    if not below(domain, own):
        raise RefusedError(f"it is about {domain}")
    if not reader.results:
        raise RefusedError("it has no row")
    head = Head(DMARC, fields[_ORGANISATION], fields[_REPORT], domain, begin, end)
    return DmarcReport(head, dict(reader.results))


def _address(text: str) -> str:
    """An address in its one form; a zone (`fe80::1%eth0`) is none of a mail server."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        address = None
    if address is None or "%" in text:
        raise RefusedError(f"source_ip is {text[:60]!r}")
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _disposition(text: str) -> str:
    """The treatment in its one form; for RFC 7489's successor, `pass` is of messages that its policy left alone."""
    word = "none" if text in ("pass", "") else text
    if word not in DISPOSITIONS:
        raise RefusedError(f"disposition is {text[:60]!r}")
    return word


def _number(text: str, name: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text) or not 0 < int(text) <= most:
        raise RefusedError(f"{name} is {text[:60]!r}")
    return int(text)
