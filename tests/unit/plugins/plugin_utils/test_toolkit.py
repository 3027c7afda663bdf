"""The package as hosts have it: one file, always the same bytes, with every program, and it knows what it cannot do."""

import ast
import dataclasses
import io
import multiprocessing
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.academie.malleposte.plugins.lookup.toolkit import LookupModule
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit
from malleposte import cli
from malleposte.core.paths import ROOT

from tests.support.forks import STANDARD, Forks


@pytest.fixture(scope="module")
def built() -> bytes:
    return toolkit.build()


@pytest.fixture(scope="module")
def pyz(built: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hosted") / "malleposte.pyz"
    path.write_bytes(built)
    return path


RUN = """
import runpy, sys
runpy.run_path(sys.argv[0], run_name="__main__")
"""
BARE = """
import sys

class Bare:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        # The language's own too, by a name of its platform: zoneinfo asks it for the folders of time zones.
        if top.startswith("_sysconfigdata_"):
            return None
        if top not in {*sys.stdlib_module_names, "__main__", "malleposte", *held}:
            raise ModuleNotFoundError(f"no package brings {name}", name=name)

held, sys.argv = sys.argv[0].split(","), sys.argv[1:]
sys.meta_path.insert(0, Bare())
"""
"""Before a program: nothing but these modules can be imported, beside the language's own."""


class Hosted:
    """The archive as a host runs it: `python3 -I` that knows no module but the language's own."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.forks = Forks(STANDARD, "-I")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.forks.run(RUN, self.path, *words)

    def run_bare(self, held: Iterable[str], *words: str) -> subprocess.CompletedProcess[str]:
        return self.forks.run(BARE + RUN, ",".join(held), self.path, *words)


@pytest.fixture(scope="module")
def hosted(pyz: Path) -> Iterator[Hosted]:
    made = Hosted(pyz)
    yield made
    made.forks.end()


def test_another_process_makes_the_same_bytes(built: bytes) -> None:
    """Marshal's newer formats hang on how often a value is referred to, and sets on the seed of the hashes."""
    words = "import sys, toolkit; sys.stdout.buffer.write(toolkit.build())"
    env = {"PYTHONPATH": str(Path(toolkit.__file__).parent), "PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", words], env=env, capture_output=True, check=True)
    assert done.stdout == built


def test_modules_are_loaded_as_they_were_compiled_and_from_source_by_another_python(tmp_path: Path) -> None:
    """A faulty source is not read where a compiled module fits; where none fits, the source is."""
    compiled = toolkit.compiled("spoken.py", b"said = 'compiled'\n")
    for name, content, said in (
        ("same", compiled, "compiled"),
        ("other", b"\0\0" + compiled[2:], "source"),
    ):
        with zipfile.ZipFile(tmp_path / f"{name}.pyz", "w") as archive:
            archive.writestr("spoken.py", "said = 'source'\n")
            archive.writestr("spoken.pyc", content)
            archive.writestr("__main__.py", "import spoken; print(spoken.said)")
        words = [sys.executable, "-I", "-B", str(tmp_path / f"{name}.pyz")]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == f"{said}\n"


def test_every_module_is_compiled(built: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(built)) as archive:
        names = set(archive.namelist())
    assert {name for name in names if name.endswith(".pyc")} == {f"{name}c" for name in names if name.endswith(".py")}


def test_what_is_written_is_made_anew_only_when_a_source_changed(built: bytes, tmp_path: Path) -> None:
    path = tmp_path / "malleposte.pyz"
    path.write_bytes(built)
    first = path.stat().st_ino
    assert toolkit.written(tmp_path) == path and path.stat().st_ino == first
    other = dataclasses.replace(toolkit.HOSTS, main=f"{toolkit.HOSTS.main}# another\n")
    assert toolkit.written(tmp_path, other) == path and path.stat().st_ino != first
    with zipfile.ZipFile(path) as made, zipfile.ZipFile(io.BytesIO(built)) as before:
        assert made.read("__main__.py") == other.main.encode()
        assert made.namelist() == before.namelist()


def test_links_are_followed() -> None:
    assert "malleposte/policy/rules.py" in dict(toolkit.sources())


