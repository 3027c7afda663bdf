"""Texts that break programs, made by kind: what a cell of a feed may hold by mistake or by malice."""

import itertools
import unicodedata
from collections.abc import Iterator

RESERVED = ("null", "NULL", "None", "undefined", "true", "nil", "NaN", "INF", "con", "aux", "constructor", "__proto__")
NUMBERS = ("0", "-0", "1e309", "0x7f", "1/0", "2147483648", "-9223372036854775809", "١٢٣", "１２", "½", "1_000", "٪")
MARKUP = (
    "<script>alert(1)</script>",
    "<!--",
    "]]>",
    "&amp;#x27;",
    "javascript:alert(1)",
    '" onmouseover="x',
    "<img src=x>",
)
SQL = ("' OR 1=1 --", "'; DROP TABLE agents;--", '"; SELECT 1', "1 UNION SELECT NULL", "%' AND '1'='1")
SHELL = (
    "$(id)",
    "`id`",
    "; rm -rf /",
    "| cat /etc/passwd",
    "&& true",
    "> /tmp/x",
    "../../etc/passwd",
    "$HOME",
    "-rf",
    "~root",
)
TEMPLATES = (
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{%raw%}",
    "%{x}",
    "%s%s%n",
    "${jndi:ldap://x/}",
    "{0.__class__}",
)
FORMULAS = (
    "=cmd|'/C calc'!A1",
    "=HYPERLINK(1)",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    " =1",
    "|x",
    "%0A",
    "＝1+1",
    "\r=1",
    "\n=1",
)
LDAP = (
    *("*)(uid=*", "*", "(|(uid=*))", "\\2a", "a,ou=services", "a+b=c", 'a"b', "a;b<c>", "#hex", "uid=x", "a\\,b"),
    *("x,dc=ac-exemple,dc=test", ")(objectClass=*", "\\00", "cn=provision,ou=services"),
)
LINES = ("a\nb: c", "a\r\nuserPassword: x", "a\n\nb", "a\x0bb", "a\x0cb", "a\x85b", "a\u2028b")


def controls() -> Iterator[str]:
    """Every control, and what cannot be seen: directions, joiners, marks of byte order, private and lone signs."""
    runs = (range(0x20), range(0x7F, 0xA0), range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2060, 0x2070))
    alone = (0xAD, 0x61C, 0x180E, 0xE000, 0xFEFF, 0xFFF9, 0xFFFE, 0xFFFF, 0xE0001, 0xE0041, 0x10FFFF)
    for number in (*itertools.chain(*runs), *alone):
        yield f"Mar{chr(number)}tin"


def scripts() -> Iterator[str]:
    """Words of other alphabets, look-alikes among them; the longest of one letter; emoji of several signs."""
    yield from (
        "Лев",
        "М\u0430rtin",
        "ΑΒΓ",
        "שלום",
        "سلام",
        "田中",
        "ﷺ",
        "𝓜artin",
        "Ｍartin",
        "Maɐtin",
        "ꙮ",
        "ﬁn",
        "ẞ",
        "Ⅳ",
    )
    yield from ("😀", "👩‍👩‍👧", "🇫🇷", "👍🏽", "☃️", "Mar😀tin")
    yield "Z" + "".join(chr(0x300 + number) for number in range(60))
    yield "a\u0300\u0301\u0302\u0303b"
    yield unicodedata.normalize("NFD", "Éléonore")


def long() -> Iterator[str]:
    """Cells that are too long, by little and by much."""
    yield from ("x" * 201, "é" * 100_000, "x" * 1_000_000, " " * 300 + "x", "\u0301" * 5000)


def every() -> tuple[str, ...]:
    """All of them."""
    return (
        *RESERVED, *NUMBERS, *MARKUP, *SQL, *SHELL, *TEMPLATES, *FORMULAS, *LDAP, *LINES,
        *controls(), *scripts(), *long(),
        "", " ", "\u00a0", "'", "''", "-", "--", ".", "’", "()", "d'", "A", "é",
    )  # fmt: skip
