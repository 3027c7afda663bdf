"""The whole directory comes back from its archive."""

from typing import Any

from tests.stack.support.mail import Mail
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site

MAIL = "mail1"


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
