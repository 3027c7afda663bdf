"""Configurations that slapd refuses, and manual additions to its own."""

import json
import subprocess
from typing import Any

import pytest
from malleposte.core.paths import ROOT, VENV_BIN
from malleposte.core.run import environment
from malleposte.fleet import reach


@pytest.fixture(scope="module")
def place(site: Any) -> reach.Place:
    found: reach.Place = site.place
    return found


def _name(site: Any) -> str:
    return str(site.host_of("directory"))


def _configure(site: Any, place: reach.Place, content: str) -> tuple[int, str]:
    """Run the module with a configuration, as the role does."""
    tool = VENV_BIN / "ansible"
    arguments = json.dumps({"content": content, "suffix": place.suffix})
    argv = [str(tool) if tool.exists() else "ansible", "-i", str(site.inventory), _name(site)]
    argv += ["-m", "academie.malleposte.slapd_config", "-a", arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment(), cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        pytest.param(("olcIdleTimeout: ", "olcIdleTimeout: jamais"), "olcIdleTimeout", marks=pytest.mark.full),
        pytest.param(("olcLogLevel: ", "olcLogLevel: bavard"), "bavard", marks=pytest.mark.full),
        (("olcTLSCertificateFile: ", "olcTLSCertificateFile: /nowhere.pem"), "/nowhere.pem"),
    ],
)
def test_a_refused_value_stops_the_run_and_slapd_still_starts(
    site: Any, place: reach.Place, bad: tuple[str, str], message: str, wait_for: Any
) -> None:
    name = _name(site)
    before = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    pid = site.run(name, "systemctl show -p MainPID --value slapd")
    lines = [bad[1] if line.startswith(bad[0]) else line for line in before.splitlines()]
    code, text = _configure(site, place, "\n".join(lines) + "\n")
    assert code != 0
    assert message in text
    assert "nothing was changed" in text
    assert site.run(name, "systemctl show -p MainPID --value slapd") == pid
    assert site.run(name, "slapcat -n0 -o ldif-wrap=no") == before
    site.run(name, "systemctl restart slapd")
    assert "dn:uid" in site.run(name, "ldapwhoami -Q -Y EXTERNAL -H ldapi:///") or wait_for(
        lambda: "dn:" in site.run(name, "ldapwhoami -Q -Y EXTERNAL -H ldapi:///", check=False)
    )


def test_a_value_added_by_hand_goes_at_the_next_run(site: Any, place: reach.Place) -> None:
    name = _name(site)
    wanted = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    change = (
        "dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcDbIndex\nolcDbIndex: description eq\n-\n"
        "add: olcAccess\nolcAccess: {0}to * by anonymous read\n"
    )
    site.run(name, "ldapmodify -Q -Y EXTERNAL -H ldapi:///", given=change)
    pid = site.run(name, "systemctl show -p MainPID --value slapd")
    code, text = _configure(site, place, wanted)
    assert code == 0, text
    assert site.run(name, "systemctl show -p MainPID --value slapd") == pid
    now = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    assert "description eq" not in now
    assert "by anonymous read" not in now
    code, text = _configure(site, place, wanted)
    assert '"changed": false' in text


@pytest.mark.full
def test_an_overlay_added_by_hand_goes_by_a_restart_and_the_data_stay(site: Any, place: reach.Place) -> None:
    name = _name(site)
    wanted = site.run(name, "slapcat -n0 -o ldif-wrap=no")
    count = "ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -b ou=people," + place.suffix + " dn | grep -c ^dn:"
    before = site.run(name, count)
    change = (
        "dn: cn=module{0},cn=config\nchangetype: modify\nadd: olcModuleLoad\nolcModuleLoad: memberof\n\n"
        "dn: olcOverlay=memberof,olcDatabase={1}mdb,cn=config\nchangetype: add\n"
        "objectClass: olcOverlayConfig\nobjectClass: olcMemberOfConfig\nolcOverlay: memberof\n"
    )
    site.run(name, "ldapmodify -Q -Y EXTERNAL -H ldapi:///", given=change)
    code, text = _configure(site, place, wanted)
    assert code == 0, text
    assert "no longer wanted" in text
    assert "memberof" not in site.run(name, "slapcat -n0 -o ldif-wrap=no")
    assert site.run(name, count) == before
