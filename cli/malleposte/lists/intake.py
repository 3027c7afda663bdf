"""Decide about a message that the mail server delivers for an address of a list."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from malleposte.deliveries.model import BOUNCES
from malleposte.directory.protocol import Directory
from malleposte.lists import notices
from malleposte.lists.carrier import Carrier, Opened, Say, Send
from malleposte.lists.message import automatic, loops, subject_and_author
from malleposte.lists.model import MailingList, by_address, entry_of, role_of, to_list
from malleposte.lists.rights import Judgement, Poster, Verdict, judge, judge_moderator, poster_of
from malleposte.lists.spool import About, DamagedError, Spool

TAKEN = "250 2.0.0 taken"
LATER = "451 4.3.0 la liste ne peut rien envoyer, reessayez / the list can send nothing now, try again later"


class UnknownMessageError(LookupError):
    """No message of that id waits."""


@dataclass
class Intake:
    """Takes messages, and the moderators' answers."""

    spool: Spool
    opened: Opened
    send: Send
    carrier: Carrier
    domain: str
    delivery_domain: str
    say: Say

    def asked(self, sender: str, recipient: str, size: int, login: str) -> str:
        """The answer to Postfix at RCPT: a refusal, or nothing to say (empty). `login` is empty without a log-in."""
        with self.opened() as directory:
            one = self._list(directory, recipient)
            if one is None:
                return ""
            judgement = self._judged(directory, one, sender, recipient, size, bool(login))
            return judgement.reply if judgement.refused else ""

    def _list(self, directory: Directory, recipient: str) -> MailingList | None:
        local = recipient.rpartition("@")[0].partition("+")[0].lower()
        return by_address(directory, f"{local}@{self.domain}")

    def _logged_in(self, recipient: str) -> bool:
        """Whether who sent a message had logged in: what is submitted comes to a domain of its own (role postfix)."""
        return recipient.rpartition("@")[2].lower() == f"submitted.lists.{self.delivery_domain}"

    def _judged(
        self, directory: Directory, one: MailingList, sender: str, recipient: str, size: int, logged_in: bool
    ) -> Judgement:
        role = role_of(one, recipient.rpartition("@")[0].partition("+")[0].lower())
        if role == "moderate":
            return judge_moderator(directory, one, sender, logged_in)
        if role in (BOUNCES, "owner"):
            return Judgement(Verdict.CARRIED)
        return judge(directory, one, sender, size, logged_in)

    def taken(self, sender: str, recipient: str, message: bytes) -> str:
        """Take a message; the answer in SMTP's words. It is on disk, or handed on, when this returns."""
        with self.opened() as directory:
            one = self._list(directory, recipient)
            if one is None:
                return "550 5.1.1 liste inconnue / no such list"
            logged_in = self._logged_in(recipient)
            judgement = self._judged(directory, one, sender, recipient, len(message), logged_in)
            if judgement.refused:
                self.say(f"refused: list={one.name} from={sender}: {judgement.reply}")
                # A notice that nobody is to answer is not answered: it is left out.
                return judgement.reply if sender else TAKEN
            local = recipient.rpartition("@")[0].lower()
            role = role_of(one, local.partition("+")[0])
            if role == "moderate":
                return self._answered(one, local, message)
            if role in (BOUNCES, "owner"):
                return self._to_managers(one, sender, role, message)
            return self._posted(one, sender, message, judgement, poster_of(directory, sender, logged_in))

    def _posted(self, one: MailingList, sender: str, message: bytes, judgement: Judgement, poster: Poster) -> str:
        if loops(one, message):
            self.say(f"refused: list={one.name} from={sender}: it went through this list already")
            return "550 5.4.6 ce message est deja passe par cette liste / this message went through this list already"
        if automatic(message):
            self.say(f"left out: list={one.name} from={sender}: an automatic message")
            return TAKEN
        subject = subject_and_author(message)[0]
        about = About(one.name, sender, time.time(), secrets.token_hex(12), len(message), subject)
        if judgement.verdict is Verdict.HELD:
            name = self.spool.put("held", about, message)
            self.say(f"{name}: held: list={one.name} from={sender}")
            notice = notices.held(one, about, name, message)
            self._tell(notices.addresses(one.moderators, self.delivery_domain), notice)
            if poster.uid:
                self._tell([sender], notices.waits(one, message))
            return TAKEN
        trouble = self.carrier.trouble()
        if trouble:
            self.carrier.wake()
            self.say(f"<4>put off: list={one.name} from={sender}: nothing can be sent now: {trouble}")
            return LATER
        self.spool.put("out", about, message)
        self.carrier.wake()
        return TAKEN

    def _tell(self, recipients: Sequence[str], message: bytes) -> None:
        """A notice. Without Postfix the message that it is about comes again."""
        self._tell_from("", recipients, message)

    def _to_managers(self, one: MailingList, sender: str, role: str, message: bytes) -> str:
        """Forward bounces from members, and mail to the owner, to the list's managers."""
        back = sender if role == "owner" else ""
        self._tell_from(back, notices.addresses(one.managers, self.delivery_domain), message)
        self.say(f"{role}: list={one.name} from={sender or '<>'} to {len(one.managers)} managers")
        return TAKEN

    def _tell_from(self, sender: str, recipients: Sequence[str], message: bytes) -> None:
        if not recipients:
            return
        refused = self.send(sender, recipients, message)
        for one, (code, words) in refused.items():
            self.say(f"<4>notice to {one} refused: {code} {words}")
        if len(refused) == len(recipients) and any(code < 500 for code, _words in refused.values()):
            raise OSError("the mail server does not accept the notice now")

    # --- moderation ---

    def _answered(self, one: MailingList, local: str, message: bytes) -> str:
        """A moderator's answer by mail. What answers by itself, such as an absence, decides nothing."""
        answer = notices.read_answer(local)
        if answer is None or automatic(message):
            return TAKEN
        word, name, token = answer
        try:
            about = self.spool.about("held", name)
        except KeyError:
            return "550 5.1.1 ce message n'attend plus / this message waits no longer"
        if about.list != one.name or not hmac.compare_digest(about.token, token):
            return "550 5.7.1 reference inconnue / no such reference"
        if word == notices.APPROVE:
            self.approve(name)
        else:
            subject = subject_and_author(message)[0]
            self.reject(name, "" if subject.lower().startswith(("re:", "re :")) else subject)
        return TAKEN

    def approve(self, name: str) -> None:
        """Let a held message through, or try again one that was put aside. Raises UnknownMessageError, DamagedError."""
        try:
            self.spool.release(name, "bad" if name in self.spool.ids("bad") else "held")
        except (KeyError, FileNotFoundError) as error:
            raise UnknownMessageError(name) from error
        self.say(f"{name}: approved")
        self.carrier.wake()

    def reject(self, name: str, reason: str = "") -> None:
        """Turn a held message away and tell its writer, when that is one of ours. Raises UnknownMessageError.

        One that was put aside is dropped: nobody is told.
        """
        if name in self.spool.ids("bad"):
            self.spool.drop("bad", name)
            self.say(f"{name}: dropped")
            return
        try:
            about = self.spool.about("held", name)
        except KeyError as error:
            raise UnknownMessageError(name) from error
        except DamagedError as error:
            self.spool.drop("held", name)
            self.say(f"{name}: dropped: {error}")
            return
        with self.opened() as directory:
            entry = entry_of(directory, about.list)
            ours = bool(about.sender and poster_of(directory, about.sender).uid)
        if entry is not None and ours:
            self._tell([about.sender], notices.rejected(to_list(entry.attributes), about.subject, reason))
        self.spool.drop("held", name)
        self.say(f"{name}: rejected")
