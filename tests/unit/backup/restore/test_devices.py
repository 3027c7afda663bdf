"""Devices in a restore of the directory: those of today, in step with what comes back."""

from pathlib import Path

from malleposte.backup.restore import directory as restoring

from .test_directory import BASE, NOW, THEN, Slapd, Vault, by_uid, entry

BRANCH = f"dn: ou=devices,{BASE}\nou: devices\n"


def device(ident: str, owner: str, state: str = "active", *networks: str) -> str:
    lines = [f"dn: mpDeviceId={ident},ou=devices,{BASE}", "objectClass: mpDevice", f"mpDeviceId: {ident}"]
    lines += [f"mpDeviceOwner: {owner}", f"mpDeviceLogin: {owner}", f"mpState: {state}", "mpProfile: roundcube"]
    lines += [f"mpDeviceNetwork: {network}" for network in networks]
    return "\n".join([*lines, "mpDeviceDigest: {SSHA512}x"]) + "\n"


def restored(tmp_path: Path, then: str, now: str) -> tuple[Slapd, list[str]]:
    slapd = Slapd(tmp_path, now)
    return slapd, restoring.restore(Vault(then), slapd, tmp_path / "work", say=lambda _: None).notes


def test_a_revoked_device_does_not_come_back_and_a_new_one_stays(tmp_path: Path) -> None:
    then = "\n".join([THEN, BRANCH, device("revoked2", "anne"), device("stays222", "anne")])
    now = "\n".join(
        [
            *(NOW, BRANCH, device("stays222", "anne", "active", "192.0.2.0/24")),
            *(device("new22222", "chloe", "suspended"), device("dora2222", "dora")),
        ]
    )
    slapd, notes = restored(tmp_path, then, now)
    loaded = by_uid(slapd.loaded)
    assert {name for name in loaded if name.endswith("222")} == {"stays222", "new22222"}
    assert "devices" in loaded and list(loaded).index("devices") < list(loaded).index("stays222")
    assert loaded["new22222"].values("mpState") == ["active"], "as its owner's entry of the archive"
    assert loaded["stays222"].values("mpDeviceDigest") == ["{SSHA512}x"]
    assert loaded["stays222"].values("mpDeviceNetwork") == ["192.0.2.0/24"], "a limit of today stays"
    assert "1 device passwords of the archive stay revoked" in notes


def test_an_archive_of_before_there_were_devices_keeps_those_of_today(tmp_path: Path) -> None:
    slapd, notes = restored(tmp_path, THEN, "\n".join([NOW, BRANCH, device("stays222", "anne")]))
    assert {"devices", "stays222"} <= set(by_uid(slapd.loaded))
    assert not [note for note in notes if "devices" in note or "stays222" in note]


def test_without_a_directory_of_today_the_archive_s_devices_come_back(tmp_path: Path) -> None:
    slapd, _notes = restored(tmp_path, "\n".join([THEN, BRANCH, device("then2222", "anne")]), "")
    assert {"devices", "then2222"} <= set(by_uid(slapd.loaded))


def test_the_devices_of_one_restored_entry_follow_it(tmp_path: Path) -> None:
    then = entry("anne", "b2xk", mail="anne@ac-exemple.test", mpProfile="convergence")
    now = "\n".join(
        [
            entry("anne", "bmV3", "suspended"),
            BRANCH,
            device("hers2222", "anne", "suspended"),
            device("his22222", "bruno"),
        ]
    )
    slapd = Slapd(tmp_path, now)
    restoring.restore_entry(Vault(then), slapd, tmp_path / "work", "anne")
    (_kind, _entry), (kind, text) = slapd.done
    assert kind == "modify" and f"dn: mpDeviceId=hers2222,ou=devices,{BASE}" in text
    assert "mpState: active" in text and "mpDeviceLogin: anne@ac-exemple.test" in text and "his22222" not in text
