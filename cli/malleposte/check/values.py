"""Values held to a spec, without Ansible's kindness: a dictionary is no text, `yes` is no name."""

from __future__ import annotations

import difflib
import ipaddress
import re
import unicodedata
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any
from xml.parsers import expat

from malleposte.accounts.teams.model import STAFF, checked_link
from malleposte.check.sources import Sealed
from malleposte.core.errors import InputError
from malleposte.lists.rule import parse
from malleposte.platform import signature

Path = tuple[str | int, ...]
Fault = tuple[Path, str]
"""The path inside the value, and the fault there."""

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"(?=.{{1,253}}$)({LABEL}\.)+{LABEL}"
ADDRESS = rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{DOMAIN}"
PLACE = rf"(\[({DOMAIN}|[0-9a-fA-F.:]+)\]|{DOMAIN})"


def _network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=True)
    except ValueError:
        return False
    return True


def _address(text: str) -> bool:
    """An address, with the port that unbound takes after an @."""
    host, _, port = text.partition("@")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not port or port.isdigit()


def _root(text: str) -> bool:
    """One certificate that may sign others, in PEM; Python 3.13 wants its key usage said (RFC 5280, 4.2.1.3)."""
    if not text:
        return True
    from cryptography import x509

    try:
        (certificate,) = x509.load_pem_x509_certificates(text.encode())
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    return usage.key_cert_sign and basic.ca


def _colour(text: str) -> bool:
    """A colour that white text can be read on: a contrast of 4.5 at least (WCAG 2.1, 1.4.3)."""
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        return False
    parts = [byte / 255 for byte in bytes.fromhex(text[1:])]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) >= 4.5


def _picture(text: str) -> bool:
    """An SVG document that runs nothing and fetches nothing; or nothing."""
    if not text:
        return True
    if "<!" in text.partition("<svg")[0].replace("<!--", "") or re.search(
        r"<script|\son\w+\s*=|javascript:", text, re.I
    ):
        return False
    tags: list[str] = []
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda tag, _attributes: tags.append(tag)
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError:
        return False
    return tags[0] == "http://www.w3.org/2000/svg svg"


def _line(text: str) -> bool:
    """One line of plain text: no control or separator of lines, and nothing that a page would read as markup."""
    apart = any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in text)
    return bool(text.strip()) and not apart and not re.search(r"[<>]|&(#|[A-Za-z]+;)", text)


def _link(text: str) -> bool:
    """An address that the page of a team shows."""
    return _taken(lambda: checked_link("x", text)) and text == text.strip()


def _makers(text: str) -> bool:
    return text in ("", STAFF) or _taken(lambda: parse(text))


def _taken(read: Callable[[], object]) -> bool:
    try:
        read()
    except InputError:
        return False
    return True


def hour(text: Any) -> time | None:
    """An hour of the day as a fact says it (ISO 8601), or None."""
    try:
        parsed = time.fromisoformat(str(text))
    except ValueError:
        return None
    return parsed if parsed.tzinfo is None else None


def _day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _matching(pattern: str) -> Callable[[str], bool]:
    form = re.compile(pattern)
    return lambda text: bool(form.fullmatch(text))


FORMATS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "domain": (_matching(DOMAIN), "a domain in lower case, such as ac-exemple.test"),
    "hostname": (_matching(DOMAIN), "a host name in lower case, such as mail.ac-exemple.test"),
    "zone": (_matching(rf"\.|{DOMAIN}|{LABEL}"), "a zone's name"),
    "label": (_matching(LABEL), "one label of a name: lower-case letters, digits, hyphens"),
    "address": (_address, "an IPv4 or IPv6 address"),
    "network": (_network, "a network (CIDR) such as 192.0.2.0/24, with no bit set beyond its prefix"),
    "mail": (_matching(ADDRESS), "a mail address"),
    "maybe_mail": (_matching(rf"|{ADDRESS}"), "a mail address, or empty for none"),
    "line": (_line, "one line of plain text: leave out line breaks and markup (<, >, &…;)"),
    "hour": (lambda text: hour(text) is not None, 'an hour from "00:00" to "23:59", in quotes'),
    "day": (_day, 'a date such as "2026-12-25"'),
    "time_zone": (
        lambda text: text in zoneinfo.available_timezones(),
        "a name of the tz database, such as Europe/Paris",
    ),
    "https": (_matching(rf"https://{DOMAIN}(:[0-9]+)?(/.*)?"), "an https address"),
    "link": (_link, "an https address of a page, without a log-in in it, 300 characters at most"),
    "makers": (_makers, f"{STAFF}, or a rule of lists such as fonction=Principal, or empty for none"),
    "root": (_root, "one certificate of an authority (PEM) whose key usage allows certSign"),
    "colour": (_colour, "a colour #rrggbb dark enough for white text (contrast 4.5)"),
    "picture": (_picture, "the text of an SVG picture without scripts or entities"),
    "signature": (
        signature.is_template,
        f"a template whose braces hold one of {', '.join(signature.NAMES)}",
    ),
    "visio": (
        _matching(rf"|https://{DOMAIN}(:[0-9]+)?(/[^\s{{}}]*(\{{slug\}}[^\s{{}}]*)?)?"),
        "an https address, which may hold {slug} once after the host's name, or empty",
    ),
    "relay": (_matching(rf"|{PLACE}(:[0-9]+)?"), 'a relay such as "[smtp.example.test]:587", or empty'),
}

WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "keys and values",
    type(None): "nothing",
}
TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def word(value: Any) -> str:
    """Name the type of a value."""
    return next((text for kind, text in WORDS.items() if isinstance(value, kind)), type(value).__name__)


def spoken(path: Path) -> str:
    """A path as it is typed: `.options[2].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def faults(
    value: Any, spec: Mapping[str, Any], path: Path = (), *, templated: Callable[[Path], bool]
) -> Iterator[Fault]:
    """Everything that is wrong with a value. `templated` says whether the value at a path comes from a template.

    What a template makes may be a number for a text and the other way round, as Ansible converts it.
    """
    kind = str(spec.get("type", "str"))
    if isinstance(value, Sealed) or kind not in TYPES:
        return
    if not _right(value, kind, templated(path)):
        yield path, _wrong_type(value, kind)
        return
    choices = spec.get("choices")
    for one in value if isinstance(value, list) else [value]:
        if choices and one not in choices:
            yield path, f"{one!r} is none of {', '.join(map(str, choices))}"
    if "minimum" in spec and isinstance(value, int) and value < spec["minimum"]:
        yield path, f"{value} is less than {spec['minimum']}"
    if isinstance(value, list):
        yield from _items(value, spec, path, templated)
    elif isinstance(value, dict):
        yield from _keys(value, spec, path, templated)
    elif isinstance(value, str) and "format" in spec:
        right, what = FORMATS[spec["format"]]
        if not right(value):
            shown = repr(value) if "\n" not in value else "the text"
            yield path, f"{shown} is not {what}"


def _right(value: Any, kind: str, templated: bool) -> bool:
    if isinstance(value, bool) and kind != "bool":
        return False
    if isinstance(value, TYPES[kind]):
        return True
    if not templated or isinstance(value, list | dict | None):
        return False
    text = str(value)
    forms = {"str": r".*", "int": r"-?[0-9]+", "float": r"-?[0-9.]+", "bool": r"(?i)true|false|yes|no"}
    return kind in forms and bool(re.fullmatch(forms[kind], text, re.DOTALL))


def _wrong_type(value: Any, kind: str) -> str:
    expected = WORDS[TYPES[kind][-1]]
    shown = f" ({value!r})" if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if isinstance(value, bool):
        shown = f" ({str(value).lower()})"
    hint = "; put it in quotes" if TYPES[kind] == (str,) and isinstance(value, int | float) else ""
    hint = hint or ("; leave the quotes out" if kind in ("int", "float", "bool") and isinstance(value, str) else "")
    return f"{expected} is expected, not {word(value)}{shown}{hint}"


def _items(value: list[Any], spec: Mapping[str, Any], path: Path, templated: Callable[[Path], bool]) -> Iterator[Fault]:
    inner = {key: spec[key] for key in ("format", "options", "values", "minimum") if key in spec}
    if not spec.get("elements"):
        return
    for number, item in enumerate(value):
        yield from faults(item, {**inner, "type": spec["elements"]}, (*path, number), templated=templated)


def _keys(
    value: dict[str, Any], spec: Mapping[str, Any], path: Path, templated: Callable[[Path], bool]
) -> Iterator[Fault]:
    options: Mapping[str, Any] = spec.get("options") or {}
    if not options and "values" not in spec:
        return
    slips = set()
    for key, inner in value.items():
        below = options.get(key) or spec.get("values")
        if below is None:
            near = nearest(str(key), list(options))
            slips.add(near)
            hint = f"did you mean {near}?" if near else spec.get("unknown") or f"known: {', '.join(options)}"
            yield (*path, key), f"no such key; {hint}"
        else:
            yield from faults(inner, below, (*path, key), templated=templated)
    for key, below in options.items():
        if below.get("required") and key not in value and key not in slips:
            yield path, f"the key {key} is missing"


def nearest(name: str, names: Sequence[str]) -> str | None:
    """The name most like this one."""
    return next(iter(difflib.get_close_matches(name, names, n=1)), None)
