"""Roundcube as its own pages use it: the way by the log-in page, the lists as JSON, the message to send."""

import json
import re
import secrets
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests.stack.support.mail import utf7
from tests.stack.support.provider import Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web

FORM = "application/x-www-form-urlencoded"


def multipart(form: dict[str, str], name: str, content: bytes) -> tuple[str, bytes]:
    """The type and the text of a form with a file (RFC 7578)."""
    border = secrets.token_hex(16)
    fields = {f'name="{key}"': value.encode() for key, value in form.items()}
    fields[f'name="{name}"; filename="essai.bin"\r\nContent-Type: application/octet-stream'] = content
    parts = [
        f"--{border}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in fields.items()
    ]
    return f"multipart/form-data; boundary={border}", b"".join(parts) + f"--{border}--\r\n".encode()


def plain(said: str) -> str:
    """Return what a page or its script is told, with its letters as they are read."""
    return re.sub(r"\\+u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), said)


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

    def ask(
        self, path: str, form: dict[str, str] | None = None, *, file: tuple[str, bytes] | None = None, **headers: str
    ) -> Answer:
        """Ask with the visitor's cookies, and keep new ones. A file is of a field's name, with the form beside it."""
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        body = None
        if file is not None:
            headers["Content_Type"], body = multipart(form or {}, *file)
        elif form is not None:
            body, headers["Content_Type"] = urlencode(form).encode(), FORM
        method = "GET" if body is None else "POST"
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
        """Return the number of the newest message in a folder: the list has no order among those of one second."""
        return str(max(map(int, re.findall(r"add_message_row\((\d+)", self.list(mailbox)))))

    def read(self, number: str, mailbox: str = "INBOX") -> str:
        """A message's page."""
        return self.page(_task="mail", _action="show", _mbox=mailbox, _uid=number)

    def compose(self, **query: str) -> str:
        """Open a page for writing; the page, or what is said instead of it."""
        start = self.ask(f"/?{urlencode({'_task': 'mail', '_action': 'compose', **query})}")
        return self.ask(start.headers["Location"].replace("./", "/", 1)).text

    def upload(self, action: str, name: str, content: bytes, **query: str) -> str:
        """Send a file to an action of the page's script; what the script is told."""
        path = f"/?{urlencode({'_action': action, '_remote': '1', **query})}"
        headers = {"X_Roundcube_Request": self.token, "X_Requested_With": "XMLHttpRequest"}
        answer = self.ask(path, {"_token": self.token}, file=(name, content), **headers)
        assert answer.status == 200, (answer.status, answer.text[:300])
        return answer.text

    def attach(self, page: str, content: bytes) -> str:
        """Attach a file to the message of a page for writing; what the page is told."""
        number = str(self.env(page)["compose_id"])
        return self.upload("upload", "_attachments[]", content, _task="mail", _id=number, _uploadid="upload1")

    def send(self, recipient: str, subject: str, text: str, page: str = "", **more: str) -> str:
        """Send a message, of a page for writing that is open or of a new one; what the page is told."""
        page = page or self.compose()
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
            **more,
        }
        return self.ask("/?_task=mail&_unlock=loading1&_framed=1", form).text
