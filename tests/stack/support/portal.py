"""accountd asked from the portal's host, as the portal asks."""

import json
import secrets
from typing import Any

from malleposte.accountd import codec
from malleposte.accountd.call import OF
from malleposte.accountd.message import Request

from tests.stack.support import typed_secrets
from tests.stack.support.site import Site
from tests.support.tokens import Minter

ASK = """
import json, sys, time
from pathlib import Path
from malleposte.accountd import codec
from malleposte.accountd.client import Client, RefusedError, UnavailableError
given = json.load(sys.stdin)
held = json.loads(Path("/etc/malleposte/accountd-client.json").read_text()) | given["client"]
answers, enough = [], False
for number, line in enumerate(given["lines"], 1):
    if enough and number < len(given["lines"]):
        continue
    begun = time.monotonic()
    try:
        answer = Client(**held).call(codec.decode(line.encode()))
    except RefusedError as error:
        answer = error.refused
    except UnavailableError as error:
        answer = str(error)
    took = time.monotonic() - begun
    enough = enough or getattr(answer, "wait", 0) >= given["enough"]
    answers.append([number - 1, answer if isinstance(answer, str) else codec.encode_answer(answer).decode(), took])
print(json.dumps(answers))
"""


class Portal:
    """The portal's host, asking. Each test has a network of its own, so that no limit of another's is met."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.source = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.7"

    def token(self, uid: str) -> str:
        """The token of an agent who is logged in, signed with the lab's own key."""
        issuer = f"https://{self.site.platform['hostnames']['sso']}/"
        return Minter(issuer, self.site.secret("sso-signing")).access(uid)

    def ask(self, *requests: Request[Any], enough: int = 10**9, **client: str) -> list[Any]:
        """Answers, in their order. Once one says to wait for `enough` seconds, the last request is the next."""
        return [answer for answer, _took in self.timed(*requests, enough=enough, **client)]

    def timed(self, *requests: Request[Any], enough: int = 10**9, **client: str) -> list[tuple[Any, float]]:
        """Answers, each with the seconds that it took on the portal's host."""
        given = {"lines": [codec.encode(one).decode() for one in requests], "client": client, "enough": enough}
        for one in requests:
            typed_secrets.hidden(one)
        told = self.site.run_python(self.site.host_of("portal"), ASK, json.dumps(given))
        answers = [
            (codec.decode_answer(OF[type(requests[number])].answer, line.encode()) if line[:1] == "{" else line, took)
            for number, line, took in json.loads(told)
        ]
        for answer, _took in answers:
            typed_secrets.hidden(answer)
        return answers

    def one(self, request: Request[Any]) -> Any:
        return self.ask(request)[0]
