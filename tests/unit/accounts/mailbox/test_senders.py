"""An agent's antispam: what is kept, the script that is made of it, and that nothing typed becomes code."""

import json
import random
import re
import time
from pathlib import Path

import pytest
from malleposte.accounts.mailbox import filters, senders
from malleposte.accounts.mailbox.senders import Edit, FullListError, Senders
from malleposte.core.errors import InputError
from malleposte.core.paths import ROOT

from tests.support import naughty

CHOSEN = Senders("strict", ("ami@lointain.test", "sûr.test".encode("idna").decode()), ("pub.test", "x@sur.test"))
SPAM = ROOT / "roles/dovecot/templates/etc/dovecot/sieve/before/10-spam.sieve.j2"
RSPAMD = ROOT / "roles/rspamd"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "store" / "ab" / "mdupond"


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()


def test_a_change_is_kept_and_read_again(home: Path) -> None:
    assert senders.read(home) == Senders() and Senders().plain
    now = senders.change(home, Edit("strict", ("ami@lointain.test",), ("pub.test",)))
    assert now == Senders("strict", ("ami@lointain.test",), ("pub.test",)) == senders.read(home)
    assert (home / senders.FILE).stat().st_mode & 0o777 == 0o600
    assert (home / senders.FILE).stat().st_mtime > time.time()
    assert senders.change(home, Edit(remove=("pub.test", "inconnu.test"))) == Senders("strict", ("ami@lointain.test",))


def test_a_list_is_a_trace_that_goes_alone(home: Path) -> None:
    assert senders.traces(home) == []
    many = tuple(f"x{number}.test" for number in range(6))
    senders.change(home, Edit("strict", ("ami@lointain.test",), many))
    allowed, blocked = senders.traces(home)
    assert (allowed.kind, allowed.what, allowed.who) == ("senders", "allowed", "ami@lointain.test")
    assert (blocked.what, blocked.who) == ("blocked", "x0.test, x1.test, x2.test, x3.test (+2)")
    senders.empty(home, blocked)
    assert senders.read(home) == Senders("strict", ("ami@lointain.test",))
    assert senders.traces(home) == [allowed]


def test_who_chose_nothing_any_more_has_no_file(home: Path) -> None:
    senders.change(home, Edit("strict", block=("pub.test",)))
    (home / "senders.svbin").write_bytes(b"compiled")
    assert senders.change(home, Edit("normal", remove=("pub.test",))).plain
    assert list(home.iterdir()) == []


def test_a_sender_is_in_one_list(home: Path) -> None:
    senders.change(home, Edit(block=("ami@lointain.test",)))
    assert senders.change(home, Edit(allow=("ami@lointain.test",))) == Senders(allowed=("ami@lointain.test",))
    with pytest.raises(InputError, match="either"):
        Edit(allow=("a.test",), block=("a.test",)).to(Senders())
    assert senders.read(home) == Senders(allowed=("ami@lointain.test",))


def test_a_list_has_an_end() -> None:
    whole = tuple(f"a{number}@lointain.test" for number in range(senders.MOST))
    assert len(Edit(block=whole).to(Senders()).blocked) == senders.MOST
    with pytest.raises(FullListError):
        Edit(block=("encore@lointain.test",)).to(Senders(blocked=whole))
    assert Edit(block=whole[:3]).to(Senders(blocked=whole)).blocked, "what is there needs no room"


