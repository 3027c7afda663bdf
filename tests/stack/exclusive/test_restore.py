"""The whole directory comes back from its archive."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.support.mail import Mail
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site

MAIL = "mail1"


@pytest.fixture
def backup(site: Site) -> Callable[..., str]:
    """Make archives of the sources of an account (or of named ones), on one vault, or on both (`vault=""`)."""

    def run(*sources: str, vault: str = "vault2") -> str:
        words = [*(f"--source {one}" for one in sources), *([f"--vault {vault}"] if vault else [])]
        return site.run(MAIL, "malleposte backup run", *words, timeout=300)

    return run


@pytest.fixture
def restore(site: Site) -> Callable[..., dict[str, Any]]:
    """`malleposte backup restore`, on the host, and its JSON."""

    def run(*words: str) -> dict[str, Any]:
        text = site.run(MAIL, "malleposte backup restore", *words, "--json", timeout=300)
        found: dict[str, Any] = json.loads(text)
        return found

    return run


def test_the_whole_directory_comes_back_with_the_passwords_of_today(
    site: Site, people: People, backup: Any, restore: Any, mail: Mail
) -> None:
    kept, lost = people.agent(), people.agent()
    backup("ldap")
    new = "Chouette-Rousse-31!"
    people.change(kept, userPassword=[new])
    with directory(site) as bound:
        bound.delete(f"uid={lost.uid},ou=people,{site.place.suffix}")
    done = restore("directory")
    notes = " ".join(done["notes"])
    assert lost.uid in notes and kept.uid not in notes
    assert mail.imap(Account(kept.uid, kept.mail, new, kept.profile)).noop()[0] == "OK"
    assert mail.imap(lost).noop()[0] == "OK"
    assert mail.imap("probe1").noop()[0] == "OK"
    site.run(MAIL, f"rm -rf {done['aside']}")
