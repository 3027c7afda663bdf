"""A delegate opens the boxes of the list by their whole names, and no box with a similar name."""

import secrets
from typing import Any

from tests.stack.support.mail import quoted


def opened(session: Any, *uids: str) -> list[str]:
    """Return those of these boxes that a session may select."""
    return [uid for uid in uids if session.select(quoted(f"Partages/{uid}/INBOX"))[0] == "OK"]


def test_a_name_in_the_list_opens_no_other_box(mail: Any, people: Any) -> None:
    """Every school's box has a dot, which stands for any character where a name is taken for an expression."""
    word = f"essai{secrets.token_hex(4)}"
    names = [f"{word}{sign}b" for sign in ".-_"]
    dot, hyphen, both = (people.agent() for _ in range(3))
    # With the second of them in its list, another name of the list begins and ends as this one does.
    delegates = {names[0]: (dot.uid, both.uid), names[1]: (hyphen.uid,), names[2]: (both.uid,)}
    for uid, agents in delegates.items():
        people.box(*agents, uid=uid, mail=f"{uid}@ac-exemple.test")
    others = [f"{word}.b.c", f"{word}.", "b", f"{word}.b|{word}_b", ".*", f"{word}..", ""]
    for agent in (dot, hyphen, both):
        expected = [uid for uid, agents in delegates.items() if agent.uid in agents]
        assert opened(mail.imap(agent), *names, *others) == expected
