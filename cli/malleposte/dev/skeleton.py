"""The first version of a service's files: a role, its entry in the manifest, its play, its test.

What it writes passes the architecture tests and deploys a package of Debian with a hardened unit, and where they are
asked for a web site, a database and an account of the directory. The rest is for its author: docs/add-a-service.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from malleposte.core.errors import InputError
from malleposte.core.paths import ROOT

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
GROUPS = ("malleposte", "directory", "database", "mail", "web", "portal", "vault")
MANIFEST = Path("playbooks/group_vars/all/services.yml")
PLAYS = Path("playbooks/site.yml")
WIRING = Path("playbooks/group_vars/all/wiring.yml")
BEFORE = "\n- name: The vaults keep archives\n"
"""In PLAYS: a new service goes before the archives, which take it in."""
BEFORE_THE_DNS = "\n# --- what the academy publishes in the DNS"
"""In WIRING: what a new service is given goes before it."""


@dataclass(frozen=True)
class Service:
    """A service to begin: the `name` of its role, the `group` of its hosts, the `package` and `unit` of Debian.

    `label` names a web site under the domain, handed on to `port` of the loopback; `database` is the system user that
    has one; `directory` asks for an account. Raises InputError for what cannot be.
    """

    name: str
    group: str
    package: str
    unit: str
    summary: str
    label: str = ""
    port: int = 0
    database: str = ""
    directory: bool = False

    def __post_init__(self) -> None:
        """Refuses what would not be found again under its name."""
        if not NAME.fullmatch(self.name):
            hint = "small letters, digits and single underscores, such as node_exporter"
            raise InputError(f"{self.name}: not a name of a role", hint)
        if self.group not in GROUPS:
            raise InputError(f"{self.group}: no group of hosts", f"one of {', '.join(GROUPS)}")
        if not self.unit.endswith(".service"):
            raise InputError(f"{self.unit}: not a service of systemd", f"{self.unit}.service?")
        if bool(self.label) != bool(self.port):
            raise InputError(f"{self.name}: a web site needs a label and a port", "--label figures --port 9100")

    @property
    def variables(self) -> Mapping[str, tuple[str, str, str]]:
        """Variables of the role beside its memory: what each is, its default, and its value in the wiring."""
        variables: dict[str, tuple[str, str, str]] = {}
        if self.database:
            variables |= {
                "database_host": ("Host of the database; empty for the socket of this host.", '""', WIRED_HOST),
                "database_password": ("Password there; none by the socket.", '""', WIRED_LOOKUP),
            }
        if self.directory:
            variables |= {
                "ldap_uri": ("The directory.", "ldapi:///", '"{{ __wiring_ldap_uri }}"'),
                "ldap_base": ("Where it begins.", '""', '"{{ __wiring_suffix }}"'),
                "ldap_bind_dn": ("Account that reads it.", '""', f'"cn={self.name},{{{{ __wiring_services }}}}"'),
                "ldap_password": ("Its password.", '""', f'"{{{{ openldap_passwords.{self.name} }}}}"'),
            }
        return {f"{self.name}_{key}": value for key, value in variables.items()}


def files(service: Service) -> Mapping[Path, str]:
    """The new files, by their path in the checkout."""
    role = Path("roles") / service.name
    variables = service.variables
    environment = f"etc/malleposte/{service.name}.env.j2"
    values = {
        "NAME": service.name, "PACKAGE": service.package, "UNIT": service.unit,
        "SUMMARY": service.summary, "PORT": str(service.port),
        "DEFAULTS": "".join(f"{name}: {default}\n" for name, (_what, default, _wired) in variables.items()),
        "OPTIONS": "".join(
            f"      {name}:\n        description: {what}\n" for name, (what, _default, _wired) in variables.items()
        ),
        "SETTINGS": (f"DATABASE_NAME={service.name}\nDATABASE_USER={service.name}\n" if service.database else "")
        + "".join(
            f"{name.removeprefix(service.name + '_').upper()}={{{{ {name} }}}}\n" for name in variables
        ),
        "FILE": f'      - src: {environment}\n        mode: "0600"\n' if variables else "",
        "READ": f"EnvironmentFile=/{environment.removesuffix('.j2')}\n" if variables else "",
    }  # fmt: skip
    dropin = f"etc/systemd/system/{service.unit}.d/malleposte.conf.j2"
    texts = {
        role / "README.md": README,
        role / "defaults/main.yml": DEFAULTS,
        role / "meta/argument_specs.yml": SPECS,
        role / "tasks/main.yml": TASKS,
        role / "templates" / dropin: DROPIN,
        Path(f"tests/stack/shared/platform/test_{service.name}.py"): TEST + (TEST_SITE if service.label else ""),
    }
    if variables:
        texts[role / "templates" / environment] = ENVIRONMENT
    if service.label:
        texts[role / "tasks/site.yml"] = SITE_TASKS
        texts[role / f"templates/etc/nginx/sites/{service.name}.conf.j2"] = SITE
    return {path: filled(text, values) for path, text in texts.items()}


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with each `<NAME>` replaced by the value of that name."""
    return re.sub(r"<([A-Z]+)>", lambda match: values[match[1]], text.lstrip("\n"))


def manifest(service: Service, text: str) -> str:
    """The manifest with the service's entry at its end."""
    entry = (
        f"\n  {service.name}:\n    group: {service.group}\n    units: [{service.unit}]\n    watch: {{rings: ticket}}\n"
    )
    entry += f"    vhost: {{label: {service.label}}}\n" if service.label else ""
    entry += f"    memory_mb: 50\n    upgrade: {{packages: [{service.package}], rank: 1}}\n"
    entry += f"    database: {{system_user: {service.database}}}\n" if service.database else ""
    rights = "{branches: [people], read: [uid, mail, mpState]}"
    entry += f"    directory:\n      {service.name}: {rights}\n" if service.directory else ""
    return text.rstrip("\n") + "\n" + entry


