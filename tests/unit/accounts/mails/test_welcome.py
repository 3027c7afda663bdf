"""The letter of welcome: what it says of passwords, and where it leads."""

import datetime
import re
from html.parser import HTMLParser

import pytest
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails import welcome
from malleposte.policy.model import Policy

from tests.support.portal import ADDRESSES

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
FACTS = Facts("ac-exemple.test", "académie d’Exemple", "pia.ac-exemple.test", "01 23 45 67 89",
              "assistance@ac-exemple.test", "8 h à 18 h", "8 to 18", Policy(),
              "mail.ac-exemple.test", "dav.ac-exemple.test")  # fmt: skip
HELD = {"givenName": ["Marie <b>"], "mail": ["marie.dupond@ac-exemple.test"], "uid": ["mdupond"]}
LINKS = [f"https://pia.ac-exemple.test{ADDRESSES[name][0]}" for name in ("setup", "guide")]


class Links(HTMLParser):
    """The addresses to which a page leads, its tags, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.found += [str(value) for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def parts() -> tuple[str, Links]:
    """The text of the letter, and its HTML."""
    letter = welcome.letter(HELD, FACTS, NOW)
    assert letter.get_content_type() == "multipart/alternative"
    plain, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None and html is not None
    return plain.get_content(), Links(html.get_content())


def test_a_phone_gets_a_password_of_its_own_not_that_of_the_account(parts: tuple[str, Links]) -> None:
    for text in (parts[0], parts[1].text):
        assert "n’utilisez pas le mot de passe de votre compte" in text
        assert "un mot de passe pour lui seul" in text
        assert "do not use the password of your account" in text
        assert "et votre mot de passe" not in text
        assert "dav.ac-exemple.test" not in text, "that address takes programs alone"


def test_it_has_two_links_and_both_are_pages_of_the_portal(parts: tuple[str, Links]) -> None:
    plain, html = parts
    assert re.findall(r"https?://\S+", plain) == LINKS
    assert html.found == LINKS
    assert all(link in html.text for link in LINKS), "spelled out, so that they can be typed"


def test_a_name_is_text_in_both(parts: tuple[str, Links]) -> None:
    plain, html = parts
    assert "Bonjour Marie <b>," in plain and "Bonjour Marie <b>," in html.text
    assert "script" not in html.tags and "img" not in html.tags


def test_an_account_without_address_gets_none() -> None:
    with pytest.raises(ValueError, match=r".+"):
        welcome.letter({**HELD, "mail": []}, FACTS, NOW)
