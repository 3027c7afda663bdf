"""A mailbox with everything that a restore must bring back, and all of it read again by IMAP and ManageSieve."""

import base64
import hashlib
import imaplib
import re
import time
from dataclasses import dataclass, field, replace

from malleposte.probe.walker import mailbox

from tests.stack.support.mail import Mail, compose, quoted, token
from tests.stack.support.site import Account

FOLDERS = ("INBOX", "Élèves/Collège Molière", "Réunions", "Archives")
SIEVE = {"vacances": 'require "fileinto";\nkeep;\n', "tri": 'require ["fileinto"];\nfileinto "Réunions";\n'}
ACTIVE = "tri"


@dataclass(frozen=True)
class Letter:
    """A message as IMAP shows it."""

    flags: frozenset[str]
    date: str
    digest: str
    message_id: str


@dataclass
class Folder:
    """A folder as IMAP shows it: letters by UID."""

    validity: str
    letters: dict[int, Letter] = field(default_factory=dict)
    acl: tuple[str, ...] = ()
    comment: str = ""

    @property
    def digests(self) -> set[str]:
        """Contents, whatever the UIDs."""
        return {letter.digest for letter in self.letters.values()}


@dataclass
class Box:
    """A whole mailbox."""

    folders: dict[str, Folder]
    subscribed: frozenset[str]
    scripts: dict[str, str]
    active: str

    @property
    def count(self) -> int:
        """The number of messages."""
        return sum(len(folder.letters) for folder in self.folders.values())

    def without(self, *names: str) -> "Box":
        """The box without these folders, as far as they hold nothing: the platform has made them since."""
        empty = {name for name in names if name in self.folders and not self.folders[name].letters}
        folders = {name: folder for name, folder in self.folders.items() if name not in empty}
        return replace(self, folders=folders, subscribed=self.subscribed - empty)


def decoded(name: str) -> str:
    """A folder's name from modified UTF-7."""

    def plain(found: re.Match[str]) -> str:
        coded = found[1].replace(",", "/")
        return base64.b64decode(coded + "=" * (-len(coded) % 4)).decode("utf-16-be") if coded else "&"

    return re.sub("&([^-]*)-", plain, name)


def append(session: imaplib.IMAP4, folder: str, text: str, flags: str = "", age: int = 0) -> str:
    """Append a message received `age` seconds ago; its Message-ID."""
    message = compose("Expéditeur <loin@lointain.test>", "essai@ac-exemple.test", text)
    date = imaplib.Time2Internaldate(time.time() - age)
    assert session.append(quoted(folder), f"({flags})" if flags else "", date, message)[0] == "OK"
    found = re.search(rb"Message-ID: (\S+)", message)
    assert found
    return found[1].decode()


def fill(mail: Mail, who: Account, friend: Account) -> dict[str, str]:
    """Fill a box: French folders, flags, keywords, dates, an ACL, subscriptions, scripts. Message-IDs by subject."""
    session, made = mail.imap(who), {}
    for name in FOLDERS[1:3]:
        assert session.create(quoted(name))[0] == "OK"
    session.subscribe(quoted("Réunions"))
    session.unsubscribe(quoted("Archives"))
    kinds = ["", "\\Seen", "\\Seen \\Flagged", "\\Answered $Forwarded", "\\Draft urgent", "\\Seen $label1 urgent"]
    for folder in FOLDERS:
        for number, flags in enumerate(kinds):
            subject = f"{token()} {number} été"
            made[subject] = append(session, folder, subject, flags, age=86400 * (number + 1) + 3600)
    # Holes in the UIDs, so that a rebuilt list cannot give the same ones by chance.
    session.select(quoted("INBOX"))
    session.store("1:2", "+FLAGS", "\\Deleted")
    session.expunge()
    session.close()
    assert session.setacl(quoted("Réunions"), friend.uid, "lrs")[0] == "OK"
    assert session.xatom("SETMETADATA", quoted("Réunions"), '(/private/comment "Vie scolaire")')[0] == "OK"
    sieve = mail.sieve(who)
    for name, script in SIEVE.items():
        sieve.put(name, script)
    sieve.activate(ACTIVE)
    return made


def look(mail: Mail, who: Account) -> Box:
    """Everything of a box, through a fresh session."""
    session = mail.imap(who)
    names = [decoded(name.strip('"')) for name in mailbox.folders(session)]
    own = [name for name in names if not name.startswith("Partages/")]
    _, lines = session.lsub()
    raw = [line for line in lines if isinstance(line, bytes)]
    subscribed = frozenset(decoded(line.rpartition(b' "/" ')[2].decode().strip('"')) for line in raw)
    sieve = mail.sieve(who)
    known = sieve.scripts()
    scripts = {name: b"\n".join(sieve.command(f'GETSCRIPT "{name}"')).decode() for name in known}
    active = next((name for name, on in known.items() if on), "")
    return Box({name: _folder(session, name) for name in own}, subscribed, scripts, active)


def _folder(session: imaplib.IMAP4, name: str) -> Folder:
    assert session.select(quoted(name), readonly=True)[0] == "OK", name
    validity = session.response("UIDVALIDITY")[1][0]
    found = Folder(validity.decode() if validity else "")
    _, data = session.uid("FETCH", "1:*", "(FLAGS INTERNALDATE BODY.PEEK[])") if _any(session) else ("OK", [])
    for number in range(0, len(data) - 1, 2):
        part, tail = data[number], data[number + 1]
        assert isinstance(part, tuple)
        head = part[0] + (tail if isinstance(tail, bytes) else b"")
        found.letters[int(_field(head, rb"UID (\d+)"))] = Letter(
            frozenset(_field(head, rb"FLAGS \(([^)]*)\)").split()) - {"\\Recent"},
            _field(head, rb'INTERNALDATE "([^"]+)"'),
            hashlib.sha256(part[1]).hexdigest(),
            _field(part[1], rb"(?i)message-id:\s*(\S+)"),
        )
    # Nobody has the right to ask for the rights on « Quarantaine ».
    status, (acl,) = session.getacl(quoted(name))
    words = re.findall(r'"[^"]*"|\S+', acl.decode())[1:] if status == "OK" else []
    pairs = zip(words[::2], words[1::2], strict=True)
    found.acl = tuple(sorted(f"{who}={''.join(sorted(rights))}" for who, rights in pairs))
    comment = session.xatom("GETMETADATA", quoted(name), "/private/comment")
    found.comment = str(session.response("METADATA")[1][0]) if comment[0] == "OK" else ""
    return found


def _any(session: imaplib.IMAP4) -> bool:
    count = session.response("EXISTS")[1][0]
    return bool(count and int(count))


def _field(text: bytes, pattern: bytes) -> str:
    found = re.search(pattern, text)
    return found[1].decode() if found else ""