@pytest.mark.parametrize("kept", ["ami@lointain.test", "a.b+c_d-e'f@x.lointain.test", "$x{y}@a.test", "xn--t-9fa.test"])
def test_addresses_and_domains_are_taken(kept: str) -> None:
    assert senders.checked(kept) == kept


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "test", "@a.test", "a@b", "a b@c.test", 'a"b@c.test', "a\\b@c.test", "a@b.test\n", "a@b.test\nstop;"),
        *("Ami@a.test", "é@a.test", "a@é.test", "*.test", "a@*.test", "?.test", "a@b.test, c@d.test"),
        *(".a.test", "-a.test", "a.test.", "a@-b.test", "a.@b.test"),
        *("a..b@c.test", "a@b..test", "a@[192.0.2.7]", '"]; stop; #.test', "${x}.test", f"{'a' * 250}.test"),
        *("a;b.test", "a@b.test;", "a@b.test)", "(a)@b.test", "<a@b.test>", "a@b.test\r", "a\0@b.test"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(wrong: str, home: Path) -> None:
    for edit in (Edit(allow=(wrong,)), Edit(block=(wrong,))):
        with pytest.raises(InputError):
            senders.change(home, edit)
    assert not home.exists()
    with pytest.raises(InputError):
        Edit(level=wrong or "?").to(Senders())


STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
"""A string of Sieve (RFC 5228, 2.4.2)."""


def strings(text: str) -> list[str]:
    """The strings of a script; nothing else of it but the comment may hold what was typed."""
    return [found[1] for line in text.splitlines() if not line.startswith("#") for found in STRING.finditer(line)]


def test_the_script_says_what_was_chosen() -> None:
    text = senders.script(CHOSEN)
    assert senders.parsed(text) == CHOSEN
    assert strings(text) == [
        "imap4flags", "$MpStrict", senders.AUTHOR, "ami@lointain.test", "$MpAllowed", "from", "x@sur.test",
        "$MpBlocked", senders.AUTHOR, "*@xn--sr-uka.test", "*@sûr.test", "$MpAllowed", "from", "pub.test",
        "*.pub.test", "$MpBlocked",
    ]  # fmt: skip
    assert senders.parsed(senders.script(Senders())) == Senders()


def test_nothing_that_is_typed_becomes_code() -> None:
    """Whatever passes the form stands in the script as strings and in one comment, and comes back as it was."""
    seed = random.Random(11)
    signs = "abz019.@-_+!#$%&'*/=?^`{|}~\"\\\n\r;${}[] é\0"
    typed = [*naughty.every(), *("".join(seed.choices(signs, k=seed.randint(1, 30))) + ".test" for _ in range(3000))]
    typed += [f"{''.join(seed.choices(signs, k=seed.randint(1, 12)))}@lointain.test" for _ in range(3000)]
    taken = []
    for one in typed:
        try:
            taken.append(senders.checked(one))
        except InputError:
            continue
    assert len(taken) > 30
    bare = re.sub(r'"[^"\\\n]*"', '""', senders.script(Senders("strict", ("a@b.test",), ())).split("\n", 2)[2])
    for one in dict.fromkeys(taken):
        text = senders.script(Senders("strict", (one,), ()))
        assert senders.parsed(text).allowed == (one,)
        head, data, rest = text.split("\n", 2)
        assert head.startswith("#") and data.startswith("#: ")
        if "@" in one:
            assert re.sub(r'"[^"\\\n]*"', '""', rest) == bare, one
            assert one in strings(rest)


@pytest.mark.parametrize("text", ['a"b', "a\\b", 'x"; stop; #', "${hex: 41}", "ligne\r\nautre", "\\", '"'])
def test_a_quotation_ends_where_it_should(text: str) -> None:
    whole = STRING.fullmatch(senders.quoted(text))
    assert whole and re.sub(r"\\(.)", r"\1", whole[1], flags=re.DOTALL) == text


def test_what_somebody_else_wrote_into_the_file_chooses_nothing(home: Path) -> None:
    home.mkdir(parents=True)
    for text in ("", "keep;", "#: {", '#: {"level": "strict"}', '#: {"level":"strict","allowed":["a b"],"blocked":[]}'):
        (home / senders.FILE).write_text(text)
        assert senders.read(home) == Senders(), text
    (home / senders.FILE).unlink()
    (home / senders.FILE).symlink_to("/etc/passwd")
    assert senders.read(home) == Senders()
    assert senders.change(home, Edit("strict")).level == "strict"
    assert not (home / senders.FILE).is_symlink()


def test_another_webmail_or_class_leaves_the_choices(home: Path) -> None:
    senders.change(home, Edit("strict", ("ami@lointain.test",), ("pub.test", "autre.test")))
    (home / "sieve").mkdir()
    for name in ("sogo", "roundcube"):
        (home / "sieve" / f"{name}.sieve").write_text("keep;\n")
    (home / filters.ACTIVE).symlink_to("sieve/sogo.sieve")
    assert filters.carry(home, "roundcube") == "sogo"
    held = filters.read(home)
    assert (held.level, held.allowed, held.blocked) == ("strict", 1, 2)
    assert set(held.texts) == {"sogo", "roundcube", "carried.sieve"}, "no script that ManageSieve shows"
    assert senders.read(home).blocked == ("pub.test", "autre.test")


def test_an_export_has_them_in_french_words() -> None:
    assert senders.own_terms(Senders()) == {}
    held = senders.own_terms(CHOSEN)
    assert json.loads(json.dumps(held))["niveau"] == "strict" and held["expéditeurs bloqués"] == CHOSEN.blocked


@pytest.mark.parametrize(
    ("sender", "whole"),
    [("ac-exemple.test", True), ("lists.ac-exemple.test", True), ("exemple.test", False),
     ("chef@ac-exemple.test", False), ("xac-exemple.test", False)],
)  # fmt: skip
def test_a_domain_stands_for_itself_and_those_beside(sender: str, whole: bool) -> None:
    assert senders.covers(sender, "ac-exemple.test") is whole
    assert senders.covers("exemple.test", "ac.exemple.test")


def test_the_platform_s_script_and_filter_know_the_same_names() -> None:
    spam = SPAM.read_text("utf-8")
    for mark in senders.MARKS.values():
        assert spam.count(f'"{mark}"') == 2, "it is looked at and taken off"
    assert senders.AUTHOR in (RSPAMD / "files/etc/rspamd/lua.local.d/author.lua").read_text("utf-8")
    removed = (RSPAMD / "templates/etc/rspamd/local.d/milter_headers.conf.j2").read_text("utf-8")
    assert f'"{senders.AUTHOR}" = 0;' in removed
    conf = (ROOT / "roles/dovecot/templates/etc/dovecot/dovecot.conf.j2").read_text("utf-8")
    assert 0 < conf.index(f"path = ~/{senders.FILE}") < conf.index("sieve_script platform-before")
