"""One line of the journal leads to a ban, and no other; administrators are never banned."""

import pytest


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("guesses: rip=192.0.2.1", "192.0.2.1"),
        ("guesses: rip=2001:db8::1", "2001:db8::1"),
        ("guesses: rip=192.0.2.1 x", None),
        ("a request is not understood: guesses: rip=192.0.2.1", None),
        ("refused: user=<x>, rip=192.0.2.1", None),
    ],
)
def test_one_line_bans_and_no_other(mail1, line, address):
    seen = mail1.run("fail2ban-regex -o ip %s malleposte-guesses", line)
    found = [word for word in seen.stdout.split() if word]
    assert found == ([address] if address else [])


def test_the_administrators_are_never_banned(site, mail1):
    # Their order changes, and the last line has no end.
    ignored = "\n".join(mail1.check_output(f"fail2ban-client get {jail} ignoreip") for jail in ("guesses", "sshd"))
    for network in ("127.0.0.0/8", str(site.lab.settings.gateway)):
        assert ignored.split().count(network) == 2, (network, ignored)


def test_nothing_is_left_of_the_jails_that_counted_failures(mail1):
    listed = mail1.check_output("fail2ban-client status").split("list:")[1]
    assert listed.replace(",", " ").split() == ["guesses", "sshd"]
    assert mail1.run("ls /etc/fail2ban/filter.d/ | grep malleposte").stdout.split() == ["malleposte-guesses.conf"]
