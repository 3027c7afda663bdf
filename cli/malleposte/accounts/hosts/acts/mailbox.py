"""A mailbox on its store: filters, messages that were deleted for good, the antispam's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import STORE
from malleposte.accounts.hosts.table import STORE_OF_THE_ACCOUNT, Uid, act, every_one, holding, only, union
from malleposte.accounts.mailbox import deleted as messages
from malleposte.accounts.mailbox import filters, quarantine
from malleposte.accounts.mailbox import senders as antispam
from malleposte.accounts.mailbox.archiving import acts as archive
from malleposte.accounts.mailbox.archiving import work as archive_work
from malleposte.accounts.mailbox.archiving.model import Choice
from malleposte.accounts.mailbox.archiving.model import State as Archived
from malleposte.accounts.mailbox.archiving.store import Store as Archiving
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.hours import recall
from malleposte.accounts.mailbox.hours import store as hours_store
from malleposte.accounts.mailbox.hours.model import Change, State
from malleposte.accounts.mailbox.hours.store import Store
from malleposte.accounts.mailbox.later import box as later_box
from malleposte.accounts.mailbox.later.model import Choice as LaterChoice
from malleposte.accounts.mailbox.later.model import Shown
from malleposte.accounts.mailbox.owners.box import Box as OwnedBox
from malleposte.accounts.mailbox.owners.model import Change as OwnerChange
from malleposte.accounts.mailbox.owners.model import Shown as OwnedShown
from malleposte.accounts.mailbox.quarantine import Held
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.mailbox.tools.box import Box as Tools
from malleposte.accounts.mailbox.tools.events.model import News, Watch
from malleposte.accounts.mailbox.tools.events.watched import Watched
from malleposte.accounts.mailbox.tools.kinds.base import Verdict
from malleposte.accounts.mailbox.tools.model import Act as ToolAct
from malleposte.accounts.mailbox.tools.model import Given
from malleposte.accounts.mailbox.tools.model import Shown as ToolsShown
from malleposte.accounts.mailbox.tools.place import Place
from malleposte.platform import expunged, profiles
from malleposte.runtime import owner


@act(on=STORE_OF_THE_ACCOUNT, merge=only, in_turn=True, accountd=True)
def carry(host: LocalHost, uid: Uid, profile: str) -> str:
    """Keep the filters in force after a change to a class; return the script carried, empty for none."""
    return filters.carry(host.home(uid), profiles.class_called(profiles.read(), profile).mail)


@act(on=STORE_OF_THE_ACCOUNT, merge=only)
def drop(host: LocalHost, uid: Uid) -> bool:
    """Forget filters that were carried; return whether there were any."""
    return filters.drop(host.home(uid))


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def look(host: LocalHost, uid: Uid) -> Filters:
    """Return the filters, without their texts."""
    state = Store(host.rules.store).state(uid)
    return replace(
        filters.read(host.home(uid)), texts={}, waits=not state.opens, waits_until=state.following,
        recalled=state.recalled, unsent=later_box.count(uid, host.rules.store),
    )  # fmt: skip


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def deleted(host: LocalHost, uid: Uid, wanted: Wanted) -> list[Deleted]:
    """Return messages that the agent deleted for good and that are kept for a while."""
    home = host.home(uid)
    with owner.as_owner(home):
        expunged.drop_living(home)
    return messages.find(uid, wanted)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def undelete(_host: LocalHost, uid: Uid, idents: Sequence[str]) -> dict[str, int]:
    """Bring such messages back; return the number that came to each folder."""
    return messages.restore(uid, idents)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def kept_apart(_host: LocalHost, uid: Uid, place: str) -> list[Held]:
    """Return messages that the filter kept apart: `quarantine`, or `sealed`."""
    return quarantine.find(uid, place)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def release(_host: LocalHost, uid: Uid, place: str, idents: Sequence[str]) -> int:
    """Move such messages to the inbox; return how many."""
    return quarantine.release(uid, place, idents)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def senders(host: LocalHost, uid: Uid) -> Senders:
    """Return the level of antispam, allowed and blocked senders."""
    return antispam.read(host.home(uid))


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def set_senders(host: LocalHost, uid: Uid, edit: Edit) -> Senders:
    """Change them, and return all of them."""
    return antispam.change(host.home(uid), edit)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def hours(host: LocalHost, uid: Uid) -> State:
    """Return the hours in which mail comes to the inbox, and how much waits."""
    return Store(host.rules.store).state(uid)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def set_hours(host: LocalHost, uid: Uid, change: Change) -> State:
    """Change them, and return what comes of it."""
    state = Store(host.rules.store).change(uid, change)
    if not state.opens or state.hours.on:
        hours_store.show_folders(uid)
    if change.recall:
        hours_store.show_folders(uid, recall.folders())
    return state


@act(on=holding(STORE), merge=union, label="hours")
def hours_chosen(host: LocalHost) -> list[str]:
    """Return the agents who have hours, or had some."""
    return sorted(Store(host.rules.store).stamps())


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def archiving(host: LocalHost, uid: Uid) -> Archived:
    """Return what the agent chose to archive, and what was archived of late."""
    return archive.state(Archiving(host.rules.store), uid)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def set_archiving(host: LocalHost, uid: Uid, choice: Choice) -> Archived:
    """Change the choice, and return what comes of it."""
    return archive.choose(Archiving(host.rules.store), uid, choice)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def undo_archiving(host: LocalHost, uid: Uid, at: int) -> int:
    """Put back what a night archived; return how many messages."""
    return archive_work.undo(Archiving(host.rules.store), uid, at)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def later(host: LocalHost, uid: Uid) -> Shown:
    """Return the choice on sending later, and the messages that wait to be sent."""
    return later_box.shown(uid, host.rules.store)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def set_later(host: LocalHost, uid: Uid, choice: LaterChoice) -> Shown:
    """Change the choice, and return what comes of it."""
    return later_box.choose(uid, choice, host.rules.store)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def decide_later(host: LocalHost, uid: Uid, ident: str, send: bool) -> Shown:
    """Send a message that waits now, or not at all."""
    return later_box.decide(uid, ident, send=send, root=host.rules.store)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def tools(host: LocalHost, uid: Uid) -> ToolsShown:
    """Return the rules that tell tools of messages, and what left."""
    return Tools(host.rules.store).shown(uid)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def add_tool(host: LocalHost, uid: Uid, given: Given, begun: News | None = None) -> ToolsShown:
    """Add a rule, whose access is sealed; `begun` has the events of its agenda, none of which is new."""
    return Tools(host.rules.store).add(uid, given, begun)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def renew_tool(host: LocalHost, uid: Uid, ident: str, values: dict[str, str]) -> ToolsShown:
    """Give a rule another access."""
    return Tools(host.rules.store).renew(uid, ident, values)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def change_tool(host: LocalHost, uid: Uid, ident: str, change: ToolAct) -> ToolsShown:
    """Stop a rule, let it tell again, or remove it."""
    return Tools(host.rules.store).change(uid, ident, change)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def try_tool(host: LocalHost, uid: Uid, ident: str) -> Verdict:
    """Tell a rule's tool of a made-up message, and return the outcome."""
    return Tools(host.rules.store).trial(uid, ident)


