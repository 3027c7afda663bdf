"""Mail by a relay of another house, for messages that must not need the platform's own mail. No address is logged."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from malleposte.adapters.sms import NotSentError
from malleposte.core.errors import InputError
from malleposte.platform import letters

SECONDS = 15.0
"""A limit for each answer of the relay."""
DIRECT, STARTTLS = "direct", "starttls"


@dataclass(frozen=True)
class Relay:
    """A submission service (RFC 6409), always over TLS whose certificate is verified.

    `tls` is `direct` (RFC 8314) or `starttls`. Without a `username` nothing is proved.
    """

    host: str
    sender: str
    port: int = 465
    tls: str = DIRECT
    username: str = ""
    password: str = field(default="", repr=False)

    def send(self, recipients: Sequence[str], subject: str, text: str) -> None:
        """Send one message to all. Raises NotSentError, which repeats no address."""
        letter = letters.compose(
            " ".join(subject.split()), text, sender=self.sender, to=", ".join(recipients), languages="fr"
        )
        try:
            with self._session() as session:
                if self.username:
                    session.login(self.username, self.password)
                session.send_message(letter, self.sender, list(recipients))
        except smtplib.SMTPResponseException as error:
            raise NotSentError(f"the relay answered {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise NotSentError(f"the relay did not take it: {type(error).__name__}") from None

    def _session(self) -> contextlib.AbstractContextManager[smtplib.SMTP]:
        trust = ssl.create_default_context()
        if self.tls == DIRECT:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=SECONDS, context=trust)
        session = smtplib.SMTP(self.host, self.port, timeout=SECONDS)
        try:
            session.starttls(context=trust)
        except (OSError, smtplib.SMTPException):
            session.close()
            raise
        return session


def of(settings: Mapping[str, Any], where: str) -> Relay | None:
    """The relay of the settings; None where there is none. Raises InputError, which repeats no value."""
    if not settings:
        return None
    try:
        relay = Relay(**settings)
    except TypeError as error:
        raise InputError(f"{where}: a relay has host, port, tls, username, password and sender") from error
    if relay.tls not in (DIRECT, STARTTLS) or not relay.host or "@" not in relay.sender:
        raise InputError(f"{where}: a relay needs host and sender; tls is {DIRECT} or {STARTTLS}")
    return relay
