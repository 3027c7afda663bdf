"""Security updates of a host, by outputs of apt that were recorded on Debian 13."""

import base64
import subprocess

import pytest
from malleposte.fleet import updates
from malleposte.fleet.updates import LATE, SOON, Updates, Waiting

DAY = 86_400.0
NOW = 1_795_966_000.0  # 2026-11-29
STATUS = "Package files:\n 100 /var/lib/dpkg/status\n     release a=now\n"
SECURITY = """\
 500 http://miroir.test/debian-security trixie-security/main amd64 Packages
     release v=13,o=Debian,a=stable-security,n=trixie-security,l=Debian-Security,c=main,b=amd64
     origin miroir.test
"""
MAIN = """\
 500 http://miroir.test/debian trixie-updates/main amd64 Packages
     release v=13-updates,o=Debian,a=stable-updates,n=trixie-updates,l=Debian,c=main,b=amd64
     origin miroir.test
 500 http://miroir.test/debian trixie/main amd64 Packages
     release v=13.8,o=Debian,a=stable,n=trixie,l=Debian,c=main,b=amd64
     origin miroir.test
Pinned packages:
"""
SIMULATED = """\
Inst libc-bin [2.41-12] (2.41-13 Debian:13.8/stable [amd64])
Inst nginx [1.26.3-3] (1.26.3-3+deb13u2 Debian-Security:13/stable-security [amd64])
Inst libssl3t64 [3.5.1-1] (3.5.1-1+deb13u1 Debian:13.8/stable, Debian-Security:13/stable-security [amd64])
Inst libnew (1.0-1 Debian-Security:13/stable-security [amd64]) []
Conf nginx (1.26.3-3+deb13u2 Debian-Security:13/stable-security [amd64])
"""
WAITING = (
    Waiting("nginx", "1.26.3-3", "1.26.3-3+deb13u2", NOW - 8 * DAY),
    Waiting("libssl3t64", "3.5.1-1", "3.5.1-1+deb13u1", NOW - DAY),
)
INSTALLED = "libc-bin 2.41-12\nlibssl3t64 3.5.1-1\nnginx 1.26.3-3\n"