@act(on=holding(STORE), merge=every_one, label="tools")
def watched_agendas(host: LocalHost) -> list[Watch]:
    """Return the rules that tell tools of new events."""
    return Watched(host.rules.store).every()


@act(on=STORE_OF_THE_ACCOUNT, merge=only)
def unseen_events(host: LocalHost, uid: Uid, ident: str, keys: list[str]) -> list[str]:
    """Return the events of these that a rule does not know."""
    return Watched(host.rules.store).unseen(uid, ident, keys)


@act(on=STORE_OF_THE_ACCOUNT, merge=only)
def note_events(host: LocalHost, uid: Uid, ident: str, news: News) -> int:
    """Note the end of a look at an agenda, and order what is told; return the number of new orders."""
    return Watched(host.rules.store).note(uid, ident, news)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def linked(host: LocalHost, uid: Uid, word: str) -> Place:
    """Return the place of the message behind a link; an empty one where the link is not this agent's."""
    return Tools(host.rules.store).linked(uid, word)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def owned_mail(host: LocalHost, uid: Uid, key: str = "") -> OwnedShown:
    """Return the mail of a functional box that waits for an answer, with its owners, and the notes of one message."""
    return OwnedBox(host.rules.store).shown(uid, key)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def change_owned(host: LocalHost, uid: Uid, change: OwnerChange) -> OwnedShown:
    """Take a message of a functional box, give it back, end it, note something on it."""
    return OwnedBox(host.rules.store).change(uid, change)


@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def set_owners(host: LocalHost, uid: Uid, on: bool) -> OwnedShown:
    """Let the mail of a functional box have owners, or end that."""
    return OwnedBox(host.rules.store).set(uid, on=on)
