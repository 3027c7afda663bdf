"""The Ansible module academie.malleposte.account against the deployed directory: changed, then ok, and --check."""

import json
import subprocess

import pytest
from malleposte.core.paths import ROOT, VENV_BIN
from malleposte.core.run import environment

from tests.stack.support.accounts_cli import BUSY, Cli, document

# For an import, accounts declared here belong to another feed: one at a time.
pytestmark = pytest.mark.together("feed")

UID = "essaimodule"
FACTS = {
    "uid": UID, "given_name": "Zoé", "surname": "Essaimodule", "schools": ["9990001X"], "function": "Secrétaire",
    "recovery_mail": "zoe@exemple.test", "profile": "roundcube",
}  # fmt: skip


@pytest.fixture
def declared(site, tmp_path):
    """Run a play of the module, a task for each (facts, options of the task); what each task registered."""

    def run(*wanted: tuple[dict[str, object], dict[str, object]]) -> list[dict[str, object]]:
        tasks = [
            {"name": f"Declare {number}", "academie.malleposte.account": facts, "register": f"r{number}",
             "ignore_errors": True, "until": f"'{BUSY}' not in r{number}.msg | default('')", "retries": 100, "delay": 1,
             **options}
            for number, (facts, options) in enumerate(wanted)
        ]  # fmt: skip
        out = tmp_path / "results.json"
        content = "{{ [" + ", ".join(f"r{number}" for number in range(len(wanted))) + "] | to_json }}"
        keep = {"name": "Keep", "ansible.builtin.copy": {"content": content, "dest": str(out), "mode": "0600"},
                "delegate_to": "localhost", "vars": {"ansible_connection": "local"}}  # fmt: skip
        play = tmp_path / "play.yml"
        play.write_text(json.dumps([{"hosts": "mail1", "gather_facts": False, "tasks": [*tasks, keep]}]), "utf-8")
        argv = [str(VENV_BIN / "ansible-playbook"), "-i", str(site.inventory), str(play)]
        done = subprocess.run(
            argv, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=200
        )
        assert out.exists(), done.stdout + done.stderr
        found: list[dict[str, object]] = json.loads(out.read_text("utf-8"))
        return found

    yield run
    dn = f"uid={UID},ou=people,{site.place.suffix}"
    site.run("mail1", f"ldapdelete -Q -Y EXTERNAL -H ldapi:/// {dn}", check=False)


def entry(site) -> str:
    words = (
        f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b ou=people,{site.place.suffix} '(uid={UID})'"
    )
    return site.run("mail1", words)


def test_an_account_is_made_kept_changed_suspended_and_brought_back(site, declared):
    other = FACTS | {"function": "Principale", "recovery_mail": "autre@exemple.test"}
    check = {"check_mode": True, "diff": True}
    looked, made, again, shown, kept, changed, suspended, absent, back = declared(
        (FACTS, check), (FACTS, {}), (FACTS, {}), (other, check), (FACTS, check),
        ({"uid": UID, "function": "Chef"}, {}),
        ({"uid": UID, "state": "suspended", "reason": "essai"}, {}), ({"uid": UID, "state": "absent"}, {}), (FACTS, {}),
    )  # fmt: skip
    results = [one["changed"] for one in (looked, made, again, shown, kept, changed, suspended, absent, back)]
    assert results == [True, True, False, True, False, True, True, False, True]
    assert made["mail"] == f"zoe.essaimodule@{site.place.domain}"
    assert "Principale" in str(shown["diff"])
    assert "autre@exemple.test" not in str(shown["diff"])
    held = entry(site)
    assert "mpState: pending" in held
    assert "userPassword" not in held
    assert "mpFunction:: U2Vjcs" in held  # Secrétaire: back as declared
    journal = [json.loads(line) for line in site.run("mail1", "cat /var/log/malleposte/accounts.jsonl").splitlines()]
    acts = [line["action"] for line in journal if line["account"] == UID]
    assert [act for act in acts if act in ("create", "modify", "suspend", "resume")][-5:] == [
        "create", "modify", "suspend", "resume", "modify",
    ]  # fmt: skip
    assert any(line.get("note") == "essai" for line in journal if line["account"] == UID)


def test_the_command_beneath_says_what_it_would_do(site):
    cli = Cli(site)
    done = document(cli.typed("declare", "--check", given=json.dumps({"uid": "mdupond", "function": "Essai"})))
    assert done["changed"] and not document(cli.typed("declare", "--check", given='{"uid": "mdupond"}'))["changed"]
    strange = cli.typed("declare", given='{"uid": "mdupond", "mot": 1}')
    assert strange.returncode == 2 and "mot" in strange.stderr


def test_what_cannot_be_is_said_in_a_line(site, declared):
    wanted = [
        (FACTS | {"schools": ["9990001A"]}, "wrong check letter"),
        ({"uid": "absent", "state": "suspended"}, "no such account"),
    ]
    for failed, (_facts, said) in zip(declared(*((facts, {}) for facts, _said in wanted)), wanted, strict=True):
        assert failed["failed"] is True
        assert said in str(failed["msg"])
    assert entry(site) == ""
