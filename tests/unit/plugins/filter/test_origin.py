"""The banner above a message: where it comes from, how its sender was proved, which links lie; tried by node."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.filter.origin import origin_script, origin_style

SERVER, DOMAIN = "mail.ac-exemple.test", "ac-exemple.test"
PASS = f"{SERVER}; dkim=pass header.d=lointain.test; dmarc=pass (policy=reject) header.from=lointain.test"
RUN = """
globalThis.window = globalThis;
globalThis.document = {documentElement: {lang: "%s"}};
%s
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
    console.log(JSON.stringify(JSON.parse(line).map(([name, ...given]) => mpOrigin[name](...given))));
});
"""


class Script:
    """The script in one language and domain, in a process that answers line by line."""

    def __init__(self, language: str, domain: str) -> None:
        words = ["node", "--eval", RUN % (language, origin_script(SERVER, domain))]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def asked(self, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(calls) + "\n")
        self.process.stdin.flush()
        found: list[Any] = json.loads(self.process.stdout.readline())
        return found


STARTED: dict[tuple[str, str], Script] = {}


@pytest.fixture(scope="module", autouse=True)
def scripts() -> Iterator[None]:
    """End the processes that the tests of this file began."""
    yield
    for script in STARTED.values():
        script.process.communicate(timeout=300)
    STARTED.clear()


def asked(*calls: tuple[Any, ...], language: str = "fr", domain: str = DOMAIN) -> list[Any]:
    """Return the script's answers, call by call."""
    if (language, domain) not in STARTED:
        STARTED[language, domain] = Script(language, domain)
    return STARTED[language, domain].asked(calls)


def remarks(address: str, proof: str | None = PASS, name: str = "", author: str = "") -> list[str]:
    """The remarks on one message."""
    if proof is PASS:
        proof = PASS.replace("lointain.test", address.lower().rpartition("@")[2])
    mail = {"address": address, "name": name} | ({} if proof is None else {"proof": proof, "author": author})
    found: list[str] = asked(("remarks", mail))[0]
    return found


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("voisin@lointain.test", ["outside"]),
        ("Marie.Dupond@AC-Exemple.test", []),
        ("ce.9990001x@lists.ac-exemple.test", []),
        ("marie@autre-ac-exemple.test", ["outside", "resembles"]),
        ("marie@ac-exemple.test.lointain.test", ["outside", "resembles"]),
        ("marie@ac-exernple.test", ["outside", "resembles"]),
        ("marie@ac-exempel.test", ["outside", "resembles"]),
        ("marie@ac-exempe.test", ["outside", "resembles"]),
        ("marie@ac-exеmplе.test", ["outside", "resembles"]),
        ("marie@xn--ac-exmple-kxg.test", ["outside", "resembles"]),
        ("marie@acexemple.test", ["outside", "resembles"]),
        ("marie@exemple.test", ["outside"]),
        ("marie@ac-ailleurs.test", ["outside"]),
    ],
)
def test_mail_from_outside_and_look_alikes_are_told(address: str, told: list[str]) -> None:
    assert remarks(address) == told


