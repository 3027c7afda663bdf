"""« Circulaires »: what a list sent is found by its words by those whom the list reaches, and by nobody else."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.circulars import ONE, ArchivedList, addresses, written
from tests.stack.support.desk import entered
from tests.stack.support.mail import token, wait_for
from tests.unit.daemons.test_circulars import pdf_of

UNIT = "malleposte-circulars.service"


@pytest.fixture
def archived(site: Any, lists: Callable[..., str]) -> Callable[..., str]:
    """Make a list with an archive; its address."""

    def made(**words: list[str]) -> str:
        address = lists(**words)
        Cli(site).out("lists", "set", address.partition("@")[0], "--archive")
        return address

    return made


def test_members_find_a_circular_by_the_words_of_its_pdf_and_nobody_else_does(
    site: Any, web: Any, mail: Any, person: Callable[..., Any], archived: Callable[..., str]
) -> None:
    writer, member, stranger = person(), person(), person()
    address = archived(member=[member.uid], poster=[writer.uid])
    subject, word = token(), token()
    files = (("../Note d’été\u202e.pdf", pdf_of(f"Mutations {word}pdf")), ("Cassée.pdf", b"%PDF-1.7 nothing"))
    message = written(writer.account.mail, address, subject, word, *files)
    assert mail.submit(writer.account, writer.account.mail, address, message).accepted
    mail.arrived(member.account, subject)
    reader, other = entered(site, web, member), entered(site, web, stranger)
    (where,) = wait_for(lambda: addresses(reader, f"{word}pdf mutations"), what="the words of the PDF")
    assert addresses(reader, f"epreuves {word}") == [where] and addresses(reader, f"absent{word}") == []
    assert addresses(reader, "cassee") == [where], "a PDF that cannot be read is found by its name"
    shown = reader.get(where)
    assert word in shown.main and "alert(1)" not in shown.main and "Note d’été.pdf" in shown.main
    pieces = [one["fields"] for one in shown.forms() if str(one["action"]).endswith("/piece")]
    assert len(pieces) == 2
    answer = reader.ask("/compte/circulaire/piece", pieces[0])
    assert answer.status == 200 and answer.body.startswith(b"%PDF-1.4")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert addresses(other, word) == []
    unknown = other.ask(f"{ONE}?" + urllib.parse.urlencode({"liste": "nulle", "id": "20990101000000-00000000"}))
    refused = other.ask(where)
    assert refused.status == unknown.status == 404


@pytest.mark.full
def test_a_pdf_that_grows_without_end_keeps_nobody_s_words_away(
    site: Any, web: Any, mail: Any, person: Callable[..., Any], archived: Callable[..., str]
) -> None:
    writer, member = person(), person()
    address = archived(member=[member.uid], poster=[writer.uid])
    bomb, word, after = pdf_of("bombe", 8_000_000), token(), token()
    assert len(bomb) < 2_000_000, "350 MB of lines"
    site.run("mail1", "systemctl reset-failed 'malleposte-circulars-words@*'", check=False)
    for subject, files in ((word, (("Bombe.pdf", bomb), ("Note.pdf", pdf_of(f"x{word}")))), (after, ())):
        message = written(writer.account.mail, address, subject, subject, *files)
        assert mail.submit(writer.account, writer.account.mail, address, message).accepted
    reader = entered(site, web, member)
    wait_for(lambda: addresses(reader, after), what="the next circular, beside the bomb")

    def words() -> list[str]:
        time.sleep(5)  # the page counts what is looked for
        return addresses(reader, f"x{word}")

    (where,) = wait_for(words, what="the words of the other PDF", timeout=240)
    assert addresses(reader, f"bombe {word}") == [where], "by the name of its file"
    peak = site.run("mail1", f"grep VmHWM /proc/$(systemctl show -P MainPID {UNIT})/status").split()
    assert int(peak[1]) < 400_000, peak


@pytest.mark.full
def test_who_leaves_the_list_reads_no_more_and_a_retraction_leaves_the_archive(
    site: Any, web: Any, mail: Any, person: Callable[..., Any], archived: Callable[..., str]
) -> None:
    writer, member, leaver = person(), person(), person()
    address, cli = archived(member=[member.uid, leaver.uid], poster=[writer.uid]), Cli(site)
    subject, word = token(), token()
    message = written(writer.account.mail, address, subject, word)
    assert mail.submit(writer.account, writer.account.mail, address, message).accepted
    mail.arrived(member.account, subject)
    one, other = entered(site, web, member), entered(site, web, leaver)
    (where,) = wait_for(lambda: addresses(one, word), what="the circular")
    assert addresses(other, word) == [where]
    cli.out("lists", "members", address.partition("@")[0], "--remove", leaver.uid)
    assert addresses(other, word) == [] and other.ask(where).status == 404 and one.ask(where).status == 200
    ArchivedList(site, mail, address, writer.account, one).take_back(subject)
    wait_for(lambda: not addresses(one, word), what="the end of the circular in the archive", timeout=120)
    assert one.ask(where).status == 404


@pytest.mark.full
def test_killed_at_any_moment_each_message_is_archived_once(
    site: Any, mail: Any, person: Callable[..., Any], archived: Callable[..., str]
) -> None:
    writer, member = person(), person()
    address = archived(member=[member.uid], poster=[writer.uid])
    name, subjects = address.partition("@")[0], [token() for _ in range(4)]
    for subject in subjects:
        message = written(writer.account.mail, address, subject, "x")
        assert mail.submit(writer.account, writer.account.mail, address, message).accepted
        site.run("mail1", f"systemctl kill --signal=KILL {UNIT}", check=False)
        mail.arrived(member.account, subject)

    def archive() -> list[str]:
        folder = f"/var/lib/malleposte-circulars/messages/{name}"
        return [str(one) for one in site.run("mail1", f"cat {folder}/*/message", check=False).splitlines()]

    wait_for(lambda: all(f"Subject: {one}" in archive() for one in subjects), what="all of them", timeout=180)
    assert [archive().count(f"Subject: {one}") for one in subjects] == [1] * 4
    assert [mail.count(member.account, one) for one in subjects] == [1] * 4


def test_what_reads_pdfs_may_do_nothing_else(site: Any) -> None:
    shown = site.run(
        "mail1", "systemctl show malleposte-circulars-words@x.service", "-p", "User,PrivateNetwork,MemoryMax"
    )
    assert {"User=malleposte-circulars-words", "PrivateNetwork=yes", "MemoryMax=268435456"} <= set(shown.split())
    settings = json.loads(site.run("mail1", "cat /etc/malleposte/circulars.json"))
    assert settings["readers"] == "no", "nobody is counted unless the academy says so"
    assert "700 malleposte-circulars" in site.run("mail1", "stat -c '%a %U' /var/lib/malleposte-circulars")
