"""Teams that the command makes."""

from dataclasses import dataclass, field

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import token
from tests.stack.support.people import directory
from tests.stack.support.site import Site


@dataclass
class Teams:
    """Makes teams by the command, and removes what the tests leave of them."""

    site: Site
    made: list[str] = field(default_factory=list)

    def make(self, *words: str) -> str:
        """A team of a fresh name; its uid."""
        name = f"Essai {token()}"
        uid = f"equipe-{name.replace(' ', '-').lower()}"
        self.made.append(uid)
        out = Cli(self.site).out("team", "create", name, *words)
        assert uid in out
        return uid

    def clear(self) -> None:
        """Remove entries, tombstones and mail."""
        with directory(self.site) as bound:
            for uid in self.made:
                for branch in ("functional", "tombstones"):
                    for entry in list(bound.search(branch, ["uid"], {"uid": uid})):
                        bound.delete(entry.dn)
        for uid in self.made:
            self.site.run("mail1", f"rm -rf -- /srv/mail/*/{uid}")
