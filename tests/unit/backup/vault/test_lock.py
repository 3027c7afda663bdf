"""No client delays maintenance on a backup server for ever: the forced command and the lock, with a borg that hangs."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import backup_files
from malleposte.backup.vault import maintenance

from tests.support.programs import executable

PATIENCE = 60.0


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """The folder of a client, and a `borg` that says that it runs and then only waits."""
    folder = tmp_path / "borg" / "mail1"
    folder.mkdir(parents=True)
    for name in ("lock", "gate"):
        (folder / name).touch()
    executable(tmp_path / "bin" / "borg", f"echo x >>{tmp_path}/runs\nexec sleep 600")
    return tmp_path


@contextmanager
def session(vault: Path, seconds: int, wait: int = 0) -> Iterator[subprocess.Popen[bytes]]:
    """A session as sshd begins it; whatever is left of it goes at the end."""
    command = backup_files.forced({"name": "mail1", "repositories": ["system"]}, str(vault / "borg"), 5, seconds, wait)
    env = {**os.environ, "PATH": f"{vault}/bin:{os.environ['PATH']}"}
    with subprocess.Popen(["sh", "-c", command], env=env, stdin=subprocess.PIPE, start_new_session=True) as held:
        try:
            yield held
        finally:
            with suppress(ProcessLookupError):
                os.killpg(held.pid, signal.SIGKILL)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(vault: Path) -> int:
    path = vault / "runs"
    return len(path.read_text()) // 2 if path.exists() else 0


def settings(vault: Path, patience: float = PATIENCE) -> maintenance.Settings:
    return maintenance.Settings(vault / "borg", vault / "state", {"mail1": ["system"]}, {}, patience=patience)


def test_a_session_ends_by_its_limit(vault: Path) -> None:
    with session(vault, 1) as held:
        assert held.wait(PATIENCE) == 124
    assert runs(vault) == 1


def test_while_the_keeper_waits_no_session_begins_and_the_open_one_ends(vault: Path) -> None:
    entered = threading.Event()

    def keep() -> None:
        with maintenance.closed(settings(vault), "mail1"):
            entered.set()

    with session(vault, 5) as held:
        until(lambda: runs(vault) == 1)
        thread = threading.Thread(target=keep)
        thread.start()

        def refused() -> bool:
            with session(vault, 5) as other:
                if other.wait(PATIENCE) == 75:
                    return True
            return False

        until(refused)
        begun = runs(vault)
        assert not entered.is_set()
        assert held.wait(PATIENCE) == 124
        thread.join(PATIENCE)
        assert entered.is_set()
        assert runs(vault) == begun
    with session(vault, 1) as after:
        assert after.wait(PATIENCE) == 124


def test_a_session_waits_for_maintenance_that_takes_seconds(vault: Path) -> None:
    with ExitStack() as stack:
        with maintenance.closed(settings(vault), "mail1"):
            held = stack.enter_context(session(vault, 1, wait=round(PATIENCE)))
            with pytest.raises(subprocess.TimeoutExpired):
                held.wait(1)
            assert runs(vault) == 0
        assert held.wait(PATIENCE) == 124
    assert runs(vault) == 1


def test_a_session_that_does_not_end_is_a_fault_and_sessions_begin_again(vault: Path) -> None:
    with session(vault, 600):
        until(lambda: runs(vault) == 1)
        with (
            pytest.raises(maintenance.Fault, match="a session has been open"),
            maintenance.closed(settings(vault, 0), "mail1"),
        ):
            pass
        with session(vault, 1) as other:
            assert other.wait(PATIENCE) == 124


def test_the_keeper_waits_longer_than_a_session_lasts() -> None:
    import yaml
    from malleposte.core.paths import ROOT

    known = yaml.safe_load((ROOT / "roles/borg_vault/defaults/main.yml").read_text("utf-8"))
    assert known["borg_vault_patience_seconds"] == "{{ borg_vault_session_seconds + 600 }}"
    assert maintenance.Settings.patience == known["borg_vault_session_seconds"] + 600
