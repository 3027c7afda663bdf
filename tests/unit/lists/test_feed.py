"""Feeds of distribution lists: rows become entries, unknown names are refused, a second run changes nothing."""

import datetime
from collections.abc import Sequence
from dataclasses import replace

import pytest
from malleposte.accounts import feed
from malleposte.accounts.feed import columns, rejects
from malleposte.accounts.plan import changes, lines
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.current import Current
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, agent_attributes
from malleposte.lists import feed as list_feed
from malleposte.lists.model import entry_of, to_list

from tests.support import academy
from tests.support.classes import read_feed
from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
NOW = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
HEADER = ("Liste", "Intitulé", "Règle", "Membres", "Émetteurs", "Modérateurs", "Taille (Ko)", "Débit", "Masquée")


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    for uid, surname in (("mdupond", "Dupond"), ("zmartin", "Martin")):
        one = Agent(uid=uid, given_name="Zoé", surname=surname, mail=f"{uid}@{DOMAIN}", profile="roundcube")
        made.add(one.dn(made.suffix), agent_attributes(one))
    return made


def planned(
    directory: MemoryDirectory, content: bytes | Sequence[Sequence[str]], header: Sequence[str] = HEADER
) -> tuple[changes.Plan, feed.Feed]:
    if not isinstance(content, bytes):
        content = academy.render(tuple(header), tuple(tuple(row) for row in content))
    read = read_feed(content, "listes.csv")
    assert read.kind == columns.LIST
    return list_feed.plan(read, Current(directory), DOMAIN, NOW)


def applied(directory: MemoryDirectory, plan: changes.Plan) -> None:
    admit(lines.parse(plan.render().encode(), "plan.json"), directory.suffix, DOMAIN, "plan.json")
    for change in plan.changes:
        if change.is_new:
            directory.add(change.dn, change.after)
        else:
            directory.modify(change.dn, change.after)


def test_sixty_lists_and_the_same_again(directory: MemoryDirectory) -> None:
    plan, read = planned(directory, academy.lists_file())
    assert (len(plan.changes), plan.rejected) == (60, 0)
    applied(directory, plan)
    again, _ = planned(directory, academy.lists_file())
    assert (again.changes, again.unchanged) == ((), 60)
    assert read.rejects == ()


def test_a_row_says_all_of_a_list(directory: MemoryDirectory) -> None:
    row = ("Conseil@ac-exemple.test", "Conseil", "fonction=Principal,Proviseur departement=89|corps=Attaché",
           "mdupond, partenaire@exemple.test", "'@members zmartin", "zmartin", "2048", "600", "oui")  # fmt: skip
    plan, _ = planned(directory, [row])
    applied(directory, plan)
    entry = entry_of(directory, "conseil")
    assert entry is not None
    one = to_list(entry.attributes)
    assert (one.mail, one.title, len(one.urls), one.max_kb, one.rate, one.hidden) == (
        f"conseil@{DOMAIN}", "Conseil", 2, 2048, 600, True,
    )  # fmt: skip
    assert [dn.partition(",")[0] for dn in one.members] == ["uid=mdupond"]
    assert (one.outside, one.posters, one.moderators) == (
        ("partenaire@exemple.test",), ("@members", "zmartin"), ("zmartin",),
    )  # fmt: skip


def test_what_the_file_has_no_column_for_stays(directory: MemoryDirectory) -> None:
    applied(directory, planned(directory, [("conseil", "", "", "mdupond", "", "zmartin", "", "600", "")])[0])
    plan, _ = planned(directory, [("conseil", "zmartin")], ("Liste", "Membres"))
    [change] = plan.changes
    assert set(change.after) == {"member"}
    applied(directory, plan)
    entry = entry_of(directory, "conseil")
    assert entry is not None
    one = to_list(entry.attributes)
    assert (one.moderators, one.rate) == (("zmartin",), 600)
    assert [dn.partition(",")[0] for dn in one.members] == ["uid=zmartin"]


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        (("liste à nous",), "ne peut nommer une liste"),
        (("conseil-owner",), "ne peut nommer une liste"),
        (("mdupond",), "est ou a été à quelqu’un"),
        (("conseil", "", "couleur=bleu"), "n’est pas un critère de règle"),
        (("conseil", "", "", "personne"), "ni un compte, ni une liste"),
        (("conseil", "", "", "", "", "personne"), "le compte personne n’existe pas"),
        (("conseil", "", "", "", "", "", "beaucoup"), "n’est pas un nombre"),
        (("conseil", "", "", "", "", "", "", "", "peut-être"), "ni oui ni non"),
        (("conseil", "=cmd|' /C calc'!A0"), "formule"),
        (("",), "vide"),
        (("conseil", "", "fonction"), "n’est pas une règle"),
        (("conseil", "", "fonction="), "aucune valeur"),
        (("conseil", "", "uai=9990001A"), "la lettre de contrôle de 9990001A est fausse"),
        (("conseil", "", "departement=999"), "n’est pas un numéro de département"),
        (("conseil", "", "", "@list:inconnue"), "la liste inconnue n’existe pas"),
    ],
)
def test_a_row_that_cannot_be_is_refused_and_the_others_go_on(
    directory: MemoryDirectory, row: tuple[str, ...], cause: str
) -> None:
    filled = row + ("",) * (len(HEADER) - len(row))
    good = ("autre", *("",) * (len(HEADER) - 1))
    plan, read = planned(directory, [filled if any(filled) else (*filled[:1], "x", *filled[2:]), good])
    [reject] = read.rejects
    assert cause in reject.reason
    assert reject.line == 2
    assert [change.uid for change in plan.changes] == ["autre"]
    assert plan.rejected == 1
    assert cause.split(maxsplit=1)[0] in rejects.render(read)


def test_a_list_named_twice_is_refused_the_second_time(directory: MemoryDirectory) -> None:
    rest = ("",) * (len(HEADER) - 1)
    plan, read = planned(directory, [("conseil", *rest), ("CONSEIL@ac-exemple.test", *rest)])
    assert len(plan.changes) == 1
    assert "déjà à la ligne 2" in read.rejects[0].reason


def test_an_edited_plan_makes_no_list_elsewhere(directory: MemoryDirectory) -> None:
    plan, _ = planned(directory, academy.lists_file(1))
    [change] = plan.changes
    for wrong in (
        replace(change, dn=f"cn={change.uid},ou=services,{directory.suffix}"),
        replace(change, after={**change.after, "mail": ["liste@ailleurs.test"]}),
        replace(change, after={**change.after, "userPassword": ["x"]}),
    ):
        with pytest.raises(InputError, match="change 1"):
            admit(replace(plan, changes=(wrong,)), directory.suffix, DOMAIN, "plan.json")
