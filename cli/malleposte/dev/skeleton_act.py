"""The first version of an act of an agent: its call of accountd, its page, its tests, and its part on the mail host.

What it writes passes the tests: a page with one field, a call that writes the journal, and with `store` an act on the
host of the mailbox that says where the mailbox lies. The rest is for its author: docs/develop.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from malleposte.core.errors import InputError
from malleposte.core.paths import ROOT
from malleposte.dev.skeleton import filled

NAME = re.compile(r"[a-z]+(_[a-z]+)*")
ADDRESS = re.compile(r"(/[a-z0-9]+(-[a-z0-9]+)*)+")
CALLS = Path("cli/malleposte/accountd/calls")
HOSTS = Path("cli/malleposte/accounts/hosts")
PAGES = Path("portal/malleposte_portal/own")
SUBJECTS = PAGES / "__init__.py"
TERMS = Path("cli/malleposte/accounts/disclosure/terms.py")
ENGLISH = Path("portal/malleposte_portal/translations/en.po")
ROUTES = Path("tests/unit/portal/routes.txt")
ACTS = Path("tests/unit/accounts/hosts/acts.txt")


@dataclass(frozen=True)
class Act:
    """An act to begin: its `name` in the code, its `title` for agents in French and English, the addresses of its page.

    `store`: it does something on the host of the mailbox. Raises InputError for what cannot be.
    """

    name: str
    title: str
    english: str
    address: str
    english_address: str
    store: bool = False

    def __post_init__(self) -> None:
        """Refuse names and addresses that could not be found again."""
        if not NAME.fullmatch(self.name):
            raise InputError(f"{self.name}: not a name of an act", "small letters and underscores, such as quiet_day")
        for address, beginning in ((self.address, "/compte/"), (self.english_address, "/en/account/")):
            if not (ADDRESS.fullmatch(address) and address.startswith(beginning)):
                raise InputError(f"{address}: not an address of an agent's page", f"it begins with {beginning}")
        for title in (self.title, self.english):
            if not title or '"' in title or not title.isprintable():
                raise InputError(f"{title!r}: not a title", "a line without quotation marks")

    @property
    def values(self) -> Mapping[str, str]:
        """The words of the templates below."""
        return {
            "NAME": self.name, "CLASS": "".join(part.capitalize() for part in self.name.split("_")),
            "TITLE": self.title, "ENGLISH": self.english, "ADDRESS": self.address, "OTHER": self.english_address,
            "WORD": self.name.replace("_", "-"),
            "DO": STORE_DO if self.store else "", "IMPORT": STORE_IMPORT if self.store else PLAIN_IMPORT,
            "HOST": f"    new.hosts.{self.name} = lambda uid, value: True  # type: ignore[attr-defined]\n"
            if self.store else "",
        }  # fmt: skip


def new_files(act: Act) -> Mapping[Path, str]:
    """Return the new files, by their path in the checkout."""
    texts = {
        CALLS / f"{act.name}.py": CALL,
        PAGES / f"{act.name}.py": PAGE,
        Path(f"portal/malleposte_portal/templates/own/{act.name}.html"): TEMPLATE,
        Path(f"tests/unit/accountd/test_{act.name}.py"): TEST_CALL,
        Path(f"tests/unit/portal/own/test_{act.name}.py"): TEST_PAGE,
    }
    return {path: filled(filled(text, act.values), act.values) for path, text in texts.items()}


def extended(act: Act, root: Path = ROOT) -> Mapping[Path, str]:
    """Return the files that know every act, with this one. Raises InputError where a place is not found."""

    def read(path: Path) -> str:
        return (root / path).read_text("utf-8")

    routes = [f"{address} | GET POST | {act.name} | logged in" for address in (act.address, act.english_address)]
    whole = {
        SUBJECTS: after(
            SUBJECTS, imported(read(SUBJECTS), act.name), "        account, devices, phones, profiles,", f" {act.name},"
        ),
        TERMS: after(TERMS, read(TERMS), '    "undelete": "messages supprimés rétablis",\n',
                     f'    "{act.name.replace("_", "-")}": "{act.title[0].lower()}{act.title[1:]}",\n'),
        ENGLISH: read(ENGLISH).rstrip("\n") + f'\n\nmsgid "{act.title}"\nmsgstr "{act.english}"\n',
        ROUTES: "\n".join(sorted([*read(ROUTES).splitlines(), *routes])) + "\n",
    }  # fmt: skip
    if act.store:
        acts, methods = HOSTS / "acts/mailbox.py", HOSTS / "methods.py"
        row = f"{act.name}(uid: Uid, value: str) -> bool | the store of the account | only | accountd"
        whole |= {
            acts: read(acts).rstrip("\n") + "\n\n\n" + filled(STORE_ACT, act.values),
            methods: after(methods, read(methods), "    set_senders = acts.mailbox.set_senders\n",
                           f"    {act.name} = acts.mailbox.{act.name}\n"),
            ACTS: "\n".join(sorted([*read(ACTS).splitlines(), row])) + "\n",
        }  # fmt: skip
    return whole


def imported(text: str, name: str) -> str:
    """Return a module with one more name in its first import of several lines, in order."""

    def sorted_with_it(match: re.Match[str]) -> str:
        return match[1] + "".join(sorted([*match[2].splitlines(keepends=True), f"    {name},\n"])) + ")"

    return re.sub(r"(import \(\n)((?:    \w+,\n)+)\)", sorted_with_it, text, count=1)


def after(path: Path, text: str, place: str, added: str) -> str:
    """Return the text with something added after a place in it. Raises InputError where it is not found."""
    if place not in text:
        raise InputError(f"{path}: {place.strip()!r} is not found", "the skeleton of an act is to be mended")
    return text.replace(place, place + added, 1)


def write(act: Act, root: Path = ROOT) -> list[Path]:
    """Write all of it below `root`; return the paths. Raises InputError, and writes nothing, where one is there."""
    new = new_files(act)
    for path in new:
        if (root / path).exists():
            raise InputError(f"{path} is there already", "give another name, or remove it")
    whole = {**new, **extended(act, root)}
    for path, text in whole.items():
        (root / path).write_text(text, "utf-8")
    return sorted(whole)


STORE_IMPORT = "from malleposte.accountd.context import Context, reached"
PLAIN_IMPORT = "from malleposte.accountd.context import Context"
STORE_DO = """    with reached():
        context.tools.hosts.<NAME>(holder.uid, request.value)
