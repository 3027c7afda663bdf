"""The letters to an agent about a rule: a tool is away for two days, or does not know the agent's access any more."""

from __future__ import annotations

from email.message import EmailMessage

from malleposte.platform import letters

NAMES = {
    "trello": "Trello", "notion": "Notion", "slack": "Slack", "mattermost": "Mattermost", "matrix": "Matrix (Tchap)",
    "webhook": "l’appel signé (webhook)",
}  # fmt: skip
REVOKED, AWAY = "revoked", "away"
_SUBJECTS = {
    REVOKED: "{tool}\N{NO-BREAK SPACE}: votre accès n’est plus valable",
    AWAY: "{tool}\N{NO-BREAK SPACE}: des messages n’ont pas pu être signalés",
}
_FRENCH = {
    REVOKED: """\
Bonjour,

{tool} refuse l’accès que vous aviez donné. Votre règle est en pause. Vos messages restent dans votre boîte.
Pour donner un nouvel accès\N{NO-BREAK SPACE}: {page}
""",
    AWAY: """\
Bonjour,

{tool} ne répond pas depuis deux jours. Des messages que votre règle devait y signaler ne l’ont pas été. Ils restent
dans votre boîte. Liste\N{NO-BREAK SPACE}: {page}
""",
}
_ENGLISH = {
    REVOKED: """\
{tool} refuses the access that you gave. Your rule is paused. Your mail stays in your mailbox.
To give another: {page}
""",
    AWAY: """\
{tool} has not answered for two days. Your rule could not tell it of some messages, which stay in your mailbox.
The list: {page}
""",
}


def compose(postmaster: str, uid: str, about: str, tool: str, page: str) -> EmailMessage:
    """Return the letter, in French, then in English."""
    name = NAMES.get(tool, tool)
    said = {"tool": name[:1].upper() + name[1:], "page": page}
    return letters.of_service(
        postmaster, uid, _SUBJECTS[about].format(**said), _FRENCH[about].format(**said), _ENGLISH[about].format(**said)
    )
