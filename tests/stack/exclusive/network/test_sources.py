"""A bare host is deployed with a certificate of each source that is no public authority, a vault by the internal."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from malleposte.check import run as checking
from malleposte.check.findings import Level
from malleposte.dev.bringup import first_backup
from malleposte.dev.seed import seed
from malleposte.fleet import playbook, remote

from tests.stack.support import deployed, standalone
from tests.stack.support.site import Site
from tests.support.authority import Signed, root

pytestmark = pytest.mark.full

CHAIN = "/etc/ssl/malleposte/fullchain.pem"
INTERNAL = "/usr/local/share/ca-certificates/malleposte-internal-ca.crt"
PRIVATE = "/usr/local/share/ca-certificates/malleposte-private-root.crt"
RENEW = "malleposte-tls-renew.timer"


@dataclass(frozen=True)
class Deployed:
    """A platform, and the file of its hosts that holds the root of its certificates."""

    site: Site
    root: str


@pytest.fixture(scope="module", params=["files", "internal_ca"])
def one(request: pytest.FixtureRequest, site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """One host with every service, and a vault that no authority reaches; the standing lab sleeps meanwhile."""
    private, authority = request.param == "files", root()
    more = {"source": request.param, "internal_hosts": ["vault1"]}
    more |= {"root_certificate": authority.pem} if private else {}
    folder = standalone.write(tmp_path_factory.mktemp("inventory") / "mine", vault="vault1", **more)
    with standalone.bare(site, folder) as made:
        if private:
            give(made, authority)
        assert wrong(made) == []
        playbook.ensure(playbook.run(playbook.Options(made.inventory)), "the deploy of a bare host")
        seed(made.inventory)
        yield Deployed(made, PRIVATE if private else INTERNAL)


def wrong(site: Site) -> list[str]:
    """The faults that the check finds."""
    found = checking.check(site.inventory).findings
    return [one.text() for one in found if one.level in (Level.WRONG, Level.FAILING)]


def give(site: Site, authority: Signed) -> None:
    """The certificate that the check asks for, as an operator gives it."""
    asked = {text.rpartition(" must bear ")[2] for text in wrong(site)}
    (names,) = asked
    assert re.fullmatch(r"[a-z0-9.-]+(, [a-z0-9.-]+)+", names), asked
    middle = authority.sign("Intermédiaire", ca=True)
    leaf = middle.sign("mail1", names.split(", "))
    secrets = site.folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    for name, text in (("tls-mail1.pem", leaf.pem + middle.pem), ("tls-mail1.key", leaf.key_pem)):
        (secrets / name).write_text(text, "utf-8")
        (secrets / name).chmod(0o600)


def test_the_host_shows_a_certificate_of_its_source(one: Deployed) -> None:
    shown = f"openssl s_client -connect 127.0.0.1:993 -CAfile {one.root} -verify_return_error </dev/null"
    assert "Verify return code: 0 (ok)" in one.site.run("mail1", shown)
    one.site.run("vault1", f"openssl verify -CAfile {INTERNAL} {CHAIN}")
    for host in ("mail1", "vault1"):
        assert one.site.run(host, f"systemctl is-enabled {RENEW} || true").strip() == "disabled"


def test_a_second_deploy_changes_nothing(one: Deployed) -> None:
    deployed.deploys_unchanged(one.site)


def test_every_path_works_once_the_vantage_trusts_the_root(one: Deployed) -> None:
    """As docs/operate.md says, "Who must trust a private authority"."""
    own = "/usr/local/share/ca-certificates/academie.crt"
    text = one.site.run("mail1", f"cat {one.root}")
    one.site.run("world", f"cat >{own} && update-ca-certificates", given=text)
    for client in remote.backups(one.site.inventory)[1]:
        assert first_backup(client) == []
    deployed.works_from_outside(one.site)


def test_timers_that_packages_brought_run_without_a_boot(one: Deployed) -> None:
    for timer in ("logrotate.timer", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer"):
        assert one.site.run("mail1", f"systemctl is-active {timer} || true").strip() == "active", timer
