"""An agent with rules for the lab's tools, and what these took."""

import json
import secrets
from typing import Any

from malleposte.accountd.calls.mailbox.tools import AddTool, AgentTools, ShowTools

from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

HOST = "outils.test"
TAKEN = "/var/lib/world-tools/taken"
LABEL = "$label4"


class Tools:
    """An agent with rules for the lab's tools."""

    def __init__(self, site: Site, mail: Mail, portal: Portal, account: Account) -> None:
        self.site, self.mail, self.portal, self.account = site, mail, portal, account

    def own(self) -> tuple[str, str, str]:
        return self.portal.source, self.account.uid, self.portal.token(self.account.uid)

    def hook(self, kind: str = "good", **more: Any) -> str:
        """Add a rule for a place of that kind; the place."""
        place = f"{kind}{secrets.token_hex(11)}"
        self.add("mattermost", (f"https://{HOST}/hooks/{place}",), **more)
        return place

    def add(self, tool: str, values: tuple[str, ...], **more: Any) -> Any:
        given = {"when": "label", "label": LABEL} | more
        answer = self.portal.one(AddTool(*self.own(), tool, values=values, **given))
        assert isinstance(answer, AgentTools), answer
        return answer

    def shown(self) -> AgentTools:
        answer = self.portal.one(ShowTools(*self.own()))
        assert isinstance(answer, AgentTools), answer
        return answer

    def arrives(self) -> str:
        """Let a message come; the word of its subject."""
        word = token()
        sender = f"ami@{FOREIGN}"
        self.mail.foreign(sender, self.account.mail, compose(sender, self.account.mail, word))
        self.mail.arrived(self.account, word)
        return word

    def label(self, word: str, label: str = LABEL, sign: str = "+", folder: str = "INBOX") -> None:
        """Put a label on a message, or take it away."""
        session = self.mail.imap(self.account)
        session.select(quoted(folder))
        numbers = session.search(None, "SUBJECT", word)[1][0].split()
        assert numbers, f"{word} is not in {folder}"
        assert session.store(numbers[0].decode(), f"{sign}FLAGS", f"({label})")[0] == "OK"

    def taken(self, place: str) -> list[dict[str, Any]]:
        lines = self.site.run("world", f"cat {TAKEN} 2>/dev/null || true").splitlines()
        return [one for one in map(json.loads, lines) if one["place"].startswith(place)]

    def awaited(self, place: str, count: int = 1) -> list[dict[str, Any]]:
        return wait_for(lambda: one if len(one := self.taken(place)) >= count else None, 60, f"{count} at {place}")
