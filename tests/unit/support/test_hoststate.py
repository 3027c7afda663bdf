"""The comparison of two hosts after an upgrade names the differences, and nothing else."""

from tests.stack.support.hoststate import CONTENT_OF_ITS_OWN, OF_ITS_OWN, acting, differences

FRESH = {"files": {"/etc/a": "644 root:root", "/etc/b": "600 root:root"}, "units": {"a.service": "enabled"}}


def test_equal_hosts_differ_in_nothing() -> None:
    assert differences(FRESH, FRESH) == []


def test_an_old_file_a_lost_one_and_other_rights_are_named() -> None:
    other = {"files": {"/etc/a": "666 root:root", "/etc/old": "644 root:root"}, "units": {"a.service": "disabled"}}
    assert differences(FRESH, other) == [
        "files: /etc/b: missing on the upgraded host",
        "files: /etc/old: only on the upgraded host",
        "files: /etc/a: '666 root:root' on the upgraded host, '644 root:root' when fresh",
        "units: a.service: 'disabled' on the upgraded host, 'enabled' when fresh",
    ]


def test_what_differs_between_any_two_hosts_is_left_out_and_our_files_are_not() -> None:
    assert OF_ITS_OWN.fullmatch("/etc/ssl/certs/0a1b2c3d.0") and OF_ITS_OWN.fullmatch("/etc/passwd-")
    for path in (
        "/etc/ssl/certs/ours.pem",
        "/etc/malleposte/accounts.json",
        "/etc/ssh/sshd_config.d/00-malleposte.conf",
    ):
        assert not OF_ITS_OWN.fullmatch(path)


def test_a_link_that_starts_a_masked_unit_does_nothing_and_others_count() -> None:
    folder = "/etc/systemd/system"
    idle = {f"{folder}/nginx.service": "masked root:root"}
    useless = {f"{folder}/multi-user.target.wants/nginx.service": "link root:root"}
    starts = {f"{folder}/multi-user.target.wants/slapd.service": "link root:root"}
    assert acting(idle | useless | starts) == idle | starts


def test_contents_count_but_those_of_identities_and_certificates() -> None:
    fresh, other = ({"files": {"/etc/a": f"644 root:root {digest}"}} for digest in ("0a", "1b"))
    assert differences(fresh, other) == [
        "files: /etc/a: '644 root:root 1b' on the upgraded host, '644 root:root 0a' when fresh"
    ]
    for path in ("/etc/machine-id", "/etc/ssl/malleposte/fullchain.pem", "/etc/ssh/borg/borg-mail1", "/etc/aliases.db"):
        assert CONTENT_OF_ITS_OWN.fullmatch(path)
    for path in ("/etc/postfix/main.cf", "/etc/ssh/sshd_config.d/00-malleposte.conf", "/etc/malleposte/platform.json"):
        assert not CONTENT_OF_ITS_OWN.fullmatch(path)
