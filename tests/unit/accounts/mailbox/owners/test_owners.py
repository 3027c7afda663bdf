"""A message of a box has one owner at most, whatever delegates, their programs and strangers do, and kills."""

import pytest
from malleposte.accounts.mailbox.owners import look
from malleposte.accounts.mailbox.owners.dovecot import Dovecot
from malleposte.accounts.mailbox.owners.keeper import AGAIN, OF_AN_AGENT, PATIENCE
from malleposte.accounts.mailbox.owners.model import MOST_SHOWN, Act, Record
from malleposte.accounts.mailbox.owners.order import MOST
from malleposte.core.errors import InputError, MallepostError

from .conftest import Stage
from .simulated import BOX, Message

TAKEN, DONE = "prisencharge", "traite"


def owner(stage: Stage, message: Message) -> str:
    return stage.store.read(BOX, stage.row(message).key).owner


def test_a_label_makes_its_setter_the_owner_and_every_program_shows_whom(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.store_flags("adupond", mail, "+", TAKEN)
    stage.keeper.turn()
    assert owner(stage, mail) == "adupond" and mail.flags == {TAKEN, "pris-adupond"}
    (shown,) = stage.box.shown(BOX).mails
    assert (shown.owner, shown.subject) == ("adupond", "Absence")
    stage.store_flags("adupond", mail, "-", TAKEN)
    stage.keeper.turn()
    assert owner(stage, mail) == "" and mail.flags == set()


def test_of_two_at_the_same_time_the_first_wins(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.store_flags("bmartin", mail, "+", TAKEN)
    stage.store_flags("adupond", mail, "+", TAKEN)
    stage.keeper.turn()
    assert owner(stage, mail) == "bmartin" and mail.flags == {TAKEN, "pris-bmartin"}
    refused = stage.change("adupond", Act.TAKE, mail)
    assert (refused.refused, refused.mails[0].owner) == ("taken", "bmartin")
    stage.store_flags("adupond", mail, "-", TAKEN)
    stage.keeper.turn()
    assert owner(stage, mail) == "bmartin" and TAKEN in mail.flags, "the other gives nothing back"


def test_nobody_makes_a_colleague_the_owner(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.store_flags("adupond", mail, "+", "pris-bmartin")
    stage.keeper.turn()
    assert owner(stage, mail) == "" and mail.flags == set()
    mail.flags = {TAKEN, "pris-bmartin"}  # without an order, as by a session that was open before
    stage.later()
    assert owner(stage, mail) == "" and mail.flags == set()
    mail.flags = {"pris-bmartin"}
    stage.later()
    assert mail.flags == set()


def test_delegates_are_not_read_from_what_dovecot_remembers(stage: Stage) -> None:
    box = Dovecot(stage.doveadm)
    assert "bmartin" in box.delegates(BOX)
    stage.doveadm.delegates.remove("bmartin")
    stage.doveadm.unanswered = True
    with pytest.raises(MallepostError, match="disconnected"):
        box.delegates(BOX)
    stage.doveadm.unanswered = False
    assert box.delegates(BOX) == {"adupond"}


@pytest.mark.parametrize("agent", ["stranger", "cdelegate"])
def test_who_opens_the_box_not_owns_nothing(stage: Stage, agent: str) -> None:
    mail = stage.doveadm.arrive("one")
    stage.store_flags(agent, mail, "+", TAKEN)
    stage.keeper.turn()
    assert owner(stage, mail) == "" and mail.flags == set()
    with pytest.raises(InputError):
        stage.change(agent, Act.TAKE, mail)
    assert stage.change("adupond", Act.TAKE, mail).owner == "adupond"


def test_who_leaves_the_box_owns_nothing_any_more(stage: Stage) -> None:
    open_, done = stage.doveadm.arrive("one"), stage.doveadm.arrive("two")
    for mail in (open_, done):
        stage.change("adupond", Act.TAKE, mail)
    stage.change("adupond", Act.DONE, done)
    stage.doveadm.delegates.remove("adupond")
    assert stage.box.shown(BOX).mails[0].owner == "", "at once on the page"
    stage.later()
    assert owner(stage, open_) == "" and open_.flags == set()
    assert owner(stage, done) == "adupond", "who answered stays known"
    assert not (stage.store.folder / ".scripts/adupond.sieve").exists()
    assert (stage.store.folder / ".scripts/bmartin.sieve").exists()


def test_looks_go_on_behind_the_last_message(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "MOST_SEEN", 2)
    mails = [stage.doveadm.arrive(f"m{number}") for number in range(5)]
    for mail in mails:
        stage.change("adupond" if mail is mails[-1] else "bmartin", Act.TAKE, mail)
    stage.doveadm.delegates.remove("adupond")
    for _ in range(3):
        stage.later()
    assert mails[-1].flags == set() and mails[0].flags == {TAKEN, "pris-bmartin"}
    mails[0].flags.add("pris-adupond")
    for _ in range(3):
        stage.later()
    assert mails[0].flags == {TAKEN, "pris-bmartin"}, "and begin anew"


def test_the_mark_of_an_answer_ends_a_message_by_whoever_answered(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.change("adupond", Act.TAKE, mail)
    stage.store_flags("bmartin", mail, "+", "\\Answered")
    stage.keeper.turn()
    record = stage.store.read(BOX, stage.row(mail).key)
    assert (record.owner, record.by, bool(record.done)) == ("bmartin", "bmartin", True)
    assert mail.flags == {"\\Answered", DONE, "pris-bmartin"} and stage.box.shown(BOX).mails == ()


def test_an_answer_that_was_sent_ends_a_message_whatever_program_sent_it(stage: Stage) -> None:
    mail, other = stage.doveadm.arrive("one"), stage.doveadm.arrive("two")
    sent = stage.doveadm.arrive("reply", folder="Envoyés", answers=mail.ident)
    stage.senders[sent.ident] = "bmartin"
    stage.later()
    assert owner(stage, mail) == "bmartin" and DONE in mail.flags and other.flags == set()
    (waits,) = stage.box.shown(BOX).mails
    assert waits.number == other.number


def test_two_messages_under_one_message_id_are_ended_by_no_answer_to_it(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.doveadm.arrive("one", sender="attacker@example.org")
    stage.doveadm.arrive("reply", folder="Envoyés", answers=mail.ident)
    stage.later()
    assert len(stage.box.shown(BOX).mails) == 2


def test_the_label_of_the_end_can_be_taken_off(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.store_flags("adupond", mail, "+", DONE)
    stage.keeper.turn()
    assert stage.box.shown(BOX).mails == () and owner(stage, mail) == "adupond"
    stage.store_flags("bmartin", mail, "-", DONE)
    stage.keeper.turn()
    assert stage.box.shown(BOX).mails[0].owner == "adupond" and mail.flags == {TAKEN, "pris-adupond"}


def test_a_kill_between_record_and_labels_is_made_good(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.doveadm.fails = 1
    with pytest.raises(OSError, match="killed"):
        stage.change("adupond", Act.TAKE, mail)
    assert mail.flags == set() and owner(stage, mail) == "adupond"
    assert stage.change("bmartin", Act.TAKE, mail).refused == "taken"
    assert mail.flags == {TAKEN, "pris-adupond"}


def test_an_order_is_carried_out_once_dovecot_is_there_again(stage: Stage) -> None:
    message = stage.doveadm.arrive("a")
    stage.store_flags("adupond", message, "+", "prisencharge")
    stage.doveadm.away = True
    stage.keeper.take()
    stage.doveadm.away = False
    stage.store_flags("bmartin", message, "+", "prisencharge")
    assert stage.keeper.take() == 0, "none overtakes the one that failed"
    stage.now += AGAIN
    assert stage.keeper.take() == 2
    assert owner(stage, message) == "adupond" and "pris-adupond" in message.flags
    assert list(stage.spool.iterdir()) == []


def test_an_order_that_fails_for_good_ends(stage: Stage) -> None:
    broken, whole = stage.doveadm.arrive("a"), stage.doveadm.arrive("b")
    (stage.store.folder / BOX / f"{stage.row(broken).key}.json").write_text("{", "utf-8")
    stage.store_flags("adupond", broken, "+", "prisencharge")
    for _turn in range(3):
        stage.keeper.take()
        stage.now += PATIENCE / 2
    stage.store_flags("adupond", whole, "+", "prisencharge")
    stage.keeper.take()
    assert list(stage.spool.iterdir()) == [] and stage.store.read(BOX, stage.row(whole).key).owner == "adupond"


def test_a_flood_of_flags_makes_its_agent_wait_alone(stage: Stage) -> None:
    mails = [stage.doveadm.arrive(f"flood{number}") for number in range(MOST + 50)]
    for mail in mails:
        stage.store_flags("adupond", mail, "+", TAKEN)
    assert len(list(stage.spool.iterdir())) <= MOST + 1
    other = stage.doveadm.arrive("other")
    stage.store_flags("bmartin", other, "+", TAKEN)
    before = len(stage.doveadm.asked)
    assert stage.keeper.turn() == OF_AN_AGENT + 1
    assert owner(stage, other) == "bmartin"
    assert len(stage.doveadm.asked) - before <= 6 * (OF_AN_AGENT + 1)
    while stage.keeper.turn():
        pass
    stage.later()
    unheard = [mail for mail in mails if not owner(stage, mail)]
    assert unheard and all(mail.flags == set() for mail in unheard), "no label stays without an owner"


def test_a_message_that_is_set_and_unset_in_a_loop_costs_one_question_a_look(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    for _ in range(OF_AN_AGENT):
        stage.store_flags("adupond", mail, "+", TAKEN)
        stage.store_flags("adupond", mail, "-", TAKEN)
    before = len(stage.doveadm.asked)
    stage.keeper.turn()
    assert len(stage.doveadm.asked) - before <= 5


def test_what_is_off_stays_off(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.allowed = False
    assert not stage.box.shown(BOX).since
    with pytest.raises(InputError):
        stage.change("adupond", Act.TAKE, mail)
    stage.allowed = True
    assert stage.change("adupond", Act.TAKE, mail).owner == "adupond"
    stage.box.set(BOX, on=False)
    with pytest.raises(InputError):
        stage.change("adupond", Act.GIVE, mail)
    stage.allowed = False
    with pytest.raises(InputError):
        stage.box.set(BOX, on=True)


def test_mail_from_before_waits_for_nobody(stage: Stage) -> None:
    stage.doveadm.arrive("old", received=1)
    assert stage.box.shown(BOX).mails == ()


def test_a_manager_frees_what_a_colleague_holds(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.change("adupond", Act.TAKE, mail)
    assert stage.change("bmartin", Act.GIVE, mail).owner == "adupond"
    assert stage.change("bmartin", Act.GIVE, mail, manager=True).owner == ""


def test_a_label_of_a_long_name_is_left_out(stage: Stage) -> None:
    assert Record(owner="a" * 46).labels() == {TAKEN}
    assert Record(owner="a" * 45).labels() == {TAKEN, "pris-" + "a" * 45}


def test_the_page_shows_the_oldest(stage: Stage) -> None:
    mails = [stage.doveadm.arrive(f"m{number}") for number in range(MOST_SHOWN + 1)]
    shown = stage.box.shown(BOX)
    assert len(shown.mails) == MOST_SHOWN and shown.more and shown.mails[0].number == mails[0].number
    stage.change("adupond", Act.DONE, mails[0])
    assert not stage.box.shown(BOX).more


def test_an_answered_message_that_is_opened_again_stays_open(stage: Stage) -> None:
    mail = stage.doveadm.arrive("one")
    stage.doveadm.arrive("reply", folder="Envoyés", answers=mail.ident)
    mail.flags = {"\\Answered"}
    stage.later()
    assert mail.flags == {"\\Answered", DONE}, "nobody is known"
    stage.store_flags("adupond", mail, "-", DONE)
    stage.keeper.turn()
    stage.later()
    assert owner(stage, mail) == "adupond" and mail.flags == {"\\Answered", TAKEN, "pris-adupond"}
    assert [one.owner for one in stage.box.shown(BOX).mails] == ["adupond"]
    stage.store_flags("bmartin", mail, "+", DONE)
    stage.keeper.turn()
    assert stage.box.shown(BOX).mails == ()


def test_a_night_asks_once_for_all_messages(stage: Stage) -> None:
    mails = [stage.doveadm.arrive(f"m{number}") for number in range(8)]
    for mail in mails:
        stage.change("adupond", Act.NOTE, mail, "x")
    gone = mails.pop()
    gone.folder = ".EXPUNGED/mail/INBOX"
    before = len(stage.doveadm.asked)
    assert stage.look.clean(BOX) == 1
    assert len(stage.doveadm.asked) - before == 1 and len(stage.store.keys(BOX)) == 7


def test_orders_are_carried_out_between_two_boxes(stage: Stage) -> None:
    others = [f"ce.{number}" for number in range(20)]
    for other in others:
        stage.box.set(other, on=True)
    mail = stage.doveadm.arrive("one")
    stage.now += 400
    stage.keeper.turn()
    stage.store_flags("adupond", mail, "+", TAKEN)
    stage.keeper.turn()
    assert owner(stage, mail) == "adupond", "the round of the boxes goes on"
    assert stage.keeper.turn() == 1
    stage.doveadm.delegates.remove("bmartin")
    while stage.keeper.turn():
        pass
    assert (stage.store.folder / ".scripts/bmartin.sieve").exists(), "an earlier box had this delegate"


def test_a_box_in_which_nothing_changed_costs_one_question(stage: Stage) -> None:
    stage.later()
    before = len(stage.doveadm.asked)
    stage.now += 400
    stage.keeper.turn()
    assert [words[0] for words in stage.doveadm.asked[before:]] == ["auth", "user"]
    stage.later()
    assert len(stage.doveadm.asked) - before > 4
