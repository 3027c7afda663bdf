"""Roundcube as its own pages use it: the way by the log-in page, the lists as JSON, the message to send."""

import json
import re
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.stack.support.mail import utf7
from tests.stack.support.provider import Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web

FORM = "application/x-www-form-urlencoded"


@dataclass
class Webmail:
    """One visitor. `sso` is the same browser at the log-in page."""

    site: Site
    web: Web
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = field(default="", repr=False)
    sso: Provider = field(init=False)

    def __post_init__(self) -> None:
        self.sso = Provider(self.site, self.web)

    @property
    def name(self) -> str:
        """Its public name."""
        return str(self.site.platform["hostnames"]["webmail"])

    @property
    def address(self) -> str:
        """The host's."""
        return self.site.address(self.site.host_of("web"))

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> Answer:
        """One request with the visitor's cookies; new ones are kept."""
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        body = None
        if form is not None:
            body, headers["Content_Type"] = urlencode(form).encode(), FORM
        method = "GET" if form is None else "POST"
        answer = self.web.get(self.address, self.name, path, plain=False, method=method, body=body, **headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            for key, morsel in SimpleCookie(line).items():
                self.cookies[key] = morsel.value
                if morsel.value == "-del-":
                    del self.cookies[key]
        return answer

    def env(self, page: str) -> dict[str, Any]:
        """Return the settings that a page gives to its script."""
        found = re.search(r"rcmail\.set_env\((\{.*?\})\);", page)
        assert found, page[:2000]
        return dict(json.loads(found[1]))

    def page(self, **query: str) -> str:
        """A page, as text."""
        answer = self.ask(f"/?{urlencode(query)}")
        assert answer.status == 200, answer.status
        return answer.text

    def leave(self, path: str = "/") -> str:
        """Follow the webmail to the log-in page; its path and query there."""
        answer = self.ask(path)
        where = answer.headers["Location"] or ""
        assert answer.status == 302 and where.startswith(f"https://{self.sso.name}/"), (answer.status, where)
        return where.removeprefix(f"https://{self.sso.name}")

    def back(self, answer: Answer) -> str:
        """Follow the log-in page to its way back to here; empty when it keeps the visitor."""
        while (where := answer.headers["Location"] or "").startswith(f"https://{self.sso.name}/"):
            answer = self.sso.ask(where.removeprefix(f"https://{self.sso.name}"))
        return where.removeprefix(f"https://{self.name}") if where.startswith(f"https://{self.name}/") else ""

    def enter(self, path: str) -> str:
        """Come back from the log-in page; the address to go on to, empty for whoever is not let in."""
        answer = self.ask(path)
        if answer.status != 302 or "roundcube_sessauth" not in self.cookies:
            return ""
        self.token = str(self.env(self.page(_task="mail"))["request_token"])
        return str(answer.headers["Location"])

    def login(self, user: str, password: str) -> bool:
        """Whether the log-in page and the mail server let the visitor in."""
        path = self.back(self.sso.log_in(user, password, self.leave()))
        return bool(path and self.enter(path))

    @property
    def inside(self) -> bool:
        """Whether the webmail needs no log-in."""
        return self.ask("/?_task=mail").status == 200

    def call(self, _form: dict[str, str] | None = None, **query: str) -> dict[str, Any]:
        """An answer to the page's script."""
        answer = self.ask(
            f"/?{urlencode({**query, '_remote': '1'})}",
            None if _form is None else {**_form, "_token": self.token, "_remote": "1"},
            X_Roundcube_Request=self.token,
            X_Requested_With="XMLHttpRequest",
        )
        assert answer.status == 200, (answer.status, answer.text[:300])
        return dict(json.loads(answer.text))

    def list(self, mailbox: str = "INBOX") -> str:
        """The commands that fill the list of messages."""
        return str(self.call(_task="mail", _action="list", _mbox=mailbox)["exec"])

    def newest(self, mailbox: str = "INBOX") -> str:
        """The number of the newest message in a folder."""
        return str(re.findall(r"add_message_row\((\d+)", self.list(mailbox))[0])

    def read(self, number: str, mailbox: str = "INBOX") -> str:
        """A message's page."""
        return self.page(_task="mail", _action="show", _mbox=mailbox, _uid=number)

    def send(self, recipient: str, subject: str, text: str) -> str:
        """Write and send a message; what the page was told."""
        start = self.ask("/?_task=mail&_action=compose")
        where = start.headers["Location"].replace("./", "/", 1)
        page = self.ask(where).text
        number = self.env(page)["compose_id"]
        sender = re.findall(r'<option value="(\d+)"[^>]*selected', page.partition('name="_from"')[2])[0]
        form = {
            "_task": "mail",
            "_action": "send",
            "_id": str(number),
            "_attachments": "",
            "_from": sender,
            "_to": recipient,
            "_subject": subject,
            "_message": text,
            "_is_html": "0",
            "_token": self.token,
            "_store_target": utf7("Envoyés"),
        }
        return self.ask("/?_task=mail&_unlock=loading1&_framed=1", form).text
