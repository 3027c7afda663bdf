"""The filter's verdicts on many messages at once, as Postfix would get them."""

import json
from collections.abc import Iterable
from typing import Any

from tests.stack.support.site import Site

STRANGER = {"IP": "198.51.100.7", "From": "x@mechant.test", "Helo": "mechant.test"}
"""An envelope from outside, as rspamd's protocol names its parts."""
_SCAN = """
import http.client, json, socket, sys
class Controller(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/run/rspamd/controller.sock")
given = json.load(sys.stdin)
answers = []
for message in given["messages"]:
    session = Controller("localhost")
    session.request("POST", "/checkv2", message.encode("utf-8", "surrogateescape"), given["envelope"])
    answers.append(json.loads(session.getresponse().read()))
    session.close()
print(json.dumps(answers))
"""


def verdicts(site: Site, messages: Iterable[str], **envelope: str) -> list[dict[str, Any]]:
    """Return rspamd's answer on each message (`action`, `symbols`, `messages`). Surrogates are odd bytes."""
    given = {"messages": list(messages), "envelope": {**STRANGER, **envelope}}
    found = site.run("mail1", "/usr/bin/python3", "-c", f"'{_SCAN}'", given=json.dumps(given))
    return list(json.loads(found))
