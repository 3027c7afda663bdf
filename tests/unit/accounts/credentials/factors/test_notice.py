"""Letters about log-ins: French first, the facts, and no secret."""

import datetime
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from malleposte.accounts.credentials.factors import notice
from malleposte.accounts.life.renewal import Facts
from malleposte.policy.model import Policy

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
FACTS = Facts("ac-exemple.test", "académie d'Exemple", "pia.ac-exemple.test", "03", "aide@ac-exemple.test", "8 h", "8",
              Policy())  # fmt: skip
TO = "marie.dupond@ac-exemple.test"


def named(name: str, *, added: bool) -> EmailMessage:
    return notice.factor("totp", name, added=added, login="mdupond", to=TO, facts=FACTS, now=NOW)


@pytest.mark.usefixtures("paris")
@pytest.mark.parametrize(
    ("written", "said", "said_en"),
    [
        (lambda: named("Telephone", added=True), "(application de codes « Telephone »)", "A second factor was added"),
        (lambda: named("a {login} %s", added=False), "« a {login} %s »", "A second factor was removed"),
        (lambda: notice.codes("mdupond", TO, FACTS, NOW), "Les anciens ne servent plus", "New recovery codes"),
        (lambda: notice.spent(3, "mdupond", TO, FACTS, NOW), "Il vous reste 3 code(s)", "A recovery code was used"),
        (
            lambda: notice.place("192.0.2.7", "", "mdupond", TO, FACTS, NOW),
            "nouveau lieu (adresse 192.0.2.7)",
            "a new place",
        ),
    ],
    ids=["added", "removed", "codes", "spent", "place"],
)
def test_each_says_what_happened_and_whom_to_call(written: Callable[[], EmailMessage], said: str, said_en: str) -> None:
    letter = written()
    text = letter.get_content()
    assert said in text and said_en in text and text.index(said) < text.index(said_en)
    assert "(mdupond), le 01/09/2026 à 10 h 00" in text and "03 (8 h)" in text
    assert letter["To"] == TO and letter["Auto-Submitted"] == "auto-generated"
    assert "https://" not in text


def test_what_stops_is_said_with_the_place_that_mends_it() -> None:
    def letter(*closed: str) -> str:
        made = notice.factor("totp", "T", added=True, login="mdupond", to=TO, facts=FACTS, now=NOW, closed=closed)
        return " ".join(str(made.get_content()).split())

    assert "s’arrêtent (vus récemment : {K-9}, imap). Donnez" in letter("{K-9}", "imap", "imap")
    assert "s’arrêtent. Donnez à chacun" in letter() and "pia.ac-exemple.test" in letter()
    assert "n’ouvre plus" not in named("T", added=True).get_content()
