"""The filter: mail that it refuses, marks, signs and strips; its trusted senders; its learning."""

import email
import email.policy

import pytest

from tests.stack.support.mail import FOREIGN, compose, token

pytestmark = pytest.mark.scattered

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


@pytest.fixture
def subject() -> str:
    return token()


def received(mail, who: str, subject: str) -> email.message.EmailMessage:
    return email.message_from_bytes(mail.arrived(who, subject), policy=email.policy.default)


def test_gtube_is_refused(mail, subject):
    target = mail.account("probe1").mail
    answer = mail.stranger(f"probe@{FOREIGN}", target, compose(f"probe@{FOREIGN}", target, subject, GTUBE))
    assert answer.step == "DATA", answer
    assert 550 <= answer.code <= 559, answer


def test_what_came_from_a_real_server_is_verified_and_forged_headers_go(mail, subject):
    sender, target = f"probe@{FOREIGN}", mail.account("probe1").mail
    message = compose(sender, target, subject, Authentication_Results="mail.ac-exemple.test; dmarc=pass (forged)")
    message = message.replace(b"Subject:", b"X-Virus-Status: Clean forged\r\nSubject:", 1)
    mail.foreign(sender, target, message)
    got = received(mail, "probe1", subject)
    results = got.get_all("Authentication-Results")
    assert len(results) == 1, results
    assert "forged" not in results[0]
    for word in ("dkim=pass", "spf=pass", "dmarc=pass"):
        assert word in results[0], results
    assert got["X-Virus-Status"] is None
    assert got["X-Spam"] is None


def test_authenticated_mail_cannot_carry_a_forged_verdict(mail, people, subject):
    sender = people.agent()
    message = compose(sender.mail, sender.mail, subject, X_Spam="Yes", Authentication_Results="x; dmarc=pass forged")
    assert mail.submit(sender, sender.mail, sender.mail, message).accepted
    got = email.message_from_bytes(mail.arrived(sender, subject), policy=email.policy.default)
    assert got["X-Spam"] is None
    assert all("forged" not in value for value in got.get_all("Authentication-Results") or [])


def test_only_our_own_is_signed_by_us(mail, subject):
    sender, target = f"probe@{FOREIGN}", mail.account("probe1").mail
    mail.foreign(sender, target, compose(sender, target, subject))
    signatures = received(mail, "probe1", subject).get_all("DKIM-Signature") or []
    assert all("ac-exemple.test" not in value for value in signatures)


def test_mail_is_sealed_when_a_filter_redirects_it_and_only_then(mail, people, subject):
    reader, sender, away = people.agent(), f"probe@{FOREIGN}", f"test@{FOREIGN}"
    mail.set_filter(reader, "ailleurs", f'require "copy";\nredirect :copy "{away}";\n')
    mail.foreign(sender, reader.mail, compose(sender, reader.mail, subject))
    stayed = email.message_from_bytes(mail.arrived(reader, subject), policy=email.policy.default)
    assert stayed["ARC-Seal"] is None
    left = email.message_from_bytes(mail.at_foreign("test", subject), policy=email.policy.default)
    assert "d=ac-exemple.test" in left["ARC-Seal"]
    for word in ("dkim=pass", "spf=pass", "dmarc=pass"):
        assert word in left["ARC-Authentication-Results"]


def test_private_networks_are_not_trusted_by_themselves(mail1):
    dumped = mail1.check_output("rspamadm configdump -j options 2>/dev/null")
    assert "127.0.0.0/8" in dumped, "the list is there"
    assert "192.168.0.0/16" not in dumped
    assert "10.0.0.0/8" not in dumped


def test_the_controller_wants_a_password_over_tcp_and_none_on_its_socket(mail1):
    refused = mail1.check_output("rspamc -h 127.0.0.1:11334 stat 2>&1 || true")
    assert "Unauthorized" in refused, refused
    assert "Messages scanned" in mail1.check_output("rspamc -h /run/rspamd/controller.sock stat")


@pytest.mark.parametrize("user", ["nobody", "postfix"])
def test_keys_and_passwords_are_not_readable_by_others(mail1, user):
    for path in (
        "/etc/rspamd/rspamd.conf.local",
        "/etc/rspamd/local.d/redis.conf",
        "/etc/rspamd/override.d/worker-controller.inc",
        "/var/lib/rspamd/dkim/*.key",
    ):
        assert mail1.run(f"cat {path}").stdout, f"{path} is there and root reads it"
        assert mail1.run(f"setpriv --reuid {user} --clear-groups cat {path}").rc != 0, path
    for path in ("/etc/rspamd/rspamd.conf.local", "/var/lib/rspamd/dkim/*.key"):
        assert mail1.run(f"setpriv --reuid _rspamd --regid _rspamd --clear-groups cat {path}").rc == 0, path


def test_a_refused_configuration_is_refused_before_it_replaces_the_running_one(mail1):
    """The check that the role makes, on a copy that is wrong: configtest says no; the service stands a restart."""
    mail1.check_output("rm -rf /tmp/mp-rspamd && cp -r /etc/rspamd /tmp/mp-rspamd")
    try:
        mail1.check_output("echo 'task_timeout = \"soon\";' > /tmp/mp-rspamd/override.d/options.inc")
        tried = mail1.run(
            "rspamadm --var=CONFDIR=/tmp/mp-rspamd --var=LOCAL_CONFDIR=/tmp/mp-rspamd "
            "configtest -q -c /tmp/mp-rspamd/rspamd.conf"
        )
        assert tried.rc != 0
        assert "task_timeout" in tried.stderr + tried.stdout
    finally:
        mail1.check_output("rm -rf /tmp/mp-rspamd")
    assert mail1.service("rspamd").is_running
