"""Nobody writes under another's address: mail that the filter refuses, and mail that it accepts."""

import pytest
from malleposte.core.paths import ROOT

from tests.stack.support.mail import FOREIGN, compose, token

pytestmark = pytest.mark.scattered

OURS = "ac-exemple.test"


@pytest.fixture
def subject() -> str:
    return token()


def dressed(sender: str, recipient: str, subject: str, head: str) -> bytes:
    """A message whose From line is replaced by `head` (whole header lines, or nothing)."""
    message = compose(sender, recipient, subject)
    line = f"From: {sender}\r\n".encode()
    assert line in message
    return message.replace(line, head.replace("\n", "\r\n").encode(), 1)


@pytest.mark.parametrize(
    "head",
    [
        "From: {own}\n",
        'From: "Nom, Prénom (service)" <{own}>\n',
        "From: =?utf-8?Q?Pr=C3=A9nom_Nom?= <{own}>\n",
        "From: Essai\n <{own}>\n",
        "From: {tagged}\n",
        "From: {box}\nSender: {own}\n",
        "From: {own}\nReply-To: someone@lointain.test\n",
    ],
)
def test_ones_own_addresses_pass(mail, people, subject, head):
    sender = people.agent()
    box = people.box(sender.uid)
    tagged = sender.mail.replace("@", "+classe@")
    head = head.format(own=sender.mail, box=box.mail, tagged=tagged)
    answer = mail.submit(sender, sender.mail, sender.mail, dressed(sender.mail, sender.mail, subject, head))
    assert answer.accepted, answer
    assert mail.arrived(sender, subject)


@pytest.mark.parametrize(
    "head",
    [
        "From: {other}\n",
        "From: {own}, {other}\n",
        "From: {own}\nFrom: {other}\n",
        "From: {own}\nSender: {other}\n",
        "From: {own}\nResent-From: {other}\n",
        "From: {own}\nResent-Sender: {other}\n",
        "From: equipe: {own}, {other};\n",
        'From: "{other}" <{own}>\n',
        "From: =?utf-8?Q?=3C{escaped}=3E?= <{own}>\n",
        "From: ({own}) {other}\n",
        "From: {own} <{other}>\n",
        "From: =?utf-8?Q?x?= <{other}>\n",
        "From: {other} (x)\n",
        'From: "x <{own}>" <{other}>\n',
        "From: <{own}> <{other}>\n",
        "From: <@relais.test:{other}>\n",
        "From: {other}.\n",
        "From: {commented}\n",
        "From: {upper}\n",
        "From: personne@lointain.test\n",
        "From: *)(uid=*@ac-exemple.test\n",
        'From: "*)(uid=*"@ac-exemple.test\n',
        "From: liste-sans-adresse:;\n",
        "X-Nothing: x\n",
    ],
)
def test_anothers_addresses_are_refused_with_words(mail, people, subject, head):
    sender, other = people.agent(), mail.account("probe2").mail
    head = head.format(
        own=sender.mail,
        other=other,
        escaped=other.replace("@", "=40"),
        commented=other.replace("@", " (ici) @ "),
        upper=other.upper(),
    )
    answer = mail.submit(sender, sender.mail, sender.mail, dressed(sender.mail, sender.mail, subject, head))
    assert answer.step == "DATA", answer
    assert 550 <= answer.code <= 559, answer
    assert "Expediteur refuse" in answer.text, answer
    assert "Sender refused" in answer.text, answer


@pytest.mark.parametrize(
    "head",
    [
        "From: probe2@{ours}\n",
        "From: X <probe2@{ours}>, y@lointain.test\n",
        "From: y@lointain.test\nFrom: p@{ours}\n",
    ],
)
def test_a_stranger_does_not_write_as_one_of_us(mail, subject, head):
    target = mail.account("probe1").mail
    sender = f"probe@{FOREIGN}"
    message = dressed(sender, target, subject, head.format(ours=OURS))
    answer = mail.stranger(sender, target, message)
    assert answer.step == "DATA", answer
    assert 550 <= answer.code <= 559, answer


def test_the_refusal_reaches_the_sender_as_it_was_written(mail, subject):
    target = mail.account("probe1").mail
    for length in range(4, 14):
        address = f"{'abcdefghijklmn'[:length]}@{OURS}"
        message = dressed(f"probe@{FOREIGN}", target, subject, f"From: {address}\n")
        answer = mail.stranger(f"probe@{FOREIGN}", target, message)
        assert answer.text.count(address) == 2, answer


def test_the_rule_reads_headers_and_ldap_as_it_should(mail1, mail):
    script = ROOT / "tests/stack/support/lua/sender.lua"
    mail.site.run("mail1", "cat > /tmp/mp-sender.lua", given=script.read_text())
    try:
        assert mail1.check_output("rspamadm lua -b /tmp/mp-sender.lua").strip() == "fine"
    finally:
        mail1.check_output("rm -f /tmp/mp-sender.lua")