def test_a_short_name_resembles_no_other() -> None:
    mail = {"address": "a@vert.test", "name": "", "proof": f"{SERVER}; dmarc=pass"}
    assert asked(("remarks", mail), domain="verre.test") == [["outside"]]
    assert asked(("remarks", mail), domain="vers.test") == [["outside"]]


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        (PASS, ["outside"]),
        (f"{SERVER}; dkim=none; spf=pass smtp.mailfrom=x@lointain.test", ["outside"]),
        (f"{SERVER.upper()} 1; dkim=fail; dkim=pass header.d=lointain.test header.s=a; spf=fail", ["outside"]),
        (f"{SERVER}; spf=pass smtp.mailfrom=x@courrier.lointain.test", ["outside"]),
        (f"{SERVER}; dmarc=pass", ["outside"]),
        (f"{SERVER}; dmarc=pass header.from=mechant.test", ["outside", "unproved"]),
        (f"{SERVER}; spf=pass smtp.mailfrom=x@mechant.test", ["outside", "unproved"]),
        (f"{SERVER}; spf=pass", ["outside", "unproved"]),
        (f"{SERVER}; spf=pass smtp.mailfrom=x@lointain.test.mechant.test", ["outside", "unproved"]),
        (f"{SERVER}; spf=pass smtp.mailfrom=x@mechantlointain.test", ["outside", "unproved"]),
        (f"{SERVER}; dkim=pass header.d=mechant.test; spf=fail smtp.mailfrom=x@lointain.test", ["outside", "unproved"]),
        (f"{SERVER}; dkim=pass header.d=mechant.test; dkim=fail header.d=lointain.test", ["outside", "unproved"]),
        (f"{SERVER}; spf=fail smtp.mailfrom=dkim=pass@mechant.test header.d=lointain.test", ["outside", "unproved"]),
        (f"{SERVER}; spf=pass; dkim=pass; dmarc=fail (p=reject)", ["outside", "unproved"]),
        (f"{SERVER}; spf=softfail; dkim=none", ["outside", "unproved"]),
        ("mail.lointain.test; dmarc=pass", ["outside", "unproved"]),
        (f'{SERVER}; dmarc=none; spf=fail smtp.mailfrom="a dkim=pass "@b.test', ["outside", "unproved"]),
        (f"{SERVER}; dmarc=none; spf=fail (said: dkim=pass)", ["outside", "unproved"]),
        ("", ["outside", "unproved"]),
        (None, ["outside"]),
    ],
)
def test_only_our_own_servers_word_proves_a_sender(proof: str | None, told: list[str]) -> None:
    assert remarks("voisin@lointain.test", proof) == told


def test_a_colleague_is_doubted_only_where_the_server_has_checked() -> None:
    inside = "marie.dupond@ac-exemple.test"
    assert remarks(inside, "") == []
    assert remarks(inside, f"{SERVER}; dmarc=fail") == ["unproved"]
    assert remarks(inside, f"{SERVER}; dmarc=pass") == []
    assert remarks(inside, f"{SERVER}; dkim=pass header.d={DOMAIN}; spf=none") == []


def test_an_envelope_proves_no_colleague() -> None:
    inside = "marie.dupond@ac-exemple.test"
    assert remarks(inside, f"{SERVER}; spf=pass smtp.mailfrom=x@mechant.test") == ["unproved"]
    assert remarks(inside, f"{SERVER}; spf=pass smtp.mailfrom=x@{DOMAIN}; dkim=none") == ["unproved"]
    assert remarks(inside, f"{SERVER}; dkim=pass header.d=mechant.test; spf=pass smtp.mailfrom=x@{DOMAIN}") == [
        "unproved"
    ]


def test_the_author_whom_the_filter_verified_is_proved() -> None:
    proof = f"{SERVER}; spf=pass smtp.mailfrom=x@b.lointain.test"
    assert remarks("Voisin@a.lointain.test", proof, author="voisin@a.lointain.test") == ["outside"]
    assert remarks("voisin@a.lointain.test", proof, author="autre@a.lointain.test") == ["outside", "unproved"]
    assert remarks("voisin@a.lointain.test", proof) == ["outside", "unproved"]


def test_a_check_that_another_domain_passed_is_said_to_be_so() -> None:
    mail = {"address": "voisin@lointain.test", "name": "", "proof": f"{SERVER}; spf=pass smtp.mailfrom=x@mechant.test"}
    assert asked(("words", mail, []))[0]["rows"][0].endswith("vérifié pour un autre domaine")


def test_a_shown_name_that_is_another_address_is_told() -> None:
    assert remarks("voisin@lointain.test", name="recteur@ac-exemple.test") == ["outside", "claims"]
    assert remarks("voisin@lointain.test", name="Voisin (Voisin@Lointain.test)") == ["outside"]


@pytest.mark.parametrize(
    ("text", "href", "told"),
    [
        ("https://portail.ac-exemple.test/", "https://vol.test/x", [["portail.ac-exemple.test", "vol.test"]]),
        (" www.impots.gouv.fr ", "http://1.2.3.4/", [["impots.gouv.fr", "1.2.3.4"]]),
        ("ac-exemple.test", "https://ac-exemple.test.vol.test/", [["ac-exemple.test", "ac-exemple.test.vol.test"]]),
        ("Connexion", "https://portail.ac-exemple.test@vol.test/", [["portail.ac-exemple.test", "vol.test"]]),
        ("ac-exemple.test", "https://portail.ac-exemple.test/aide", []),
        ("https://www.lointain.test/", "https://lointain.test/", []),
        ("Cliquez ici", "https://vol.test/", []),
        ("bulletin.pdf", "https://nuage.test/f/12", []),
        ("marie@lointain.test", "mailto:marie@lointain.test", []),
        ("lointain.test", "https://%zz@vol.test/", []),
        ("lointain.test", "cid:1", []),
        ("version 2.14", "https://vol.test/", []),
    ],
)
def test_links_whose_text_is_another_address_are_told(text: str, href: str, told: list[list[str]]) -> None:
    assert asked(("lies", [{"textContent": text, "href": href}])) == [told]