def answers(policy: str = STATUS + SECURITY + MAIN, note: str = "", **more: str) -> dict[str, str]:
    """A host's answers, as `updates.QUESTION` has a shell write them."""
    texts = {"policy": policy, "installed": more.pop("installed", INSTALLED), "note": note}
    coded = {f"apt_{name}": base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    stamps = {"read": str(int(NOW - 3600)), "listed": str(int(NOW - 40 * DAY)), "codename": "trixie", "until": ""}
    return {**coded, **{f"apt_{name}": value for name, value in {**stamps, **more}.items()}}


def read(told: dict[str, str]) -> Updates:
    found = updates.read(told)
    assert found is not None
    return found


def test_a_host_with_the_security_suite_is_right() -> None:
    found = read(answers(until="Sat, 05 Dec 2026 02:53:01 UTC"))
    assert found.suites == ("http://miroir.test/debian-security trixie-security",)
    assert found.read == NOW - 3600 and found.faults(SOON, NOW) == [] and found.summary() == ""


@pytest.mark.parametrize(
    "address",
    ["http://miroir.ac-exemple.test/debian-security", "http://127.0.0.1:3142/miroir.test", "file:/srv/miroir"],
)
def test_a_mirror_or_a_proxy_that_hands_on_debian_s_own_is_right(address: str) -> None:
    policy = STATUS + SECURITY.replace("http://miroir.test/debian-security", address) + MAIN
    assert read(answers(policy)).suites == (f"{address} trixie-security",)


@pytest.mark.parametrize(
    "security",
    [
        "",
        SECURITY.replace("l=Debian-Security", "l=Miroir"),
        SECURITY.replace("o=Debian", "o=Academie"),
        SECURITY.replace("trixie", "bookworm"),
        SECURITY.replace(" 500 ", "-10 "),
    ],
    ids=["removed", "another label", "another origin", "another release", "pinned away"],
)
def test_a_host_without_the_security_suite_is_named(security: str) -> None:
    found = read(answers(STATUS + security + MAIN))
    assert found.suites == ()
    for limits in (SOON, LATE):
        assert found.faults(limits, NOW) == [
            "no security updates: no suite with the label Debian-Security is among its apt sources that were read"
        ]


@pytest.mark.parametrize(
    ("days", "soon", "late"), [(0.1, False, False), (1.9, False, False), (3, True, False), (8, True, True)]
)
def test_lists_that_are_old_are_warned_of_and_then_a_fault(days: float, soon: bool, late: bool) -> None:
    found = read(answers(read=str(int(NOW - days * DAY))))
    assert (bool(found.faults(SOON, NOW)), bool(found.faults(LATE, NOW))) == (soon, late)
    if late:
        assert found.faults(LATE, NOW)[0].startswith("its package lists were last read 2026-11-21, 8 days ago; ")


def test_lists_that_were_never_read_and_those_of_a_host_that_was_never_deployed() -> None:
    assert read(answers(read="", listed="")).faults(LATE, NOW) == [
        "no security updates: its package lists were never read"
    ]
    assert read(answers(read="", listed=str(int(NOW - DAY)))).read == NOW - DAY


def test_lists_that_were_read_from_a_mirror_that_stands_still() -> None:
    (fault,) = read(answers(until="Sat, 21 Nov 2026 02:53:01 UTC")).faults(LATE, NOW)
    assert fault == (
        "its security lists ended 2026-11-21: http://miroir.test/debian-security trixie-security hands out old ones"
    )


def test_what_waits_and_since_when() -> None:
    first = updates.waiting(SIMULATED, NOW - 8 * DAY)
    assert [(one.package, one.installed, one.version) for one in first] == [
        ("nginx", "1.26.3-3", "1.26.3-3+deb13u2"), ("libssl3t64", "3.5.1-1", "3.5.1-1+deb13u1"),
    ]  # fmt: skip
    newer = SIMULATED.replace("+deb13u2", "+deb13u3").replace("[3.5.1-1]", "[3.5.1-2]")
    second = updates.waiting(newer, NOW - DAY, first)
    assert [(one.package, one.since) for one in second] == [("nginx", NOW - 8 * DAY), ("libssl3t64", NOW - DAY)]


def test_what_waits_too_long_is_told_until_it_is_installed() -> None:
    note = updates.Note(NOW - 600, WAITING).text()
    found = read(answers(note=note))
    assert found.read == NOW - 600 and found.waiting == WAITING
    (fault,) = found.faults(LATE, NOW)
    assert fault.startswith("1 security update waiting since 2026-11-21: nginx; `malleposte upgrade` installs")
    assert found.faults(SOON, NOW - 7 * DAY) == []
    assert found.summary() == "2 security updates waiting since 2026-11-21: nginx, libssl3t64"
    for installed in (INSTALLED.replace("1.26.3-3", "1.26.3-3+deb13u2"), INSTALLED.replace("nginx 1.26.3-3\n", "")):
        assert [one.package for one in read(answers(note=note, installed=installed)).waiting] == ["libssl3t64"]


@pytest.mark.parametrize("cut", ['{"read": 1', "", "[]", '{"read": 1, "waiting": 3}', '{"read": 1, "waiting": [{}]}'])
def test_a_note_that_was_cut_off_says_nothing(cut: str) -> None:
    assert read(answers(note=cut)).waiting == () and read(answers(note=cut)).read == NOW - 3600


def test_a_host_that_was_not_asked_and_one_whose_apt_is_silent() -> None:
    assert updates.read({"user": "0"}) is None
    with pytest.raises(ValueError, match="apt gives no answer"):
        updates.read(answers(policy=""))


def test_a_shell_answers_the_question() -> None:
    done = subprocess.run(["sh", "-c", updates.QUESTION], capture_output=True, text=True, check=True)
    told = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert {"apt_codename", "apt_policy", "apt_installed", "apt_read", "apt_listed", "apt_note"} <= told.keys()
    found = updates.read(told)
    assert found is not None and found.waiting == ()
    assert "\ndpkg " in f"\n{base64.b64decode(told['apt_installed']).decode()}"
