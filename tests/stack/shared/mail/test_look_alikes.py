"""Names that only look like an address of ours, and domains below ours, from outside."""

import base64
import json

import pytest

from tests.stack.support.mail import FOREIGN, compose, token

OURS = "ac-exemple.test"


@pytest.fixture
def subject() -> str:
    return token()


def symbols(site, name: str, author: str = "x@mechant.test") -> set[str]:
    """Return the filter's verdict on a message from outside under a display name."""
    encoded = base64.b64encode(name.encode()).decode()
    message = (
        f"From: =?utf-8?B?{encoded}?= <{author}>\r\nTo: probe1@{OURS}\r\nSubject: essai\r\n"
        f"Message-ID: <{token()}@mechant.test>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\nBonjour.\r\n"
    )
    scan = "rspamc -h /run/rspamd/controller.sock -j --ip 198.51.100.7 --from x@mechant.test"
    found = json.loads(site.run("mail1", f"{scan} --rcpt probe1@{OURS}", given=message))
    return set(found["symbols"])


@pytest.mark.parametrize(
    "name",
    [
        "rectorat@ac-exemple.test",
        "rectorat@ac-exe\u200bmple.test",
        "rectorat@ac-exemple\u2024test",
        "rectorat@ac\u2027exemple.test",
        "rectorat@ac\u2010exemple.test",
        "\uff52ectorat\uff20ac-exemple\uff0etest",
        "\u202etset.elpmexe-ca@tarotcer",
    ],
)
def test_a_name_that_looks_like_an_address_of_ours_is_marked(site, name):
    assert "MP_NAME_IS_OURS" in symbols(site, name)


@pytest.mark.parametrize("name", ["Rectorat", "Élève\u00ad@home", "tset.elpmexe-ca@tarotcer", "x@ac-exemple.testa"])
def test_other_names_are_not(site, name):
    assert "MP_NAME_IS_OURS" not in symbols(site, name)


def test_a_domain_below_ours_is_ours(mail, subject):
    target = mail.account("probe1").mail
    forged = f"direction@scolarite.{OURS}"
    answer = mail.stranger(f"{subject}a@{FOREIGN}", target, compose(forged, target, f"{subject}a"))
    assert (answer.step, answer.code) == ("DATA", 554), answer
    assert "sous-domaine" in answer.text
    assert mail.count("probe1", subject) == 0


@pytest.mark.parametrize(
    ("author", "forged"),
    [
        ("a@scolarite.ac-exemple.test", True),
        ("a@b.scolarite.ac-exemple.test", True),
        ("a@scolarite.mechant.test", False),
        ("a@xac-exemple.test", False),
    ],
)
def test_other_domains_with_a_part_before_them_are_not_ours(site, author, forged):
    assert ("MP_SENDER_FORGED" in symbols(site, "Direction", author)) is forged


def test_the_published_record_refuses_for_domains_below(world):
    assert "sp=reject" in world.check_output(f"kdig +short @127.0.0.1 TXT _dmarc.{OURS}")