@pytest.mark.parametrize(
    ("language", "word"),
    [
        ("fr", "Un lien affiche «\u00a0a.test\u00a0», mais mène à «\u00a0vol.test\u00a0»."),
        ("en", "A link shows “a.test”, but leads to “vol.test”."),
    ],
)
def test_it_is_said_in_the_pages_language(language: str, word: str) -> None:
    mail = {"address": "voisin@lointain.test", "name": "", "proof": PASS}
    lie, plain = ([{"textContent": text, "href": "https://vol.test/"}] for text in ("a.test", "ici"))
    both = asked(("words", mail, lie), ("words", mail, plain), language=language)
    assert both[0]["lines"][1:] == [word]
    assert "(voisin@lointain.test)" in both[0]["lines"][0]
    assert [one["grave"] for one in both] == [True, False]
    assert len(both[0]["rows"]) == 2


def test_the_languages_have_the_same_words() -> None:
    parts = re.findall(r"^    (?:fr|en): \{\n(.*?)^    \}", origin_script(SERVER, DOMAIN), re.M | re.S)
    french, english = (re.findall(r'^      (\w+): "', part, re.M) for part in parts)
    assert french == english != []


@pytest.mark.parametrize(
    ("address", "known", "host"),
    [
        ("https://vol.example/page", "-", "vol.example"),
        ("https://vol.example/page", "autre.example vol.example", ""),
        ("http://VOL.example.:8080/", "vol.example", ""),
        ("https://vol.example@autre.example/", "vol.example", "autre.example"),
        ("https://sous.vol.example/", "vol.example", "sous.vol.example"),
        ("https://vol.exampl\u0435/", "vol.example", "vol.xn--exampl-8of"),
        ("https://0x7f.1/", "0x7f.1", "127.0.0.1"),
        ("https://portail.ac-exemple.test/", "-", ""),
        ("https://ac-exemple.test.vol.example/", "-", "ac-exemple.test.vol.example"),
        ("mailto:a@vol.example", "-", ""),
        ("https://", "-", ""),
    ],
)
def test_a_link_to_a_site_that_the_filter_does_not_know_is_asked_about(address: str, known: str, host: str) -> None:
    assert asked(("unknownHost", address, known)) == [host]


def test_an_academys_name_cannot_leave_its_place() -> None:
    assert json.dumps({"server": "a'b", "domain": "x.test"}) in origin_script("a'b", "X.test")


def test_every_rule_of_the_style_is_bound_to_the_parent() -> None:
    lines = origin_style("#above").splitlines()
    assert lines
    places = ("#above > .malleposte-banner", "body > dialog.malleposte-link")
    assert all(line.startswith(places) and line.count("{") == 1 for line in lines)
    assert not any("," in line.partition("{")[0] for line in lines)


@pytest.mark.parametrize(
    ("address", "notice", "told"),
    [
        ("voisin@lointain.test", "first", ["unknown"]),
        ("voisin@lointain.test", "first head", ["unknown", "head"]),
        ("voisin@lointain.test", "head desk", ["outside", "head", "desk"]),
        ("voisin@lointain.test", "firsthead", ["outside"]),
        ("marie.dupond@ac-exemple.test", "first head", []),
        ("marie.dupond@ac-exemple.test", "desk", ["desk"]),
        ("marie.dupond@ac-exemple.test", "", []),
    ],
)
def test_what_the_filter_noticed_of_the_sender_is_told(address: str, notice: str, told: list[str]) -> None:
    proof = PASS.replace("lointain.test", address.rpartition("@")[2])
    mail = {"address": address, "name": "Madame Martin", "proof": proof, "author": address, "notice": notice}
    first, said = asked(("remarks", mail), ("words", mail, []))
    assert first == told
    assert len(said["lines"]) == len(told) and said["grave"] is bool({"head", "desk"} & set(told))
    assert not any("$1" in line for line in said["lines"])
