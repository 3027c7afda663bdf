"""Mail in Roundcube: facts for the banner, reports to the DSI, ready filters, archive by year, labels, recovery."""

import datetime
import email
import email.policy
import re

import pytest

from tests.stack.support.mail import compose, quoted, token, utf7, wait_for

pytestmark = pytest.mark.scattered
TWO_PROOFS = b"""\
Authentication-Results: mail.inconnu.test; dkim=fail
Authentication-Results: mail.ac-exemple.test; dmarc=pass; dkim=pass
From: voisin@inconnu.test
Subject: Urgent

Texte
""".replace(b"\n", b"\r\n")


def number(here, mailbox="INBOX"):
    """The number of the newest message in a folder."""
    return re.findall(r"add_message_row\((\d+)", here.list(mailbox))[0]


def test_the_banner_is_given_the_sender_and_our_servers_proof(agent, mail):
    account, here = agent
    word = token()
    mail.foreign(
        "voisin@lointain.test", account.mail, compose("Zoé <voisin@lointain.test>", account.mail, f"Été {word}")
    )
    mail.arrived(account, word)
    origin = here.env(here.read(number(here)))["agents_origin"]
    server = here.site.platform["hostnames"]["mail"]
    assert (origin["name"], origin["address"]) == ("Zoé", "voisin@lointain.test")
    assert origin["proof"].startswith(f"{server};")
    assert "dkim=pass" in origin["proof"]


def test_the_banner_is_given_the_topmost_proof_alone(agent, mail):
    account, here = agent
    mail.imap(account).append("INBOX", None, None, TWO_PROOFS)
    assert here.env(here.read(number(here)))["agents_origin"]["proof"] == "mail.inconnu.test; dkim=fail"


def test_a_suspect_message_goes_whole_to_the_dsi_and_into_junk(agent, mail, site):
    account, here = agent
    word = token()
    mail.foreign("voisin@lointain.test", account.mail, compose("voisin@lointain.test", account.mail, f"Gain {word}"))
    mail.arrived(account, word)
    form = {"_uid": number(here), "_mbox": "INBOX"}
    told = str(here.call(_form=form, _task="mail", _action="plugin.malleposte-report")["exec"])
    assert "Merci" in told
    assert mail.count(account, word) == 0
    assert mail.count(account, word, "Indésirables") == 1
    ask = f"doveadm fetch -u dsi text mailbox '*' HEADER FROM {account.mail} HEADER X-Malleposte-Report yes"
    held = wait_for(lambda: site.run("mail1", ask, check=False), 90)
    report = email.message_from_string(held.partition("\n")[2], policy=email.policy.default)
    original = next(part for part in report.walk() if part.get_content_type() == "message/rfc822").get_content()
    assert original["Subject"] == f"Gain {word}"
    # All of it is there, as it came: what proved its sender too.
    assert original["DKIM-Signature"]
    assert original["Authentication-Results"]


def test_a_ready_filter_is_in_force_after_one_click(agent, mail):
    account, here = agent
    page = here.page(_task="settings", _action="plugin.malleposte-ready")
    assert "Enseignement" in page
    form = {"_filter": "1", "_token": here.token}
    assert "Ce filtre est en place" in here.ask("/?_task=settings&_action=plugin.malleposte-ready-add", form).text
    assert mail.sieve(account).scripts() == {"roundcube": True}
    word = token()
    subject = f"Conseil de classe {word}"
    mail.foreign("voisin@lointain.test", account.mail, compose("voisin@lointain.test", account.mail, subject))
    mail.arrived(account, word, "Enseignement")
    # The page of filters shows it, and a second click adds no second one.
    assert "Enseignement" in here.page(_task="settings", _action="plugin.managesieve")
    here.ask("/?_task=settings&_action=plugin.malleposte-ready-add", form)
    script = b"".join(mail.sieve(account).command('GETSCRIPT "roundcube"'))
    assert script.count(b"Enseignement]") == 1


def test_a_form_of_ours_without_its_token_changes_nothing(agent, mail):
    account, here = agent
    answer = here.ask("/?_task=settings&_action=plugin.malleposte-ready-add", {"_filter": "1", "_token": "x"})
    assert answer.status != 200 or "Ce filtre est en place" not in answer.text
    assert mail.sieve(account).scripts() == {}


def test_archived_mail_lies_under_its_year(agent, mail):
    account, here = agent
    word = token()
    mail.imap(account).append("INBOX", None, None, compose("a@lointain.test", account.mail, word))
    form = {"_uid": number(here), "_mbox": "INBOX"}
    here.call(_form=form, _task="mail", _action="plugin.move2archive")
    year = datetime.datetime.now().year
    assert mail.count(account, word, f"Archives/{year}") == 1
    assert mail.count(account, word) == 0


def test_labels_are_the_keywords_of_every_program(agent, mail):
    account, here = agent
    word = token()
    session = mail.imap(account)
    session.append("INBOX", "($label4)", None, compose("a@lointain.test", account.mail, word))
    assert "LABEL4" in here.list().upper()
    put = {"_mbox": "INBOX", "_toggle_label": "LABEL1", "_flag_uids": number(here), "_unflag_uids": ""}
    here.call(_task="mail", _action="plugin.thunderbird_labels.set_flags", **put)
    session.select(quoted("INBOX"), readonly=True)
    flags = session.fetch("1", "(FLAGS)")[1][0].lower()
    assert b"$label4" in flags
    assert b"$label1" in flags
    page = here.page(_task="mail")
    assert "À faire" in page or "\\u00c0 faire" in page


def test_a_deleted_message_is_found_and_brought_back(agent, mail):
    account, here = agent
    word, other = token(), token()
    session = mail.imap(account)
    session.create(quoted("Projets"))
    for folder, subject in (("Projets", word), ("Corbeille", other)):
        session.append(quoted(folder), None, None, compose("a@lointain.test", account.mail, f"Été {subject}"))
        mail.remove(account, subject)
    folders = b"".join(session.list()[1])
    assert b"EXPUNGED" not in folders
    page = here.page(_task="settings", _action="plugin.malleposte-undelete", _words=word)
    assert word in page
    assert other not in page
    (ident,) = re.findall(r'value="(\d+ EXPUNGED/mail/[^"]+)"', page)
    form = {"_message[]": ident, "_token": here.token}
    answer = here.ask("/?_task=settings&_action=plugin.malleposte-undelete-back", form)
    assert "1 message(s) récupéré(s)" in answer.text
    assert mail.count(account, word, "Projets") == 1
    (ident,) = re.findall(r'value="(\d+ EXPUNGED/mail/[^"]+)"', answer.text)
    here.ask("/?_task=settings&_action=plugin.malleposte-undelete-back", {"_message[]": ident, "_token": here.token})
    assert mail.count(account, other) == 1
    assert utf7("Corbeille") in ident
