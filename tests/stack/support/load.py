"""Mail sent by several agents at once, with the record of what the server has taken responsibility for."""

import smtplib
import threading
from collections import Counter
from dataclasses import dataclass, field

from malleposte.probe.walker.plan import PathError

from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.site import Account

PATIENCE = 420
"""Seconds to read a mailbox: after a crash Dovecot waits until a lock that was left behind counts as stale."""


@dataclass
class Load:
    """Senders that submit until told to stop or until the server is gone. `accepted` are Message-IDs answered 250."""

    mail: Mail
    readers: list[Account]
    sender: Account | str = "probe1"
    senders: int = 4
    most: int = 120
    mark: str = field(default_factory=token)
    accepted: list[str] = field(default_factory=list)
    tried: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let the senders go; each sends at most `most` messages."""
        for number in range(self.senders):
            thread = threading.Thread(target=self._send, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _send(self, number: int) -> None:
        sender = self.mail.account(self.sender).mail
        try:
            with self.mail.session(self.sender) as session:
                for count in range(self.most):
                    if self._over.is_set():
                        return
                    reader = self.readers[(number + count) % len(self.readers)]
                    known = f"<{self.mark}.{number}.{count}@ac-exemple.test>"
                    message = compose(sender, reader.mail, self.mark).split(b"\r\n")
                    kept = [line for line in message if not line.lower().startswith(b"message-id:")]
                    self.tried += 1
                    session.sendmail(sender, [reader.mail], b"\r\n".join([f"Message-ID: {known}".encode(), *kept]))
                    self.accepted.append(known)
        except (smtplib.SMTPException, OSError, PathError):
            return

    def stop(self) -> None:
        """End the senders and wait for them."""
        self._over.set()
        for thread in self._threads:
            thread.join(90)

    def stored(self) -> Counter[str]:
        """Message-IDs of this load in the readers' mailboxes, with how often each is there. No index is asked."""
        found: Counter[str] = Counter()
        for reader in self.readers:
            text = self.mail.site.run(
                "mail1", f"doveadm fetch -u {reader.uid} hdr.message-id mailbox '*'", timeout=PATIENCE
            )
            found.update(word for word in text.split() if word.startswith(f"<{self.mark}."))
        return found