def wiring(service: Service, text: str) -> str:
    """The wiring with what the role is given. Raises InputError where its place is not found."""
    if BEFORE_THE_DNS not in text:
        raise InputError(f"{WIRING}: nothing is headed {BEFORE_THE_DNS.strip()!r}")
    lines = [f"{name}: {wired}\n" for name, (_what, _default, wired) in service.variables.items()]
    part = filled("\n# --- <SUMMARY>\n" + "".join(lines), {"SUMMARY": service.summary, "NAME": service.name})
    return text.replace(BEFORE_THE_DNS, "\n" + part + BEFORE_THE_DNS, 1) if lines else text


def plays(service: Service, text: str) -> str:
    """The plays with the service's before the archives. Raises InputError where that place is not found."""
    if BEFORE not in text:
        raise InputError(f"{PLAYS}: no play is called {BEFORE.strip().removeprefix('- name: ')!r}")
    role = f"    - {{role: academie.malleposte.{service.name}, tags: [{service.name}]}}\n"
    play = f"\n- name: {service.summary}\n  hosts: {service.group}\n  roles:\n{role}"
    return text.replace(BEFORE, play + BEFORE, 1)


def write(service: Service, root: Path = ROOT) -> list[Path]:
    """Write all of it below `root`; the paths written. Raises InputError, and writes nothing, where one is there."""
    new = files(service)
    for path in (Path("roles") / service.name, *new):
        if (root / path).exists():
            raise InputError(f"{path} is there already", "give another name, or remove it")
    old_manifest, old_plays, old_wiring = ((root / path).read_text("utf-8") for path in (MANIFEST, PLAYS, WIRING))
    if re.search(rf"^  {service.name}:$", old_manifest, re.MULTILINE):
        raise InputError(f"{MANIFEST}: {service.name} is there already", "give another name")
    whole = {**new, MANIFEST: manifest(service, old_manifest), PLAYS: plays(service, old_plays)}
    if service.variables:
        whole[WIRING] = wiring(service, old_wiring)
    for path, text in whole.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    return sorted(whole)


WIRED_HOST = '"{{ __wiring_database_host }}"'
WIRED_LOOKUP = """>-
  {{ lookup('academie.malleposte.secret', 'database-<NAME>') if __wiring_database_host else '' }}"""
README = """
# Role <NAME>

<SUMMARY>.

- Variables: [`meta/argument_specs.yml`](meta/argument_specs.yml). None is required.
- It keeps nothing: there is nothing to back up.

Files: `/etc/systemd/system/<UNIT>.d/malleposte.conf`.

Tests: `tests/stack/shared/platform/test_<NAME>.py`.
"""
DEFAULTS = """
---
<NAME>_memory_max: 64M
<DEFAULTS>"""
SPECS = """
---
argument_specs:
  main:
    short_description: <SUMMARY>
    options:
      <NAME>_memory_max:
        description: Memory that the service may take at most (systemd.resource-control).
<OPTIONS>"""
TASKS = """
---
- name: Configure <PACKAGE>
  academie.malleposte.config_set:
    files:
<FILE>      - src: etc/systemd/system/<UNIT>.d/malleposte.conf.j2
    units: [<UNIT>]
  register: __<NAME>_config

- name: Install <PACKAGE>
  academie.malleposte.packages:
    name: [<PACKAGE>]

# A run that ended before this finds the unit older than its files, and restarts it.
- name: Run <PACKAGE>
  academie.malleposte.unit:
    name: <UNIT>
    enabled: true
    state: "{{ __<NAME>_config is changed | ternary('restarted', 'started') }}"
"""
DROPIN = """
{{ ansible_managed | comment }}
[Service]
<READ>MemoryMax={{ <NAME>_memory_max }}
Restart=on-failure
RestartSec=1
# The settings that differ from the strictest: a packaged daemon may change its user and read the figures of the host.
{{ {'ProcSubset': 'all', 'SystemCallFilter': '@system-service', 'UMask': '0022'} | academie.malleposte.hardening }}
"""
ENVIRONMENT = """
{{ ansible_managed | comment }}
<SETTINGS>"""
SITE_TASKS = """
---
- name: Lay what the web front serves
  academie.malleposte.config_set:
    files:
      - src: etc/nginx/sites/<NAME>.conf.j2
    validate: nginx -t -q
    units: [nginx.service]
  notify: Web front | Reload
"""
SITE = """
{{ ansible_managed | comment }}
add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
add_header X-Frame-Options DENY always;

location / {
    include /etc/nginx/snippets/proxy.conf;
    proxy_pass http://127.0.0.1:<PORT>;
}
"""
TEST = '''
"""<SUMMARY>."""

import yaml
from malleposte.core.paths import ROOT

MANIFEST = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))["malleposte_services"]
SERVICE = MANIFEST["<NAME>"]
UNIT = "<UNIT>"


def test_it_runs_within_its_limits(site):
    for host in site.hosts_of(SERVICE["group"]):
        shown = site.run(host, f"systemctl show {UNIT} -p ActiveState,NoNewPrivileges,ProtectSystem")
        assert set(shown.split()) == {"ActiveState=active", "NoNewPrivileges=yes", "ProtectSystem=strict"}, host
'''
TEST_SITE = """

def test_its_site_answers(site, web, platform):
    for host in site.hosts_of(SERVICE["group"]):
        answer = web.get(site.address(host), f"{SERVICE['vhost']['label']}.{platform['domain']}")
        assert answer.status == 200
"""
