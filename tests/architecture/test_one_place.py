"""A decision is written once: a second copy of a known one is refused, with the module that has it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from malleposte.accounts.life.rules import LifeRules

from .conftest import ROOT

FOLDERS = ("cli/malleposte", "plugins", "portal", "tests/stack/support", "tests/support")


@dataclass(frozen=True)
class Decision:
    """`pattern` (a regular expression) tells a copy; `homes` are the files that may hold it, `copy` is such a line."""

    name: str
    pattern: str
    homes: tuple[str, ...]
    copy: str


SOGO = ("accounts", "busy", "changes", "folders", "memcached", "merge", "profiles", "rights", "room", "tool")
DECISIONS = (
    Decision(
        "the form of a uid",
        r"""\]\[(A-Za-z|a-z)0-9\._-\]\{0,63\}|UID = re\.compile\(r?["']\[""",
        ("cli/malleposte/platform/identity.py",),
        'UID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")',
    ),
    Decision(
        "where a mailbox lies",
        r'hashlib\.sha1\(uid|Path\("/srv/mail"|"/srv/mail["/]|/ "Maildir"|\*/Maildir"|/ "expunged"',
        ("plugins/module_utils/mailstore.py",),
        "folder = store / hashlib.sha1(uid.encode()).hexdigest()[:2] / uid",
    ),
    Decision(
        "the tables and keys of SOGo",
        r"\bsogo_(folder_info|store|acl|user_profile|quick_\w+|alarms_folder)\b|\bc_(path|folder_id|content|role|foldername)\b"
        r'|\+(acl|settings|defaults|attributes)"',
        (
            *(f"cli/malleposte/adapters/sogo/{name}.py" for name in SOGO),
            "plugins/filter/sogo.py",
            "tests/support/sogo_tables.py",
        ),
        "DELETE FROM sogo_acl WHERE c_folder_id = 1",
    ),
    Decision(
        "the headers of a letter",
        r'\["Auto-Submitted"\] = ',
        # The probe's own runs by the standard library alone, on a host that has no more.
        ("cli/malleposte/platform/letters.py", "cli/malleposte/probe/walker/mailbox.py"),
        'letter["Auto-Submitted"] = "auto-generated"',
    ),
    Decision(
        "how a letter is handed to a mail server",
        r"smtplib\.SMTP\(|/usr/sbin/sendmail",
        # The others hand over no letter of a program: what people wrote to a list, what an agent reports, tests.
        (
            "cli/malleposte/platform/letters.py",
            "cli/malleposte/adapters/relay.py",  # a relay of another house, by a password
            "cli/malleposte/lists/carrier.py",
            "cli/malleposte/accounts/mailbox/report_message.py",
            "cli/malleposte/accounts/mailbox/later/submit.py",  # an agent's own message
            "cli/malleposte/probe/walker/paths/flows.py",
            "tests/stack/support/mail.py",
        ),
        "with smtplib.SMTP(host, int(port), timeout=60) as session:",
    ),
    Decision(
        "how the directory writes a time",
        r'%Y%m%d%H%M%S(Z|%z)|\bwhen\(f"|\[:8\] [<>]',
        ("cli/malleposte/platform/times.py",),
        'when.strftime("%Y%m%d%H%M%SZ")',
    ),
    Decision(
        "the names of months and days",
        r"janvier.{1,4}février|January.{1,4}February",
        ("cli/malleposte/platform/times.py",),
        '_MONTHS = ("janvier", "février", "mars")',
    ),
    Decision(
        "the academy's time zone",
        r"Europe/Paris(?!:)",
        ("cli/malleposte/check/values.py",),
        'HERE = ZoneInfo("Europe/Paris")',
    ),
    Decision(
        "the first value of an attribute",
        r"def _?(one|first)\((attributes|held|entry)\b",
        ("cli/malleposte/directory/model.py",),
        "def _one(held: Attributes, name: str) -> str:",
    ),
    Decision(
        "how LDIF is read",
        r'b64decode\((rest|value)\[1:\]|(removeprefix|startswith)\("(uid|dn): ',
        ("plugins/module_utils/slapd/ldif.py",),
        'value = base64.b64decode(rest[1:]) if rest.startswith(":") else rest.strip()',
    ),
    Decision(
        "how ldapsearch is asked",
        r'"ldapsearch", ',
        ("plugins/module_utils/slapd/ldif.py",),
        'argv = ["ldapsearch", "-LLL", "-x", "-H", uri]',
    ),
    Decision(
        "the domain below which mailboxes are recipients",
        r"stores\.invalid",
        ("cli/malleposte/accounts/life/rules.py",),
        'domain = "stores.invalid"',
    ),
    Decision(
        "how a lock is held",
        r"fcntl\.flock",
        ("cli/malleposte/platform/locks.py",),
        "fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)",
    ),
    Decision(
        "how SQL is given to PostgreSQL",
        r'"psql", "-|"-[XAtqc]{3,}"',
        ("cli/malleposte/adapters/postgresql.py", "plugins/modules/postgresql_databases.py"),
        'argv = ["psql", "-AtXqc", question, "postgres"]',
    ),
    Decision(
        "how Dovecot is asked",
        r'"doveadm", |"kick"',
        ("cli/malleposte/adapters/dovecot.py",),
        'subprocess.run(["doveadm", *words], check=True)',
    ),
    Decision(
        "how scripts are given to Valkey",
        r"EVALSHA|\.evalsha\(",
        ("cli/malleposte/adapters/valkey.py",),
        "return link.evalsha(name, len(keys), *keys)",
    ),
    Decision(
        "how a daemon reads its settings",
        r'"--check", action',
        ("cli/malleposte/runtime/kit.py",),
        'parser.add_argument("--check", action="store_true", help="read the settings and stop")',
    ),
    Decision(
        "the ssh command to a host",
        r'"ssh", "-o"|BatchMode=yes',
        ("cli/malleposte/fleet/ssh.py",),
        'argv = ["ssh", "-o", "BatchMode=yes", "-p", str(port)]',
    ),
    Decision(
        "how an inventory is read",
        r'"ansible-inventory"|InventoryManager\(|"ansible\.builtin\.debug"',
        ("cli/malleposte/fleet/site.py",),
        'argv = ["ansible-inventory", "-i", str(inventory), "--list"]',
    ),
    Decision(
        "which hosts are in a group",
        r'entry\.get\("hosts"|list(ing|ed)(\[|\.get\().*"hosts"',
        ("cli/malleposte/fleet/remote.py",),
        'hosts = listing.get("directory", {}).get("hosts", [])',
    ),
)


