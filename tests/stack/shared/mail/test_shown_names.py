"""The name that an agent shows beside the own address: never another agent's, nor another's address in any disguise."""

import pytest

from tests.stack.support.mail import compose, token
from tests.stack.support.people import People
from tests.stack.support.scans import verdicts
from tests.stack.support.site import Account

OURS = "ac-exemple.test"


def word() -> str:
    """A surname that nobody has."""
    return "".join("abcdefghij"[int(sign, 16) % 10] for sign in token()[2:12]).title()


@pytest.fixture
def surname() -> str:
    return word()


@pytest.fixture
def sender(people: People, surname: str) -> Account:
    """An agent Zoé of that name; a colleague Jérôme bears it too."""
    people.agent(given_name="Jérôme", surname=f"Saint-{surname}", mail=f"jerome.saint-{surname.lower()}@{OURS}")
    return people.agent(given_name="Zoé", surname=surname)


def refused(site, sender: Account, heads: list[str]) -> list[str]:
    """Those heads that the filter refuses from this agent."""
    messages = [
        compose(sender.mail, sender.mail, token()).decode().replace(f"From: {sender.mail}", head, 1) for head in heads
    ]
    assert all(head in message for head, message in zip(heads, messages, strict=True))
    found = verdicts(site, messages, User=sender.uid, From=sender.mail)
    return [head for head, verdict in zip(heads, found, strict=True) if "MP_SENDER_FORGED" in verdict["symbols"]]


NAMES = (
    "Jérôme Saint-{name}", "jérôme  saint-{name}", "Saint-{name} Jérôme", "SAINT-{upper} Jérôme", "Jerome Saint-{name}",
    "Jerome Saint {name}", "M. Jérôme Saint-{name}", "Jérôme Saint-{name} (proviseur)", "Jérôme Saint-{name}, rectorat",
    "J\u0435r\u043eme Saint-{name}", "Jérôme\u200b Saint-{name}", "Jérôme\u00a0Saint-{name}", "{turned}",
)  # fmt: skip


def test_anothers_name_is_refused_however_it_is_written(site, sender, surname):
    turned = "\u202e" + f"Jérôme Saint-{surname}"[::-1]
    names = [name.format(name=surname, upper=surname.upper(), turned=turned) for name in NAMES]
    heads = [f'From: "{name}" <{sender.mail}>' for name in names]
    heads += [f"From: {sender.mail} (Jérôme Saint-{surname})", f"From: Jérôme Saint-{surname} <{sender.mail}>"]
    heads += [f"From: =?utf-8?Q?J=C3=A9r=C3=B4me_Saint-{surname}?= <{sender.mail}>"]
    heads += [f"From: =?iso-8859-1?Q?J=E9r=F4me_Saint-{surname}?= <{sender.mail}>"]
    heads += [f"From: {sender.mail}\r\nSender: Jérôme Saint-{surname} <{sender.mail}>"]
    assert refused(site, sender, heads) == heads


def test_anothers_address_is_refused_in_any_disguise(site, sender):
    forms = [
        *(
            "probe2 (at) {d}",
            "probe2 at {d}",
            "probe2 @ {d}",
            "probe2[arobase]ac-exemple[point]test",
            "probe2\uff20{d}",
        ),
        *("probe2@ac-exemple . test", "probe2@ac\u2010exemple.test", "\u202etset.elpmexe-ca@2eborp"),
    ]
    heads = [f'From: "{form.format(d=OURS)}" <{sender.mail}>' for form in forms]
    heads += [f"From: probe2(x)@(Probe){OURS} <{sender.mail}>", f"From: =?utf-8?Q?probe2=40{OURS}?= <{sender.mail}>"]
    assert refused(site, sender, heads) == heads


def test_ones_own_name_and_free_words_pass(site, people, sender, surname):
    names = [
        f"Zoé {surname}",
        f"{surname.upper()} Zoé",
        f"Zoe {surname} (SVT)",
        "Zoé",
        "Professeure de mathématiques",
        f"Mme {surname}",
    ]
    heads = [f'From: "{name}" <{sender.mail}>' for name in names]
    heads += [f"From: {sender.mail}", f"From: {sender.mail} <{sender.mail}>", f'From: "{sender.mail}" <{sender.mail}>']
    heads += [f"From: {sender.mail}\r\nReply-To: Jérôme Saint-{surname} <jerome.saint-{surname.lower()}@{OURS}>"]
    assert refused(site, sender, heads) == []


def test_two_agents_of_one_name_both_bear_it(site, people, surname):
    both = [people.agent(given_name="Marie", surname=surname) for _ in range(2)]
    for one in both:
        assert refused(site, one, [f"From: Marie {surname} <{one.mail}>"]) == []
    other = people.agent()
    heads = [f"From: Marie {surname} <{other.mail}>"]
    assert refused(site, other, heads) == heads


def test_who_writes_for_a_box_shows_its_name(site, mail, people):
    agent = people.agent()
    box = people.box(agent.uid)
    assert refused(site, agent, [f"From: {box.name} <{box.mail}>", f"From: Secrétariat du collège <{box.mail}>"]) == []


def test_the_refusal_names_the_name(mail, sender, surname):
    message = compose(f"Jérôme Saint-{surname} <{sender.mail}>", sender.mail, token())
    answer = mail.submit(sender, sender.mail, sender.mail, message)
    assert (answer.step, answer.code) == ("DATA", 554), answer
    assert f"le nom affiche jerome saint-{surname.lower()} est celui d'un autre agent" in answer.text
    assert mail.submit(
        sender, sender.mail, sender.mail, compose(f"Zoé {surname} <{sender.mail}>", sender.mail, token())
    ).accepted