"""
STORE_ACT = '''
@act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
def <NAME>(host: LocalHost, uid: Uid, value: str) -> bool:
    """Return whether the mailbox is there; what is done with the value comes here."""
    return bool(value) and host.home(uid).exists()
'''
CALL = '''
"""« <TITLE> »: an agent's own act."""

from __future__ import annotations

from malleposte.accountd.call import call
<IMPORT>
from malleposte.accountd.message import Done, Owned, Text


class <CLASS>(Owned[Done], frozen=True):
    """<ENGLISH>."""

    value: Text


@call()
def <NAME>(context: Context, request: <CLASS>) -> Done:
    """Do it, and write it down."""
    holder = context.owner(request.uid)
<DO>    context.journal.write("<WORD>", holder.uid)
    return Done(holder.uid, holder.state.value)
'''
PAGE = '''
"""« <TITLE> »: the page of an agent's own act."""

from __future__ import annotations

from flask import redirect, render_template
from malleposte.accountd.calls.<NAME> import <CLASS>

from malleposte_portal.core import acts
from malleposte_portal.core.answers import Answer, filled_in, link
from malleposte_portal.core.forms import Form, text_field
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent

SUBJECT = Subject("<NAME>")


class <CLASS>Form(Form):
    """The value that the act takes."""

    value = text_field("Motif", "", "Indiquez le motif.")


@SUBJECT.form("<ADDRESS>", "<OTHER>")
@for_agent
def <NAME>(agent: sign_on.Agent) -> Answer:
    """Show the form; once it is filled in, have it done."""
    form = <CLASS>Form()

    def act() -> Answer | acts.Refusal:
        answer = ask(agent, lambda source, uid, token: <CLASS>(source, uid, token, form.typed("value")))
        return answer if isinstance(answer, acts.Refusal) else redirect(link("account"), 303)

    return filled_in(form, act, lambda refused: render_template("own/<NAME>.html", form=form, refused=refused))
'''
TEMPLATE = """
{% extends "own/page.html" %}
{% block title %}{{ _("<TITLE>") }}{% endblock %}
{% block wrong %}{% if refused or form.errors %}{{ _("Erreur :") }} {% endif %}{% endblock %}
{% block body %}
{% if refused %}
{{ dsfr.alert("error", _("À vérifier"), refused) }}
{% endif %}
{% call dsfr.post(link("<NAME>"), "narrow") %}
{{ form.value() }}
      {{ dsfr.button(_("Continuer")) }}
{% endcall %}
{% endblock %}
"""
TEST_CALL = '''
"""« <TITLE> »: for an account's owner alone."""

from pathlib import Path

import pytest
from malleposte.accountd.calls.<NAME> import <CLASS>
from malleposte.accountd.message import Done
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, OTHER_NUMEN, Stage, token


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    new = Stage(tmp_path)
    new.agent("mdupond", State.ACTIVE)
<HOST>    return new


def test_it_is_done_and_written_down(stage: Stage) -> None:
    assert stage.ask(<CLASS>(HERE, "mdupond", token("mdupond"), "une valeur")) == Done("mdupond", "active")
    assert [line["action"] for line in stage.lines()] == ["<WORD>"]


def test_it_is_the_owner_s_alone(stage: Stage) -> None:
    stage.agent("jmartin", State.ACTIVE, OTHER_NUMEN)
    assert stage.ask(<CLASS>(HERE, "mdupond", token("jmartin"), "une valeur")) == NO_LOG_IN
'''
TEST_PAGE = '''
"""« <TITLE> »: the page."""

from typing import Any

from malleposte.accountd.calls.<NAME> import <CLASS>

from tests.unit.portal.own.test_pages import DONE

PAGE = "<ADDRESS>"


def test_the_form_is_carried_out(inside: Any, accountd: Any) -> None:
    accountd.answer = DONE
    inside.post(PAGE, inside.get(PAGE).form(PAGE) | {"value": "une valeur"})
    assert inside.last.request.path != PAGE, "the way goes on to another page"
    request = accountd.only(<CLASS>)
    assert (request.uid, request.value) == ("mdupond", "une valeur")


def test_an_empty_answer_asks_nothing(inside: Any, accountd: Any) -> None:
    accountd.answer = DONE
    inside.post(PAGE, inside.get(PAGE).form(PAGE) | {"value": ""})
    assert inside.last.status_code == 422
    assert accountd.requests(<CLASS>) == []
'''
