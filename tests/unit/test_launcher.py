"""The launcher, in a scratch checkout with locks of one tiny local package: no network."""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAIN = """
import sys
try:
    import tiny
    version = tiny.VERSION
except ImportError:
    version = "none"
print("ran", version, "dev" if "test" in sys.argv[1:] else "run", *sys.argv[1:])
"""


def wheel(folder: Path, version: str) -> str:
    """Makes tiny-<version>.whl; gives the line of a lock that asks for it."""
    path = folder / f"tiny-{version}-py3-none-any.whl"
    info = f"tiny-{version}.dist-info"
    files = {
        "tiny.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # a fixed date: the same hash each time
    return f"tiny @ {path.as_uri()} --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


NOBODY = {"user": 65534, "group": 65534, "extra_groups": ()}


class Checkout:
    """A scratch checkout and ways to start its launcher."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.launcher = root / "malleposte"
        shutil.copy(ROOT / "malleposte", self.launcher)
        (root / "cli" / "malleposte").mkdir(parents=True)
        (root / "cli" / "malleposte" / "__init__.py").touch()
        (root / "cli" / "malleposte" / "__main__.py").write_text(MAIN)
        self.lock("requirements-build", "1.0")
        self.lock("requirements", "1.0")
        self.lock("requirements-dev", "1.0")

    def lock(self, name: str, version: str) -> None:
        (self.root / f"{name}.lock").write_text(wheel(self.root, version))

    def start(self, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
        launcher = str(options.pop("launcher", self.launcher))
        inherited = {name: value for name, value in os.environ.items() if name != "MALLEPOSTE_DEV"}
        env = {**inherited, **dict(options.pop("env", {}))}  # type: ignore[call-overload]
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            [launcher, *words], env=env, capture_output=True, text=True, check=False, timeout=300, **options
        )

    def logs(self) -> list[Path]:
        return sorted((self.root / "var" / "log").glob("install-*.log"))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    # Not below a folder of pytest's, which only its owner may enter.
    root = Path(tempfile.mkdtemp(prefix="malleposte-launcher-")).resolve()
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


@pytest.fixture
def checkout(place: Path) -> Iterator[Checkout]:
    root = place / "checkout"
    root.mkdir()
    yield Checkout(root)
    shutil.rmtree(root)


@dataclass(frozen=True)
class Kept:
    """A checkout after its first start, and what that start said."""

    root: Path
    first: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def kept(place: Path) -> Kept:
    """A first start. An environment is bound to its path, so each test gets it back there."""
    root, kept = place / "checkout", place / "kept"
    root.mkdir()
    first = Checkout(root).start("--version", umask=0o077, env={"PYTHONDONTWRITEBYTECODE": "1"})
    root.rename(kept)
    return Kept(kept, first)


@pytest.fixture
def made(kept: Kept, checkout: Checkout) -> Checkout:
    """A checkout whose environment was made by a first start."""
    assert kept.first.returncode == 0, kept.first.stderr
    shutil.rmtree(checkout.root)
    shutil.copytree(kept.root, checkout.root, symlinks=True)
    return checkout


def test_first_start_makes_the_environment_and_the_second_skips_it(kept: Kept, made: Checkout) -> None:
    assert (kept.first.returncode, kept.first.stdout) == (0, "ran 1.0 run --version\n"), kept.first.stderr
    assert "locked Python packages" in kept.first.stderr
    assert list((made.root / "cli/malleposte/__pycache__").glob("__init__.*.pyc")), "compiled anew by each start"
    link = made.root / ".ansible/collections/ansible_collections/academie/malleposte"
    assert link.resolve() == made.root

    second = made.start("--version")
    assert (second.returncode, second.stdout, second.stderr) == (0, "ran 1.0 run --version\n", "")
    assert len(made.logs()) == 1


@pytest.mark.full
def test_the_caller_s_python_does_not_leak_in(checkout: Checkout, tmp_path: Path) -> None:
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho wrong python >&2\nexit 99\n")
    shim.chmod(0o755)
    (tmp_path / "tiny.py").write_text("raise SystemExit('the wrong module')\n")
    hostile = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path),
        "PYTHONHOME": str(tmp_path),
        "VIRTUAL_ENV": str(tmp_path),
        "PIP_TARGET": str(tmp_path / "elsewhere"),
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_USER": "1",
    }
    for _ in range(2):
        done = checkout.start("deploy", env=hostile, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, "ran 1.0 run deploy\n"), done.stderr
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.full
def test_a_failed_installation_says_why_in_one_line_and_the_next_start_mends_it(checkout: Checkout) -> None:
    good = (checkout.root / "requirements.lock").read_text()
    (checkout.root / "requirements.lock").write_text(good.rpartition(":")[0] + ":" + "0" * 64 + "\n")
    done = checkout.start("--version")
    assert (done.returncode, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("malleposte: pip install failed (exit code 1): ERROR: ")
    assert last.endswith(f"details in {checkout.logs()[-1]}")
    assert "Expected sha256 " + "0" * 64 in checkout.logs()[-1].read_text()

    (checkout.root / "requirements.lock").write_text(good)
    assert checkout.start("--version").stdout == "ran 1.0 run --version\n"


@pytest.mark.full
def test_without_a_network_the_registry_is_named_in_a_sentence(checkout: Checkout) -> None:
    (checkout.root / "requirements.lock").write_text(f"nowhere==1.0 --hash=sha256:{'0' * 64}\n")
    done = checkout.start("--version", env={"PIP_INDEX_URL": "http://127.0.0.1:9/simple/"})
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(
        r"malleposte: pip install failed: the package registry cannot be reached \(Connection refused\); connect this "
        r"machine or set https_proxy, then type the same again; details in \S+",
        done.stderr.splitlines()[-1],
    ), done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small disk")
@pytest.mark.parametrize("megabytes", [1, pytest.param(9, marks=pytest.mark.full)])
def test_a_full_disk_is_told_in_a_sentence_and_mended_by_the_next_start(checkout: Checkout, megabytes: int) -> None:
    """Full from the beginning, or in the middle of the installation."""
    with disk(checkout.root, megabytes):
        (checkout.root / "small").mkdir()
        inside = Checkout(checkout.root / "small")
        done = inside.start("--version")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines()[-1].startswith(
            "malleposte: no space is left on the disk: make room where 'df -h "
        )
        subprocess.run(["mount", "-o", "remount,size=200m", str(checkout.root)], check=True)
        done = inside.start("--version")
        assert (done.returncode, done.stdout) == (0, "ran 1.0 run --version\n"), done.stderr


@contextlib.contextmanager
def disk(place: Path, megabytes: int) -> Iterator[None]:
    """A file system of that size at a place."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.full
def test_an_interrupted_installation_is_done_again_from_nothing(made: Checkout) -> None:
    (module,) = (made.root / ".venv").rglob("tiny.py")
    module.unlink()  # metadata without content, as a power loss leaves it: pip would call it installed
    (made.root / ".venv" / ".installing").touch()
    done = made.start("--version")
    assert (done.returncode, done.stdout) == (0, "ran 1.0 run --version\n"), done.stderr


def test_a_changed_lock_is_installed(made: Checkout) -> None:
    assert made.start("deploy").stdout == "ran 1.0 run deploy\n"
    made.lock("requirements", "1.1")
    assert made.start("deploy").stdout == "ran 1.1 run deploy\n"


def test_only_test_installs_the_test_tools(made: Checkout) -> None:
    made.lock("requirements-dev", "2.0")
    assert made.start("deploy", "test").stdout == "ran 1.0 dev deploy test\n"
    assert made.start("--debug", "test").stdout == "ran 2.0 dev --debug test\n"
    (made.root / ".venv" / "stamp-run").unlink()
    assert made.start("deploy").stderr == "", "the test set serves the other commands too"


@pytest.mark.full
def test_two_first_starts_at_once(checkout: Checkout) -> None:
    both = [
        subprocess.Popen([str(checkout.launcher), "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for child in both:
        out, err = child.communicate(timeout=300)
        assert (child.returncode, out) == (0, "ran 1.0 run x\n"), err
    assert len(checkout.logs()) == 1


@pytest.mark.full
def test_through_a_link_and_from_a_path_with_spaces(checkout: Checkout, tmp_path: Path) -> None:
    moved = checkout.root / "a b"
    moved.mkdir()
    inner = Checkout(moved)
    link = tmp_path / "malleposte"
    link.symlink_to(inner.launcher)
    done = inner.start("x", "y z", launcher=link, cwd="/")
    assert (done.returncode, done.stdout) == (0, "ran 1.0 run x y z\n"), done.stderr


@pytest.mark.full
def test_a_moved_checkout_makes_its_environment_anew(made: Checkout) -> None:
    assert made.start("x").stderr == "", "the environment is there"
    moved = made.root.with_name(made.root.name + "-moved")
    made.root.rename(moved)
    try:
        done = made.start("x", launcher=moved / "malleposte")
    finally:
        moved.rename(made.root)
    # The lock names the wheel by its old place, so that the installation must fail: it was tried, not skipped.
    assert done.returncode == 1
    assert "making the environment" in done.stderr


def test_completion_never_installs(checkout: Checkout) -> None:
    done = checkout.start(env={"_MALLEPOSTE_COMPLETE": "bash_complete"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (checkout.root / ".venv").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="changes to another user")
def test_another_user_is_told_what_to_do(checkout: Checkout) -> None:
    done = checkout.start("--version", **NOBODY)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(f"run 'sudo {checkout.launcher} --version' once")


@pytest.mark.skipif(os.geteuid() != 0, reason="changes to another user")
def test_another_user_may_use_what_root_made_with_a_narrow_umask(made: Checkout) -> None:
    done = made.start("--version", **NOBODY)
    assert (done.returncode, done.stdout) == (0, "ran 1.0 run --version\n"), done.stderr
