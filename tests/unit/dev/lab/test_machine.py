"""The lab's readings of the machine, and its commands: with a stand-in for the machine."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from malleposte.dev.lab import (
    Bind,
    Host,
    HostSpec,
    Lab,
    LabError,
    LabUnsupportedError,
    LabUsageError,
    Settings,
    inventory,
)
from malleposte.dev.lab import lab as lab_module
from malleposte.dev.lab.inventory import Inventory
from malleposte.dev.lab.machine import cgroups, controller, network, packages, processes
from malleposte.dev.lab.machine.host import mounts_below
from malleposte.dev.lab.runner import Result, run
from malleposte.dev.lab.state import HostState

SETTINGS = Settings("t", IPv4Network("10.213.9.0/24"), Path("/x"))


class Machine:
    """A stand-in for the machine: remembers the commands, answers those it was told about."""

    def __init__(self, answers: dict[str, Result] | None = None) -> None:
        self.answers = answers or {}
        self.calls: list[str] = []

    def __call__(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float | None = None,
    ) -> Result:
        line = " ".join(argv)
        self.calls.append(line)
        for start, answer in self.answers.items():
            if line.startswith(start):
                if check and answer.code:
                    raise LabError(answer.last_line)
                return answer
        return Result(0)


# --- runner ---


def test_runner_says_the_last_line() -> None:
    with pytest.raises(LabError, match="sh: the cause"):
        run(["sh", "-c", "echo noise >&2; echo the cause >&2; exit 3"])
    assert run(["sh", "-c", "exit 3"], check=False).code == 3


def test_runner_names_a_missing_program_and_a_slow_one() -> None:
    with pytest.raises(LabError, match="no-such-program: program not found"):
        run(["no-such-program"])
    with pytest.raises(LabError, match="no answer within 0 s"):
        run(["sleep", "5"], timeout=0.05)


# --- controller ---


def test_root_is_asked_for_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(LabUnsupportedError, match=r"root is needed .* malleposte deploy -i inventories/standalone"):
        controller.require_root()


@pytest.mark.parametrize(
    ("refused", "message"),
    [
        ("unshare --mount --pid", "namespaces are refused"),
        ("unshare --mount mount", "no overlay mount"),
    ],
)
def test_what_the_kernel_refuses_is_named(tmp_path: Path, refused: str, message: str) -> None:
    machine = Machine({refused: Result(1, err="unshare failed: Operation not permitted")})
    with pytest.raises(LabUnsupportedError, match=message) as caught:
        controller.check_namespaces(machine, tmp_path)
    assert "Operation not permitted" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_only_missing_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, said = Machine(), list[str]()
    monkeypatch.setattr(controller, "missing_packages", lambda **_: ["nftables"])
    controller.install_packages(machine, said.append)
    assert said == ["controller: installing nftables"]
    assert machine.calls[0].endswith("install --no-install-recommends nftables")
    monkeypatch.setattr(controller, "missing_packages", lambda **_: [])
    controller.install_packages(machine, said.append)
    assert len(machine.calls) == 1


def test_a_browser_is_two_packages() -> None:
    there = {"chromium-headless-shell": "/usr/bin/chromium-headless-shell"}
    assert controller.missing_packages(there.get, controller.BROWSER_PACKAGES) == ["chromium-driver"]


def test_limits_are_raised_never_lowered(tmp_path: Path) -> None:
    for name, value in {"fs/inotify/max_user_instances": 128, "net/ipv4/ip_forward": 1}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n", encoding="ascii")
    said: list[str] = []
    controller.raise_limits(said.append, tmp_path)
    assert said == ["controller: fs.inotify.max_user_instances raised from 128 to 4096"]
    said.clear()
    controller.raise_limits(said.append, tmp_path)
    assert said == []


def test_resolvers_that_hosts_can_reach(tmp_path: Path) -> None:
    stub, real = tmp_path / "a", tmp_path / "b"
    stub.write_text("nameserver 127.0.0.53\nnameserver ::1\n", encoding="ascii")
    real.write_text("# x\nnameserver 192.0.2.53\nnameserver 2001:db8::1\nsearch x\n", encoding="ascii")
    assert controller.resolvers({}, (stub, real)) == ["192.0.2.53"]
    assert controller.resolvers({"MALLEPOSTE_LAB_DNS": "192.0.2.1, 192.0.2.2"}, (stub,)) == ["192.0.2.1", "192.0.2.2"]
    with pytest.raises(LabError, match="MALLEPOSTE_LAB_DNS"):
        controller.resolvers({}, (stub, tmp_path / "absent"))


# --- network ---


def test_ruleset_is_the_labs_alone_and_keeps_mail_inside() -> None:
    text = network.ruleset(SETTINGS)
    assert text.count("table ip malleposte_t") == 3
    assert "tcp dport { 25, 465, 587 } reject" in text
    assert 'oifname != "t-br0" masquerade' in text


def test_network_in_use_is_refused() -> None:
    links = [{"ifname": "eth0", "addr_info": [{"local": "10.213.9.200", "prefixlen": 16}]}, {}]
    machine = Machine({"ip -json": Result(0, json.dumps(links))})
    with pytest.raises(LabError, match="in use by eth0"):
        network.up(SETTINGS, machine)
    assert len(machine.calls) == 1


def test_bridge_is_made_once() -> None:
    absent = Machine({"ip -json": Result(0, "[]"), "ip link show": Result(1)})
    assert network.up(SETTINGS, absent)
    assert "ip link add name t-br0 type bridge" in absent.calls
    links = [{"ifname": "t-br0", "addr_info": [{"local": "10.213.9.1", "prefixlen": 24}]}]
    present = Machine({"ip -json": Result(0, json.dumps(links))})
    assert not network.up(SETTINGS, present)
    assert not any(" add " in call for call in present.calls)


def test_docker_is_told_to_let_the_lab_through() -> None:
    machine = Machine({"ip -json": Result(0, "[]")})
    network.up(SETTINGS, machine)
    told = [call for call in machine.calls if "insert" in call]
    assert told == [
        f'nft insert rule ip filter DOCKER-USER {side} t-br0 accept comment "malleposte_t"'
        for side in ("iifname", "oifname")
    ]
    without = Machine({"ip -json": Result(0, "[]"), "nft list chain": Result(1), "nft --handle": Result(1)})
    network.up(SETTINGS, without)
    assert not any("insert" in call for call in without.calls)


def test_docker_rules_go_with_the_lab_and_no_others() -> None:
    listing = (
        'oifname "t-br0" accept comment "malleposte_t" # handle 9\n'
        'oifname "u-br0" accept comment "malleposte_t2" # handle 10\n'
        "return # handle 3\n"
    )
    machine = Machine({"nft --handle": Result(0, listing)})
    network.down(SETTINGS, machine)
    deleted = [call for call in machine.calls if "delete rule" in call]
    assert deleted == ["nft delete rule ip filter DOCKER-USER handle 9"]


def test_network_down_twice() -> None:
    machine = Machine({"ip link show": Result(1), "nft list": Result(1), "nft --handle": Result(1)})
    network.down(SETTINGS, machine)
    assert not any("delete" in call for call in machine.calls)


# --- processes ---


def fake_process(proc: Path, pid: int, parent: int, *words: str, state: str = "S") -> None:
    (proc / str(pid)).mkdir(parents=True)
    stat = f"{pid} (a) b) {state} {parent} " + "0 " * 17 + "4200 0"
    (proc / str(pid) / "stat").write_text(stat, encoding="ascii")
    (proc / str(pid) / "cmdline").write_text("\0".join(words) + "\0", encoding="ascii")


def test_hosts_are_found_by_what_they_are(tmp_path: Path) -> None:
    nspawn = ("systemd-nspawn", "--machine=t-a", "--directory=/x/t/hosts/a/root")
    fake_process(tmp_path, 10, 1, *nspawn)
    fake_process(tmp_path, 11, 10, "/usr/lib/systemd/systemd")
    fake_process(tmp_path, 20, 1, "systemd-nspawn", "-D", "/elsewhere")
    fake_process(tmp_path, 30, 1, "grep", "--machine=t-a", "--directory=/x/t/hosts/a/root")
    fake_process(tmp_path, 40, 1, "systemd-nspawn", "--machine=t-b", "--directory=/x/t/hosts/b/root", state="Z")
    (found,) = processes.machines(tmp_path)
    assert (found.pid, found.leader, found.name) == (10, 11, "t-a")
    assert processes.find("t-a", Path("/x/t/hosts/a/root"), tmp_path) == found
    assert processes.find("t-a", Path("/another/root"), tmp_path) is None


def test_forked_stub_is_not_a_second_host(tmp_path: Path) -> None:
    nspawn = ("systemd-nspawn", "--machine=t-a", "--directory=/r")
    fake_process(tmp_path, 10, 1, *nspawn)
    fake_process(tmp_path, 11, 10, *nspawn)
    assert [machine.pid for machine in processes.machines(tmp_path)] == [10]


# --- control groups ---


def test_hierarchies_of_a_hybrid_and_of_a_unified_controller() -> None:
    hybrid = (
        "30 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "31 20 0:27 / /sys/fs/cgroup/systemd rw shared:1 - cgroup cgroup rw,name=systemd\n"
        "32 20 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
    )
    assert cgroups.hierarchies(hybrid) == [Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup/unified")]
    assert cgroups.hierarchies("32 20 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n") == [Path("/sys/fs/cgroup")]


def test_group_is_made_and_removed(tmp_path: Path) -> None:
    assert cgroups.make("g", [tmp_path, tmp_path / "absent"]) == [tmp_path / "g" / "cgroup.procs"]
    (tmp_path / "g" / "payload" / "init.scope").mkdir(parents=True)
    assert cgroups.remove("g", [tmp_path])
    assert list(tmp_path.iterdir()) == []
    assert cgroups.remove("g", [tmp_path])


# --- package files ---


def test_package_files_go_both_ways_and_only_whole_ones(tmp_path: Path) -> None:
    pool, archives = tmp_path / "pool", tmp_path / "archives"
    (archives / "partial").mkdir(parents=True)
    (archives / "a.deb").write_text("a", encoding="ascii")
    (archives / "partial" / "c.deb").write_text("c", encoding="ascii")
    (archives / "lock").touch()
    pool.mkdir()
    (pool / "b.deb").write_text("b", encoding="ascii")
    assert packages.sync(pool, archives) == 2
    assert {path.name for path in pool.iterdir()} == {"a.deb", "b.deb"}
    assert (pool / "a.deb").samefile(archives / "a.deb")
    assert packages.sync(pool, archives) == 0


# --- host ---


def host(tmp_path: Path, machine: Machine, *, said: Callable[[str], None] = lambda _: None) -> Host:
    settings = Settings("t", SETTINGS.network, tmp_path)
    return Host("a", settings, machine, said, HostSpec("a", IPv4Address("10.213.9.11"), "a.test"))


def test_boot_command(tmp_path: Path) -> None:
    one = host(tmp_path, Machine())
    now = HostState.new("10.213.9.11", "/base", ("/src:/dst",))
    words = one.command(now)
    assert words[0] == "systemd-nspawn"
    for word in ("--machine=t-a", "--register=no", "--keep-unit", "--network-bridge=t-br0", "--bind=/src:/dst"):
        assert word in words
    plain = one.launch_command(now, [Path("/g/cgroup.procs")], by_systemd=False)
    assert plain[:2] == ["setsid", "--fork"]
    assert plain[plain.index("--") - 1] == "/g/cgroup.procs"
    assert plain[plain.index("--") + 1 :] == words
    unit = one.launch_command(now, [], by_systemd=True)
    assert unit[0] == "systemd-run"
    assert "--property=Delegate=yes" in unit
    assert "--unit=malleposte-lab-t-a.service" in unit
    assert unit[unit.index("--") + 1 :] == words


def test_stack_is_mounted_from_the_top_down(tmp_path: Path) -> None:
    machine = Machine()
    host(tmp_path, machine).mount(HostState.new("10.213.9.11", "/base").frozen("a", 1.0).frozen("b", 2.0))
    layers = tmp_path / "t/hosts/a/layers"
    (call,) = machine.calls
    assert f"lowerdir={layers}/2/fs:{layers}/1/fs:/base,upperdir={layers}/3/fs" in call
    assert "redirect_dir=on" in call


def test_half_made_host_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    one = host(tmp_path, machine)
    (one.root / "etc/ssh").mkdir(parents=True)
    (one.root / "leftover").touch()
    monkeypatch.setattr(Host, "provision", lambda self, *_: (_ for _ in ()).throw(LabError("cut")))
    with pytest.raises(LabError, match="cut"):
        one.make(Path("/base"), ["192.0.2.1"], "key")
    half = one.state
    assert half is not None
    assert not half.provisioned
    with pytest.raises(LabError, match="a is not made"):
        one.start()
    monkeypatch.setattr(Host, "provision", lambda self, *_: None)
    assert one.make(Path("/base"), ["192.0.2.1"], "key")
    assert not (one.root / "leftover").exists()
    assert not one.make(Path("/base"), ["192.0.2.1"], "key")


def test_another_address_is_not_taken_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "provision", lambda self, *_: None)
    one = host(tmp_path, Machine())
    one.make(Path("/base"), [], "key")
    one.spec = HostSpec("a", IPv4Address("10.213.9.99"))
    with pytest.raises(LabError, match=r"was made with address 10\.213\.9\.11"):
        one.make(Path("/base"), [], "key")


def test_absent_bind_source_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "provision", lambda self, *_: None)
    one = host(tmp_path, Machine())
    one.make(Path("/base"), [], "key")
    with pytest.raises(LabUsageError, match="no such file on the controller"):
        one.start((Bind("/no/such/place", "/srv"),))


def test_unused_layers_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Host, "provision", lambda self, *_: None)
    one = host(tmp_path, Machine())
    one.make(Path("/base"), [], "key")
    one.freeze("a")
    for _ in range(3):
        one.rewind("a")
        one.mount(one.state_made())
    assert {path.name for path in (one.directory / "layers").iterdir()} == {"1", one.state_made().upper}
    one.forget("a")
    assert one.state_made().snapshots == {}


def test_mounts_below_are_the_deepest_first() -> None:
    text = (
        "1 0 0:1 / / rw - ext4 a rw\n"
        "2 1 0:2 / /x/root rw - overlay overlay rw\n"
        "3 2 0:3 / /x/root/a\\040b rw - tmpfs tmpfs rw\n"
        "4 1 0:4 / /x/rooted rw - tmpfs tmpfs rw\n"
    )
    assert mounts_below(Path("/x/root"), text) == [Path("/x/root/a b"), Path("/x/root")]


# --- lab ---


def a_lab(tmp_path: Path, machine: Machine | None = None) -> Lab:
    settings = Settings("t", SETTINGS.network, tmp_path)
    hosts = (HostSpec("a", IPv4Address("10.213.9.11"), "a.test"), HostSpec("b", IPv4Address("10.213.9.12")))
    wanted = Inventory(tmp_path / "hosts.yml", "t", SETTINGS.network, hosts, {"all": {"vars": {}}})
    return Lab(settings, wanted, run=machine or Machine())


def test_unknown_host_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(LabUsageError, match=r"no host c in this lab \(there are a, b\)"):
        a_lab(tmp_path).hosts(["c"])


def test_status_of_nothing(tmp_path: Path) -> None:
    assert [(one.name, one.state, one.ssh) for one in a_lab(tmp_path).status()] == [
        ("a", "absent", False),
        ("b", "absent", False),
    ]


def test_ssh_checks_host_keys_and_quotes(tmp_path: Path) -> None:
    machine = Machine()
    a_lab(tmp_path, machine).ssh("a", ["printf", "%s", "two words"])
    assert "StrictHostKeyChecking=yes" in machine.calls[0]
    assert machine.calls[0].endswith("root@10.213.9.11 printf %s 'two words'")


@pytest.mark.parametrize("label", ["", "-x", "a b", "../x", "a/b", "x" * 42])
def test_bad_label_is_bad_input(tmp_path: Path, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "require_root", lambda: None)
    with pytest.raises(LabUsageError, match="bad label"):
        a_lab(tmp_path).snapshot(label)


def test_restore_of_an_unknown_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "require_root", lambda: None)
    with pytest.raises(LabUsageError, match=r"no snapshot x \(snapshots: none\)"):
        a_lab(tmp_path).restore("x")


def test_first_error_comes_after_all_have_finished(tmp_path: Path) -> None:
    done: list[str] = []

    def act(one: Host) -> None:
        if one.name == "a":
            raise LabError("a fell")
        done.append(one.name)

    with pytest.raises(LabError, match="a fell"):
        lab_module.for_each(a_lab(tmp_path).hosts(), act)
    assert done == ["b"]


def test_lock_file_removed_by_its_holder_is_no_lock(tmp_path: Path) -> None:
    lab = a_lab(tmp_path)
    path = tmp_path / "lock"
    with lab._lock(path):
        path.unlink()
        with lab._lock(path):
            assert path.exists()


def test_another_lab_has_the_variables_and_the_sample_accounts_of_its_inventory(tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[4] / "inventories" / "lab"
    lab = Lab.load(shipped, prefix="q", root=tmp_path)
    lab.settings.inventory.parent.mkdir()
    lab._write_inventory()
    for name in ("group_vars", "sample-accounts.csv"):
        assert (lab.deploy_inventory / name).resolve() == shipped / name


def test_inventory_of_the_default_lab_is_the_repositorys() -> None:
    shipped = Path(__file__).resolve().parents[4] / "inventories" / "lab"
    settings, wanted = inventory.settle(inventory.read(shipped), environ={})
    assert Lab(settings, wanted).deploy_inventory == shipped
    settings, wanted = inventory.settle(inventory.read(shipped), prefix="q", environ={})
    assert Lab(settings, wanted).deploy_inventory == Path("/var/lib/malleposte/lab/q/inventory")
