"""Mail in Roundcube: facts for the banner, reports to the DSI, filters, archive, labels, follow-up, sizes, recovery."""

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


def test_the_banner_is_given_the_sender_and_our_servers_proof(agent, mail):
    account, here = agent
    word = token()
    mail.foreign(
        "voisin@lointain.test", account.mail, compose("Zoé <voisin@lointain.test>", account.mail, f"Été {word}")
    )
    mail.arrived(account, word)
    origin = here.env(here.read(here.newest()))["agents_origin"]
    server = here.site.platform["hostnames"]["mail"]
    assert (origin["name"], origin["address"]) == ("Zoé", "voisin@lointain.test")
    assert origin["author"] == "voisin@lointain.test"
    assert origin["proof"].startswith(f"{server};")
    assert "dkim=pass" in origin["proof"]


def test_the_banner_is_given_the_topmost_proof_alone(agent, mail):
    account, here = agent
    mail.imap(account).append("INBOX", None, None, TWO_PROOFS)
    assert here.env(here.read(here.newest()))["agents_origin"]["proof"] == "mail.inconnu.test; dkim=fail"


def test_a_suspect_message_goes_whole_to_the_dsi_and_into_junk(agent, mail, site):
    account, here = agent
    word = token()
    mail.foreign("voisin@lointain.test", account.mail, compose("voisin@lointain.test", account.mail, f"Gain {word}"))
    mail.arrived(account, word)
    form = {"_uid": here.newest(), "_mbox": "INBOX"}
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


def test_labels_are_the_keywords_of_every_program(agent, mail):
    account, here = agent
    word = token()
    session = mail.imap(account)
    session.append("INBOX", "($label4)", None, compose("a@lointain.test", account.mail, word))
    assert "LABEL4" in here.list().upper()
    put = {"_mbox": "INBOX", "_toggle_label": "LABEL1", "_flag_uids": here.newest(), "_unflag_uids": ""}
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
    (ident,) = re.findall(r'value="(\d+ .EXPUNGED/mail/[^"]+)"', page)
    form = {"_message[]": ident, "_token": here.token}
    answer = here.ask("/?_task=settings&_action=plugin.malleposte-undelete-back", form)
    assert "1 message(s) récupéré(s)" in answer.text
    assert mail.count(account, word, "Projets") == 1
    (ident,) = re.findall(r'value="(\d+ .EXPUNGED/mail/[^"]+)"', answer.text)
    here.ask("/?_task=settings&_action=plugin.malleposte-undelete-back", {"_message[]": ident, "_token": here.token})
    assert mail.count(account, other) == 1
    assert utf7("Corbeille") in ident


@pytest.mark.full
def test_recovery_looks_by_date(agent, mail):
    account, here = agent
    old, new = token(), token()
    session = mail.imap(account)
    for word, day in ((old, "Mon, 02 Mar 2026 23:30:00 +0100"), (new, "Wed, 04 Mar 2026 08:00:00 +0100")):
        message = compose("a@lointain.test", account.mail, word)
        dated = re.sub(rb"(?m)^Date: .*$", f"Date: {day}".encode(), message)
        session.append("INBOX", None, None, dated)
        mail.remove(account, word)

    def found(**days):
        page = here.page(_task="settings", _action="plugin.malleposte-undelete", **days)
        listed = page.partition("malleposte-search")[2].partition("</form>")[2]
        return {word for word in (old, new) if word in listed}

    assert found() == {old, new}
    assert found(_from="2026-03-02", _to="2026-03-02") == {old}, "the last day counts whole"
    assert found(_from="2026-03-03") == {new}
    assert found(_to="2026-03-03") == {old}
    assert found(_to="2026-03-03", _words=new) == set()
    assert found(_from="2026-03-05") == set()


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ({"_from": "2026-02-30"}, "Date non valide\u00a0: «\u00a02026-02-30\u00a0»"),
        ({"_to": "demain"}, "Date non valide\u00a0: «\u00a0demain\u00a0»"),
        ({"_from": "01/03/2026"}, "Date non valide"),
        ({"_from": '1-Jan-2026 OR ALL"<i>'}, "Date non valide"),
        ({"_from": "2026-03-05", "_to": "2026-03-04"}, "La première date est après la seconde"),
    ],
)
def test_recovery_refuses_what_is_no_date(agent, mail, days, told):
    account, here = agent
    word = token()
    mail.imap(account).append("INBOX", None, None, compose("a@lointain.test", account.mail, word))
    mail.remove(account, word)
    page = here.page(_task="settings", _action="plugin.malleposte-undelete", **days)
    assert told in page
    assert word not in page
    assert "<i>" not in page.partition("undelete-from")[2].partition("</form>")[0]


@pytest.mark.full
def test_the_follow_up_lists_the_labels_of_all_folders(agent, mail):
    account, here = agent
    session = mail.imap(account)
    session.create(quoted("Projets"))
    session.subscribe(quoted("Projets"))
    words = {}
    for folder, flag in (
        ("INBOX", "$label4"), ("Projets", "$Label4"), ("Projets", "$label2"), ("Envoyés", "$label5"),
        ("INBOX", "$label1"), ("INBOX", ""), ("Corbeille", "$label4"), ("Indésirables", "$label2"),
    ):  # fmt: skip
        words[folder, flag] = word = token()
        message = compose("zoe@lointain.test", account.mail, f"Été <b> {word}")
        session.append(quoted(folder), f"({flag})" if flag else None, None, message)
    page = here.page(_task="mail", _action="plugin.malleposte-followup")
    groups = [one.partition("</ul>")[0] for one in page.split("<h3>")[1:]]
    assert [group.partition(" ")[0] for group in groups] == ["À", "En", "Fait"]
    todo, doing, done = groups
    assert words["INBOX", "$label4"] in todo and words["Projets", "$Label4"] in todo
    assert words["Projets", "$label2"] in doing and words["Envoyés", "$label5"] in done
    assert [group.count("<li>") for group in groups] == [2, 1, 1]
    assert "<b>" not in page
    for (link,) in (re.findall(r'href="(\./\?_task=mail[^"]+)"', group) for group in (doing, done)):
        assert here.ask(link.replace("&amp;", "&").removeprefix(".")).status == 200


@pytest.mark.full
def test_the_page_of_sizes_names_the_largest_folder_first(agent, mail):
    account, here = agent
    session = mail.imap(account)
    session.create(quoted("Projets"))
    for _number in range(3):
        session.append(quoted("Projets"), None, None, compose("a@lointain.test", account.mail, token(), "x\n" * 50_000))
    session.append(quoted("Envoyés"), None, None, compose("a@lointain.test", account.mail, token(), "x\n" * 5000))
    page = here.page(_task="settings", _action="plugin.malleposte-sizes")
    rows = re.findall(r"<th scope=.row.>.*?</tr>", page, re.DOTALL)
    assert "Projets" in rows[0] and "<td>3</td>" in rows[0] and re.search("(9[0-9])\u00a0%", rows[0])
    assert "Envoyés" in rows[1] and "<td>1</td>" in rows[1]
    assert "EXPUNGED" not in page
    (link,) = re.findall(r'href="([^"]+)"', rows[1])
    opened = here.ask(link.replace("&amp;", "&").removeprefix("."))
    assert here.env(opened.text)["mailbox"] == utf7("Envoyés")