def sources() -> Iterator[Path]:
    """Every Python file of ours that runs, each once: what is a link counts where it leads."""
    found = {path.resolve() for name in FOLDERS for path in (ROOT / name).rglob("*.py")}
    yield from sorted(found)


def copies(text: str, pattern: str) -> list[int]:
    """Lines that hold a decision, from 1."""
    return [number for number, line in enumerate(text.splitlines(), 1) if re.search(pattern, line)]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda one: one.name)
def test_a_copy_would_be_seen(decision: Decision) -> None:
    assert copies(f"import re\n{decision.copy}\n", decision.pattern) == [2]


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda one: one.name)
def test_a_decision_is_written_once(decision: Decision) -> None:
    homes = {ROOT / home for home in decision.homes}
    assert all(copies(home.read_text("utf-8"), decision.pattern) for home in homes), "the home no longer decides it"
    second = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        if path not in homes
        for number in copies(path.read_text("utf-8"), decision.pattern)
    ]
    assert second == [], f"import {decision.homes[0]} instead"


DELIVERY = {
    "dovecot": "dovecot_delivery_domain",
    "hostd": "hostd_delivery_domain",
    "lists": "lists_delivery_domain",
    "postfix": "postfix_delivery_domain",
    "radicale": "radicale_delivery_domain",
    "rspamd": "rspamd_outbound_deliver",
}
"""A role runs with its own variables alone: each has the default of the delivery domain."""


def test_roles_agree_on_the_delivery_domain() -> None:
    wiring = (ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8")
    domain = LifeRules().delivery_domain
    assert copies(wiring, re.escape(domain)) == [], "it is postfix_delivery_domain"
    given = {}
    for path in sorted(ROOT.glob("roles/*/defaults/main.yml")):
        found = yaml.safe_load(path.read_text("utf-8")) or {}
        given |= {(path.parts[-3], name): value for name, value in found.items() if domain in str(value)}
    assert given == dict.fromkeys(DELIVERY.items(), domain)


def servers(source: str) -> list[tuple[int, bool]]:
    """The line of each call that starts a server of asyncio, and whether its connections are served to the end."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    starts = [
        node
        for node in calls
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"start_server", "start_unix_server"}
    ]
    first = [(node.lineno, node.args[0] if node.args else None) for node in starts]
    return [(line, isinstance(one, ast.Call) and ast.unparse(one.func) == "to_the_end") for line, one in first]


def test_a_server_that_may_drop_a_connection_would_be_seen() -> None:
    code = "asyncio.start_server(to_the_end(one.serve), sock=a)\nasyncio.start_unix_server(one.serve, sock=a)\n"
    assert servers(code) == [(1, True), (2, False)]


def test_each_connection_of_a_daemon_is_served_to_its_end() -> None:
    here = [(path, *one) for path in sources() if "tests" not in path.parts for one in servers(path.read_text("utf-8"))]
    assert len(here) > 8
    assert [f"{path.relative_to(ROOT)}:{line}" for path, line, whole in here if not whole] == []