def test_every_file_of_the_portal_is_in_it() -> None:
    """A template of a kind that is left out is an error of that page alone, on hosts alone."""
    files = {path for path in toolkit.PORTAL.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert {path.relative_to(toolkit.PORTAL.parent).as_posix() for path in files} <= set(dict(toolkit.sources()))


def modules_of(archive: toolkit.Archive) -> dict[str, Path]:
    """The modules of the package in an archive, with their files."""
    names = [name for name, _content in toolkit.sources(archive) if name.startswith("malleposte/")]
    files = [toolkit.PACKAGE.parent / name for name in names if name.endswith(".py")]
    return {toolkit.module_at(path): path for path in files}


@pytest.mark.parametrize("archive", [toolkit.HOSTS, toolkit.WORLD])
def test_no_module_imports_one_that_its_archive_lacks(archive: toolkit.Archive) -> None:
    """Imports inside functions count, and so do those for types."""
    modules = modules_of(archive)
    lacking = {name: toolkit.imported(path, name) - modules.keys() for name, path in modules.items()}
    if archive == toolkit.HOSTS:
        files = toolkit.files_of(toolkit.PORTAL, frozenset({".py"}))
        lacking |= {str(path): toolkit.imported(path, "malleposte_portal") - modules.keys() for path in files}
    assert {name: sorted(names) for name, names in lacking.items() if names} == {}


def test_what_the_controller_alone_has_is_on_no_host() -> None:
    files = list(toolkit.files_of(toolkit.PACKAGE, frozenset({".py"})))
    modules = {toolkit.module_at(path) for path in files}
    assert set(toolkit.CONTROLLER) <= modules, "a name that is left out exists no longer"
    left = modules - modules_of(toolkit.HOSTS).keys()
    assert {"malleposte.dev.gate", "malleposte.dev.world.world_sms", "malleposte.commands.deploy"} <= left
    commands = {f"malleposte.commands.{name.replace('-', '_')}" for name in set(cli.COMMANDS) - set(cli.ON_HOSTS)}
    assert {name for name in left if name.startswith("malleposte.commands.")} == commands


def test_the_world_has_its_programs_and_what_they_import_alone(tmp_path: Path) -> None:
    modules = modules_of(toolkit.WORLD)
    assert {"malleposte.dev.world.world_sso", "malleposte.runtime.durable", "malleposte.programs"} <= modules.keys()
    assert not {"malleposte.cli", "malleposte.accountd", "malleposte.dev.gate"} & modules.keys()
    path = toolkit.written(tmp_path, toolkit.WORLD)
    assert path.name == "malleposte-world.pyz"
    programs = toolkit.programs(archive=toolkit.WORLD)
    assert set(programs) == {"world-relay", "world-sms", "world-sso", "world-tools", "world-trust"}
    for name in programs:
        assert toolkit.command(name) == f"/usr/bin/python3 -I -B {toolkit.WORLD.path} run {name}"
        assert toolkit.digest(name) != toolkit.digest("accountd")
        words = [sys.executable, "-I", str(path), "run", name, "--no-such", "word"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr[:7]) == (2, "usage: "), done.stderr
    words = [sys.executable, "-I", str(path), "run", "accountd"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    said = "malleposte: no program is called 'accountd'; see malleposte.programs\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_the_lookup_gives_both_files(built: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    assert LookupModule().run([]) == [str(tmp_path / "malleposte.pyz")]
    assert (tmp_path / "malleposte.pyz").read_bytes() == built
    assert LookupModule().run(["world"]) == [str(tmp_path / "malleposte-world.pyz")]
    with pytest.raises(AnsibleError, match="toolkit: another: give no word, or world"):
        LookupModule().run(["another"])


def test_it_runs_alone(pyz: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-I", str(pyz), "--help"], capture_output=True, text=True, check=True, cwd="/"
    )
    assert "  backup " in done.stdout
    assert "  deploy " not in done.stdout


@pytest.mark.parametrize("name", sorted(set(cli.COMMANDS) - set(cli.ON_HOSTS)))
def test_a_command_of_the_controller_says_so(hosted: Hosted, name: str) -> None:
    done = hosted.run(name)
    assert (done.returncode, done.stdout) == (2, "")
    said = f"malleposte: '{name}' works on the controller only; type it there, in the checkout\n"
    assert done.stderr == said


@pytest.mark.parametrize("name", cli.ON_HOSTS)
def test_a_command_of_the_hosts_starts_on_any_of_them(hosted: Hosted, name: str) -> None:
    """Other packages are on the hosts of some services: a command that needs them imports them at work."""
    defaults = yaml.safe_load((ROOT / "roles/toolkit/defaults/main.yml").read_text("utf-8"))
    held = {word.removeprefix("python3-") for word in defaults["toolkit_packages"]} | {"pyasn1"}  # of ldap3
    done = hosted.run_bare(held, name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Example" in done.stdout


def test_workers_that_were_forked_from_one_process_write_it_at_the_same_time(
    built: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has written its own before any puts it into place, as happens on a machine that is slow."""
    forked = multiprocessing.get_context("fork")
    both, write, lookup = forked.Barrier(2), Path.write_bytes, LookupModule()

    def write_and_wait(path: Path, content: bytes) -> int:
        written = write(path, content)
        both.wait(60)
        return written

    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    monkeypatch.setattr(toolkit, "build", lambda _archive: built)
    monkeypatch.setattr(Path, "write_bytes", write_and_wait)
    workers = [forked.Process(target=lookup.run, args=([],)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [(one.name, one.stat().st_size) for one in tmp_path.iterdir()] == [("malleposte.pyz", len(built))]


def test_every_program_has_a_command_and_begins(hosted: Hosted) -> None:
    """If its libraries are missing, it names them; nothing else may stop it before it reads its words."""
    assert {"accountd", "dav-router", "lists", "postfix-check", "quota-warning"} <= set(toolkit.programs())
    for name in toolkit.programs():
        assert toolkit.command(name) == f"/usr/bin/python3 -I -B {toolkit.HOSTS.path} run {name}"
        done = hosted.run("run", name, "--no-such", "word")
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr.startswith("usage: "), done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["", "no-such", "../lists", "Lists", "lists.daemon", "lists\n"])
def test_another_program_is_refused(hosted: Hosted, name: str) -> None:
    done = hosted.run("run", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"malleposte: no program is called {name!r}; see malleposte.programs\n"
    with pytest.raises(ValueError, match="known: accountd"):
        toolkit.command(name)


PROGRAMS = "PROGRAMS: dict[str, str] = {{'one': 'one', 'the-other': 'other'{more}}}\nWORLD: dict[str, str] = {{}}\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with two programs, of which one imports the other's neighbour in each of the ways there are."""
    files = {
        "__init__.py": "",
        "programs.py": PROGRAMS.format(more=""),
        "one.py": "import malleposte.deep.a\ndef main():\n    from malleposte.deep import b\n",
        "other.py": "import os\n",
        "deep/__init__.py": "",
        "deep/a.py": "from . import c\n",
        "deep/b.py": "from .c import x\n",
        "deep/c.py": "from ..last import y\n",
        "last.py": "y = 1\n",
        "apart.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "malleposte" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "malleposte"


def test_a_program_changes_with_what_it_imports_and_with_nothing_else(package: Path) -> None:
    def digests() -> list[str]:
        toolkit.imported.cache_clear()
        return [toolkit.digest(name, package) for name in ("one", "the-other", "malleposte.deep.b")]

    names = {path.relative_to(package).as_posix() for path in toolkit.closure("malleposte.one", package).values()}
    assert names == {"__init__.py", "one.py", "last.py"} | {f"deep/{name}.py" for name in ("__init__", "a", "b", "c")}
    before = digests()
    (package / "apart.py").write_text("# changed")
    assert digests() == before
    (package / "last.py").write_text("y = 2\n")
    after = digests()
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, False]


def test_a_module_has_a_digest_and_no_command(package: Path) -> None:
    assert len(toolkit.digest("malleposte.last", package)) == 16
    with pytest.raises(ValueError, match=r"malleposte\.last is a module, not a program; known: one, the-other"):
        toolkit.command("malleposte.last", package)
    with pytest.raises(ValueError, match=r"no program is called 'malleposte\.none'"):
        toolkit.digest("malleposte.none", package)


def test_what_runs_keeps_the_archive_that_it_began_with(package: Path, tmp_path: Path) -> None:
    """A deploy replaces the archive under a job that has not loaded all of its modules."""
    run = ast.unparse(ast.parse((toolkit.PACKAGE / "programs.py").read_bytes()).body[-1])
    head = "import importlib, sys\nfrom collections.abc import Mapping, Sequence\n"
    (package / "programs.py").write_text(head + PROGRAMS.format(more=", 'waiting': 'waiting'") + run)
    waiting = (
        "def main(words):\n    print(0, flush=True)\n    input()\n    from malleposte import last\n    print(last.y)\n"
    )
    (package / "waiting.py").write_text(f"{waiting}    return 0\n")
    archive = tmp_path / "malleposte.pyz"
    archive.write_bytes(toolkit.build(package=package))
    words = [sys.executable, "-I", str(archive), "run", "waiting"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin and running.stdout
        assert running.stdout.readline() == "0\n"
        (package / "__init__.py").write_text("# longer than before\n" * 100)
        (package / "last.py").write_text("y = 2\n")
        beside = tmp_path / "beside.pyz"
        beside.write_bytes(toolkit.build(package=package))
        beside.rename(archive)
        running.stdin.write("\n")
        running.stdin.close()
        assert running.stdout.read() == "1\n"
        assert running.wait() == 0
    done = subprocess.run(words, input="\n", capture_output=True, text=True, check=True)
    assert done.stdout == "0\n2\n"


def test_the_portal_lies_beside_the_package() -> None:
    names = set(dict(toolkit.sources()))
    assert {"malleposte_portal/app.py", "malleposte_portal/templates/layout.html"} <= names
    assert {"malleposte_portal/translations/en.po", "malleposte_portal/static/style.css"} <= names
    assert not any("__pycache__" in name for name in names)


def test_the_portal_starts_from_the_archive(pyz: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(pyz)!r}); from malleposte_portal import create_app; "
        "from malleposte_portal.core.settings import Settings; "
        "app = create_app(Settings('X'), object(), b'k' * 32); http = app.test_client(); "
        "print([http.get(one).status_code for one in ('/', '/en/activate', '/style.css')], app.root_path)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert done.stdout.startswith(f"[200, 200, 200] {pyz}"), done.stderr


def test_the_digest_of_the_portal_follows_its_pages_and_what_it_imports(tmp_path: Path) -> None:
    portal = shutil.copytree(toolkit.PORTAL, tmp_path / "malleposte_portal")
    first = toolkit.digest("portal", portal=portal)
    assert toolkit.digest("portal", portal=portal) == first
    (portal / "templates" / "front" / "home.html").write_text("other")
    assert toolkit.digest("portal", portal=portal) != first
    assert toolkit.digest("accountd") != first


def test_the_digest_of_accountd_follows_its_calls_which_it_finds_by_walking(tmp_path: Path) -> None:
    package = shutil.copytree(toolkit.PACKAGE, tmp_path / "malleposte")
    first = toolkit.digest("accountd", package)
    (package / "accountd" / "calls" / "new.py").write_text("NEW = 1\n")
    toolkit.imported.cache_clear()
    came = toolkit.digest("accountd", package)
    (package / "accountd" / "calls" / "mailbox" / "undelete.py").write_text("other = 1\n")
    toolkit.imported.cache_clear()
    changed = toolkit.digest("accountd", package)
    assert len({first, came, changed}) == 3
    (package / "commands" / "teams.py").write_text("other = 1\n")
    toolkit.imported.cache_clear()
    assert toolkit.digest("accountd", package) == changed, "a command of the controller is none of its code"


def test_the_digest_of_the_portal_follows_the_rules_of_passwords(tmp_path: Path) -> None:
    package = shutil.copytree(toolkit.PACKAGE, tmp_path / "malleposte")
    first = toolkit.digest("portal", package)
    (package / "policy" / "rules.py").write_text("other = 1\n")
    toolkit.imported.cache_clear()
    assert toolkit.digest("portal", package) != first
