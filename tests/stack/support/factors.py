"""Second factors as an agent uses them: one-time passwords (RFC 6238), enrolment, the pages that ask for a code."""

import contextlib
import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from malleposte.probe.walker.paths.factor import PERIOD, one_time

from tests.stack.support import typed_secrets
from tests.stack.support.persons import Person
from tests.stack.support.provider import FORM, TOKEN, Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Answer


@dataclass
class Application:
    """An application of codes. It shows each code once, and one that stays good for a whole period."""

    secret: str = field(repr=False)
    shown: int = 0
    clock: Callable[[], float] = time.time

    def code(self) -> str:
        """A fresh code. The provider takes one of the step after as well, and one of the step before.

        The step before is never shown: it ends with the present one, which may be over before the code is typed.
        """
        step = max(int(self.clock()) // PERIOD, self.shown + 1)
        while step > int(self.clock()) // PERIOD + 1:
            time.sleep(1)
        self.shown = step
        return one_time(self.secret, step * PERIOD)


@dataclass
class Agent(Provider):
    """A browser whose owner has second factors."""

    def call(self, path: str, **fields: str) -> tuple[int, Any]:
        """A question of a script of the page."""
        answer = self.web.get(
            self.site.address(self.site.host_of("portal")),
            self.name,
            path,
            method="POST",
            body=urllib.parse.urlencode(fields).encode(),
            Cookie="; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            Content_Type=FORM,
            Accept="application/json",
            X_CSRF_Check="1",
        )
        self.keep(answer)
        return answer.status, json.loads(answer.text)

    def enrol(self, name: str = "Telephone") -> Application:
        """Enrol an application of codes, as the page does."""
        status, told = self.call("/2fregisters/totp/getkey")
        assert status == 200, told
        typed_secrets.noted(secret=told["secret"])
        made = Application(told["secret"])
        status, done = self.call("/2fregisters/totp/verify", token=told["token"], code=made.code(), TOTPName=name)
        assert (status, done.get("result")) == (200, 1), done
        return made

    def enrolled(self, who: Person, name: str = "Telephone") -> Application:
        """Log in by the password alone, and enrol an application of codes."""
        self.log_in(who.uid, who.account.password)
        return self.enrol(name)

    def prove(self, who: Person, code: str, path: str = "/totp2fcheck", **more: str) -> Answer:
        """Log in by the password and a code."""
        return self.answer(self.log_in(who.uid, who.account.password), code, path, **more)

    def answer(self, page: Answer, code: str, path: str = "/totp2fcheck", **more: str) -> Answer:
        """Type a code into the page that asks for one."""
        token = TOKEN.search(page.text)
        assert token, page.text[:2000]
        return self.ask(path, "POST", token=token[1], code=code, **more)

    def other_way(self, page: Answer, way: str) -> Answer:
        """Press the button for another way (`secours`, `bureau`)."""
        token = TOKEN.search(page.text)
        assert token, page.text[:2000]
        return self.ask("/2fchoice", "POST", token=token[1], sf=way)

    def recovery_codes(self) -> list[str]:
        """Make recovery codes."""
        page = self.ask("/secours", "POST").text
        return re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", page)


@contextlib.contextmanager
def closing(site: Site, path: str, then: str = "true") -> Iterator[None]:
    """A second factor closes the main password to programs, as a deploy with that fact says it in a file of settings.

    `then` has its program read the file.
    """
    host = site.host_of("directory")
    site.run(host, f"cp -a {path} {path}.kept")
    try:
        site.run(host, f"""sed -i 's/"factors_close": false/"factors_close": true/' {path}""")
        site.run(host, f"! cmp -s {path} {path}.kept")
        site.run(host, then)
        yield
    finally:
        site.run(host, f"mv {path}.kept {path} && {then}")
