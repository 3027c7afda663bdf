"""Many accounts are protected by their agents within an hour: a wave of phishing, or a portal that is broken into.

Nobody's protection is refused for it. The academy is told, which knows whether agents call.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from malleposte.core.errors import MallepostError
from malleposte.platform import letters

if TYPE_CHECKING:
    from malleposte.accountd.context import Tools
    from malleposte.throttle.limits import Rate

LOG = logging.getLogger("accountd")
SUBJECT = "Vague de comptes protégés / Many accounts protected"
FRENCH = """\
Depuis moins de {minutes} minutes, plus de {most} demandes de protection (compte bloqué, sessions fermées, appareil
révoqué) sont passées par « {client} ». Elles ont toutes été exécutées, et les suivantes le seront.

Deux causes possibles :
- une vague d’hameçonnage : les agents appellent, et les messages frauduleux sont à retirer ;
- un portail détourné : personne n’appelle. Arrêtez-le (systemctl stop portal.socket portal.service), puis lisez dans
  /var/log/malleposte-accountd/accounts.jsonl ce qui a été fait.
"""
ENGLISH = """\
Within less than {minutes} minutes, more than {most} acts of protection (block, end of sessions, revoked device) came by
“{client}”. All were done, and others will be. It is a wave of phishing, or somebody has taken over the portal: if no
agent calls, stop it (systemctl stop portal.socket portal.service) and read the journal named above.
"""


def tell(client: str, rate: Rate, tools: Tools) -> None:
    """Tell the postmaster, and the log. What cannot be told is in the log."""
    LOG.error("more than %d acts of protection in %d s by %s", rate.most, rate.seconds, client)
    words = {"minutes": int(rate.seconds // 60), "most": rate.most, "client": client.removeprefix("accountd:")}
    postmaster = f"postmaster@{tools.domain}"
    letter = letters.of_service(postmaster, "", SUBJECT, FRENCH.format(**words), ENGLISH.format(**words))
    letter.replace_header("To", postmaster)
    try:
        tools.letters.post(letter)
    except (OSError, ValueError, MallepostError) as error:
        LOG.error("this could not be told to the postmaster: %s", type(error).__name__)
