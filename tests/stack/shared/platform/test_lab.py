"""The lab itself, on two bare hosts of a lab of their own beside the converged one."""

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.dev.lab import Bind, Lab, LabError, LabUsageError
from malleposte.dev.lab.machine import processes
from malleposte.dev.lab.machine.host import mounts_below

pytestmark = pytest.mark.full

PREFIX = "tst"
INVENTORY = """\
all:
  vars: {lab_prefix: tst, lab_network: 10.213.78.0/24}
  children:
    left: {hosts: {one: {ansible_host: 10.213.78.11, lab_fqdn: one.ac-exemple.test}}}
    right: {hosts: {two: {ansible_host: 10.213.78.12, lab_fqdn: two.ac-exemple.test}}}
"""


def output(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def traces() -> list[str]:
    """Everything on this machine that bears the name of the test's lab."""
    links = [link["ifname"] for link in json.loads(output("ip", "-json", "link", "show")) if "ifname" in link]
    found = [f"link {name}" for name in links if name.startswith((f"{PREFIX}-", f"vb-{PREFIX}-"))]
    found += [f"table {line}" for line in output("nft", "list", "tables").splitlines() if f"_{PREFIX}" in line]
    found += [f"mount {point}" for point in mounts_below(Path("/")) if f"/{PREFIX}/" in f"{point}/"]
    found += [f"mount {point}" for point in mounts_below(Path("/run/systemd")) if f"/{PREFIX}-" in str(point)]
    found += [f"process {one.pid}" for one in processes.machines() if one.name.startswith(f"{PREFIX}-")]
    groups = Path("/sys/fs/cgroup").rglob(f"malleposte-lab-{PREFIX}-*")
    found += [f"group {path}" for path in groups]
    found += [f"file {path}" for path in Path("/var/lib/malleposte/lab").glob(f"*{PREFIX}*")]
    return found


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    path = tmp_path_factory.mktemp("lab") / "hosts.yml"
    path.write_text(INVENTORY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PREFIX", "NETWORK", "DIR"):
            patch.delenv(f"MALLEPOSTE_LAB_{name}", raising=False)
        made = Lab.load(path, report=print)
    made.down()
    try:
        yield made
    finally:
        made.down()


@pytest.fixture(autouse=True)
def running(lab: Lab) -> None:
    """Every test starts with both hosts up, whatever the one before left."""
    lab.up()


def write(lab: Lab, host: str, path: str, text: str) -> None:
    lab.ssh(host, ["sh", "-c", f"printf %s '{text}' > {path} && sync"])


def read(lab: Lab, host: str, path: str) -> str:
    return lab.ssh(host, ["cat", path]).out


def pids(lab: Lab) -> dict[str, int]:
    return {one.name: one.pid for one in lab.status()}


def test_hosts_are_whole_systems(lab: Lab) -> None:
    for name in ("one", "two"):
        assert lab.ssh(name, ["systemctl", "is-system-running"]).out.strip() == "running"
        assert lab.ssh(name, ["hostname", "--fqdn"]).out.strip() == f"{name}.ac-exemple.test"
        assert lab.ssh(name, ["ps", "-p", "1", "-o", "comm="]).out.strip() == "systemd"
    identities = [
        lab.ssh(name, ["cat", "/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"]).out for name in pids(lab)
    ]
    assert len(set(identities)) == 2


def test_hosts_do_not_share_their_services(lab: Lab) -> None:
    """Each systemd has control groups of its own: stopping a service of one is nothing to the other."""
    lab.ssh("one", ["systemd-run", "--unit=same-name", "sleep", "infinity"])
    lab.ssh("two", ["systemd-run", "--unit=same-name", "sleep", "infinity"])
    lab.ssh("one", ["systemctl", "kill", "--signal=KILL", "same-name"])
    assert lab.ssh("two", ["systemctl", "is-active", "same-name"]).out.strip() == "active"


def test_hosts_see_each_other_and_no_mail_server_outside(lab: Lab) -> None:
    connect = "import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
    lab.ssh("one", ["python3", "-c", connect, "10.213.78.12", "22"])
    refused = lab.ssh("one", ["python3", "-c", connect, "192.0.2.1", "25"], check=False)
    assert "ConnectionRefusedError" in refused.err


def test_packages_install_on_all_hosts_at_once(lab: Lab) -> None:
    """No host waits for the lock of another, and what one fetched the others find."""
    codes: dict[str, int] = {}

    def install(name: str) -> None:
        words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qy", "install", "--reinstall", "hostname"]
        codes[name] = lab.ssh(name, words, check=False, timeout=300).code

    threads = [threading.Thread(target=install, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == {"one": 0, "two": 0}
    lab.up()
    pool = lab.settings.shared / "archives"
    assert list(pool.glob("hostname_*.deb"))


def test_up_again_touches_nothing(lab: Lab) -> None:
    before = pids(lab)
    assert lab.up() == []
    assert pids(lab) == before


def test_two_calls_at_once_make_one_lab(lab: Lab) -> None:
    lab.kill(["one", "two"])
    booted: list[str] = []
    threads = [threading.Thread(target=lambda: booted.extend(lab.up())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(booted) == ["one", "two"]


def test_kill_and_start_keep_what_was_written(lab: Lab) -> None:
    write(lab, "one", "/srv/kept", "kept")
    other = pids(lab)["two"]
    assert lab.kill(["one"]) == ["one"]
    assert {one.name: one.state for one in lab.status()} == {"one": "stopped", "two": "running"}
    assert lab.start(["one"]) == ["one"]
    assert read(lab, "one", "/srv/kept") == "kept"
    assert pids(lab)["two"] == other


def test_host_whose_nspawn_was_killed_comes_back(lab: Lab) -> None:
    machine = lab.hosts(["one"])[0].running()
    assert machine is not None
    processes.send(machine.pid, 9)
    assert processes.wait(lambda: lab.hosts(["one"])[0].running() is None, 30)
    assert lab.up() == ["one"]
    assert lab.ssh("one", ["systemctl", "is-system-running"]).out.strip() == "running"


def test_restore_brings_back_what_was_lost(lab: Lab) -> None:
    write(lab, "one", "/srv/lost", "found")
    write(lab, "two", "/srv/lost", "found too")
    lab.ssh("one", ["mkdir", "-p", "/srv/old/deep"])
    key = lab.hosts(["one"])[0].host_key()
    lab.snapshot("kept")
    try:
        with pytest.raises(LabUsageError, match="snapshot kept exists on one, two"):
            lab.snapshot("kept")
        for _ in range(2):
            lab.ssh("one", ["rm", "/srv/lost"])
            write(lab, "one", "/srv/since", "gone")
            # A real rename(2) of a folder that lies in a frozen layer, as a mail store does it.
            lab.ssh("one", ["python3", "-c", "import os; os.rename('/srv/old', '/srv/new')"])
            write(lab, "two", "/srv/lost", "changed")
            lab.restore("kept", ["one"])
            assert read(lab, "one", "/srv/lost") == "found"
            listing = lab.ssh("one", ["ls", "/srv"]).out.split()
            assert "since" not in listing
            assert "old" in listing
            assert read(lab, "two", "/srv/lost") == "changed"
        lab.restore("kept")
        assert read(lab, "two", "/srv/lost") == "found too"
        assert lab.hosts(["one"])[0].host_key() == key
        assert lab.snapshots() == {"kept": ["one", "two"]}
    finally:
        lab.forget("kept")
    assert lab.snapshots() == {}
    assert read(lab, "one", "/srv/lost") == "found"


def test_restore_ends_shared_connections(lab: Lab) -> None:
    """A master connection that outlives its host must not hold up the next command."""
    lab.snapshot("shared", ["one"])
    try:
        words = lab.ssh_command("one")
        master = [*words[:1], "-o", "ControlMaster=auto", "-o", "ControlPersist=600", *words[1:], "true"]
        subprocess.run(master, check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert list(lab.settings.ssh.glob("cm-*"))
        lab.restore("shared", ["one"])
        assert not list(lab.settings.ssh.glob("cm-*"))
        assert lab.ssh("one", ["echo", "here"], timeout=20).out.strip() == "here"
    finally:
        lab.forget("shared")


def test_bind_shows_a_directory_of_the_controller(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("from outside", encoding="utf-8")
    lab.stop(["two"])
    lab.start(["two"], (Bind(str(tmp_path), "/srv/bound"),))
    try:
        assert read(lab, "two", "/srv/bound/note") == "from outside"
    finally:
        lab.stop(["two"])
        lab.start(["two"], ())


def test_host_keys_are_checked(lab: Lab) -> None:
    known = lab.settings.known_hosts.read_text(encoding="ascii")
    one, two = (host.host_key() for host in lab.hosts())
    try:
        lab.settings.known_hosts.write_text(known.replace(one, two), encoding="ascii")
        refused = lab.ssh("one", ["true"], check=False)
        assert refused.code == 255
        assert "verification failed" in refused.err
    finally:
        lab.settings.known_hosts.write_text(known, encoding="ascii")


def test_interrupted_host_is_finished(lab: Lab) -> None:
    """A host cut while it was being made (its state says so) is made anew by the next call."""
    lab.kill(["two"])
    host = lab.hosts(["two"])[0]
    path = host.directory / "state.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"provisioned": true', '"provisioned": false'), encoding="utf-8"
    )
    assert [one.state for one in lab.status()] == ["running", "half-made"]
    with pytest.raises(LabError, match="two is not made"):
        lab.start(["two"])
    assert lab.up() == ["two"]
    assert lab.ssh("two", ["hostname"]).out.strip() == "two"


def test_down_leaves_nothing(lab: Lab) -> None:
    assert traces()
    lab.down()
    assert traces() == []
    lab.down()
    assert traces() == []
