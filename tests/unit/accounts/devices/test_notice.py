"""Letters about devices."""

import datetime
from dataclasses import replace

from malleposte.accounts.devices import notice
from malleposte.accounts.life.renewal import Facts
from malleposte.directory.devices import Device
from malleposte.policy.model import Policy

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
FACTS = Facts("ac-exemple.test", "académie d’Exemple", "pia.ac-exemple.test", "01 23 45 67 89",
              "assistance@ac-exemple.test", "8 h à 18 h", "8 to 18", Policy())  # fmt: skip
DEVICE = Device("abcdefgh", "mdupond", "Téléphone", ("imap", "dav"), NOW)


def test_the_owner_reads_what_was_made_in_french_and_english() -> None:
    letter = notice.created(DEVICE, "marie.dupond@ac-exemple.test", FACTS, NOW)
    text = letter.get_content()
    assert letter["To"] == "marie.dupond@ac-exemple.test" and letter["Auto-Submitted"] == "auto-generated"
    assert "Appareil\u00a0: Téléphone" in text and "lire le courrier, agenda et contacts" in text
    assert "read mail, calendar and contacts" in text and "Fin\u00a0: aucune" in text
    assert "abcdefgh" not in text
    ended = notice.created(replace(DEVICE, expires=NOW + datetime.timedelta(days=10)), "a@b.test", FACTS, NOW)
    assert "le 04/12/2026" in ended.get_content()


def test_a_name_with_braces_stays_what_it_is() -> None:
    letter = notice.revoked(replace(DEVICE, name="{phone} {0}"), "a@b.test", FACTS, NOW)
    assert "«\u00a0{phone} {0}\u00a0»" in letter.get_content() and "{phone} {0}" in letter["Subject"]
