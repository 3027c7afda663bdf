"""A daemon whose main process is killed restarts by itself, and its clients continue at once."""

import pytest
from malleposte.accountd.calls import passwords

from tests.stack.support.mail import token, wait_for
from tests.stack.support.portal import Portal

pytestmark = pytest.mark.rings("UnitInactive", "UnitRestarts", "PortDoesNotAnswer", "UnitFailed")

# Of the base system: the bus cannot be started again under its users; the other only waits for a shutdown.
OF_DEBIAN = {"dbus.service", "unattended-upgrades.service"}
# The bus starts these when somebody asks, as a deploy does; they end when they are idle.
OF_THE_BUS = {"systemd-hostnamed.service", "systemd-localed.service", "systemd-timedated.service"}
# Its socket starts it when somebody asks; it ends when nobody has for a minute.
OF_A_SOCKET = {"malleposte-hostd.service"}
LIST = "systemctl list-units --type=service --state=running --no-legend --plain | cut -d' ' -f1"


@pytest.mark.parametrize("host", ["mail1", "pia1", "vault1"])
def test_every_daemon_is_started_again(site, host):
    names = site.run(host, LIST).split()
    shown = site.run(host, f"systemctl show -p Id -p Restart -p Type {' '.join(names)}")
    units = [dict(line.split("=", 1) for line in block.splitlines()) for block in shown.strip().split("\n\n")]
    stay = {
        unit["Id"]
        for unit in units
        if unit["Restart"] not in ("on-failure", "always") and unit["Type"] != "oneshot"
        and not unit["Id"].startswith(("user@", "getty", "serial-getty", "console-getty", "container-getty"))
    }  # fmt: skip
    assert stay <= OF_DEBIAN | OF_THE_BUS | OF_A_SOCKET


@pytest.mark.parametrize(
    ("host", "units"),
    [
        ("mail1", [
            "postfix", "dovecot", "postgresql@17-main", "slapd", "nginx", "rspamd", "valkey-server", "sogo", "radicale",
            "unbound", "malleposte-lists", "malleposte-reports", "accountd", "authpolicy", "dav-router",
            "malleposte-tls-policy", "memcached", "php8.4-fpm", "postfix-mta-sts-resolver", "fail2ban",
        ]),
        pytest.param("pia1", ["postfix", "nginx"], marks=pytest.mark.full),
    ],
)  # fmt: skip
def test_killed_it_comes_back(site, host, units):
    ids = " ".join(f"{unit}.service" for unit in units)
    show = f"systemctl show -P MainPID {ids}"

    def pids():
        return dict(zip(units, site.run(host, show).split(), strict=True))

    old = pids()
    assert "0" not in old.values()
    site.run(host, f"kill -9 {' '.join(old.values())}")

    def back():
        states = site.run(host, f"systemctl is-active {ids}", check=False).split()
        return set(states) == {"active"} and all(new not in ("0", old[unit]) for unit, new in pids().items())

    wait_for(back, 180, "all of them are back")


ENOUGH = 36
"""More proofs than accountd allows for one name from one network."""
JOBS = ("malleposte-boxes", "malleposte-sogo-sync", "malleposte-accounts-blocks")


def test_what_runs_while_the_directory_restarts_waits_for_it(site):
    ids = " ".join(f"{job}.service" for job in JOBS)

    def results():
        return site.run("mail1", f"systemctl show -P ActiveState -P Result {ids}").split()

    site.run("mail1", "systemctl stop slapd.service")
    try:
        site.run("mail1", f"systemctl restart --no-block {ids}; sleep 3")
        assert "failed" not in results()
    finally:
        site.run("mail1", "systemctl start slapd.service")
    wait_for(lambda: set(results()) == {"inactive", "success"}, 120, "all of them are done")


def test_the_purge_of_sessions_starts_the_store_it_needs(site):
    site.run("pia1", "systemctl stop valkey-server@sso.service")
    try:
        site.run("pia1", "systemctl start liblemonldap-ng-portal-perl.service")
        assert site.run("pia1", "systemctl is-active valkey-server@sso.service").strip() == "active"
    finally:
        site.run("pia1", "systemctl start valkey-server@sso.service lemonldap-ng-fastcgi-server.service")


def test_what_waited_for_the_store_comes_with_it(mail, people, site):
    reader, subject = people.agent(), token()
    site.run("mail1", "systemctl stop dovecot.service")
    try:
        # Nobody logs in meanwhile: a letter of root's.
        site.run("mail1", f"sendmail -f root {reader.mail}", given=f"Subject: {subject}\n\nx\n")
        wait_for(lambda: "(delivery temporarily suspended" in (said := site.run("mail1", "postqueue -p"))
                 or "No such file" in said or "refused" in said)  # fmt: skip
    finally:
        site.run("mail1", "systemctl start dovecot.service")
    # The queue's own next try is five minutes away; what is generous here is still less.
    assert mail.arrived(reader, subject, timeout=120)


def test_the_limits_of_accountd_hold_over_a_restart(site):
    portal, nobody = Portal(site), f"personne-{token()}"
    asked = [
        passwords.Change(portal.source, nobody, "Faux-Chemin7!x", f"Essai-{number}-Neuf7!") for number in range(ENOUGH)
    ]
    assert portal.ask(*asked, enough=ENOUGH)[-1].error == "slow_down", "thirty of one name from one network"
    for verb in ("restart accountd.service", "stop accountd.service"):  # its socket starts it again
        site.run("mail1", f"systemctl {verb}")
        refused = portal.one(asked[0])
        assert refused.error == "slow_down" and refused.wait > 300, "longer than any of the shared delays"
    elsewhere = Portal(site)
    other = passwords.Change(elsewhere.source, f"personne-{token()}", "Faux-Chemin7!x", "Essai-Neuf7!")
    assert elsewhere.one(other).error == "not_proved"
