"""A slapd on this machine without a lab: the configuration of the role, the programs of an unpacked package."""

import base64
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jinja2
import yaml
from malleposte.core.errors import MallepostError
from malleposte.core.paths import ROOT

SUFFIX, DOMAIN = "dc=ac-exemple,dc=test", "ac-exemple.test"
WRITER, PASSWORD = "provision", "essai"
ROLE = ROOT / "roles" / "openldap"


class OwnSlapd:
    """A running slapd; `home` is its folder, `uri` the way to it."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes]) -> None:
        self.home, self.process = home, process
        self.uri = uri(home)

    def processor(self) -> float:
        """Return the seconds of processor time that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def disk(self) -> int:
        """Return the bytes that it has written."""
        lines = Path(f"/proc/{self.process.pid}/io").read_text("ascii").splitlines()
        return int(dict(line.split(": ") for line in lines)["wchar"])


def uri(home: Path) -> str:
    return f"ldapi://{str(home / 'ldapi').replace('/', '%2F')}"


def configuration(home: Path, programs: Path) -> tuple[str, str]:
    """Return the role's cn=config and the first entries as LDIF, without TLS. Ansible's loader must have started."""
    from ansible_collections.academie.malleposte.plugins.filter import manifest, openldap

    filters = {**openldap.FilterModule().filters(), **manifest.FilterModule().filters()}
    environment = jinja2.Environment(  # noqa: S701  # LDIF
        undefined=jinja2.StrictUndefined, trim_blocks=True, loader=jinja2.FileSystemLoader(ROLE / "templates")
    )
    environment.filters |= {f"academie.malleposte.{name}": one for name, one in filters.items()} | {
        "comment": lambda _: ""
    }
    facts: dict[str, Any] = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text("utf-8"))
    wired = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))
    services = filters["manifest_directory"](wired["malleposte_services"])
    facts |= {
        "ansible_managed": "", "openldap_suffix": SUFFIX, "openldap_database_directory": str(home / "data"),
        "openldap_profiles": ["convergence", "roundcube"], "openldap_services": services,
    }  # fmt: skip
    text = environment.get_template("etc/ldap/slapd.d.ldif.j2").render(**facts)
    for old, new in (("/usr/lib/ldap", "usr/lib/ldap"), ("/etc/ldap/schema", "etc/ldap/schema")):
        text = text.replace(old, str(programs / new))
    text = text.replace("/run/slapd", str(home))
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("olcTLS"))
    entries = filters["openldap_entries"](SUFFIX, DOMAIN, services, WRITER, {})
    return text, "\n".join(_ldif(entry) for entry in entries)


def _ldif(entry: dict[str, Any]) -> str:
    lines = [f"dn: {entry['dn']}"]
    for name, values in entry["attributes"].items():
        for value in values if isinstance(values, list) else [values]:
            coded = value["base64"] if isinstance(value, dict) else base64.b64encode(str(value).encode()).decode()
            lines.append(f"{name}:: {coded}")
    if "simpleSecurityObject" in entry["attributes"]["objectClass"]:
        lines.append(f"userPassword: {PASSWORD}")
    return "\n".join(lines) + "\n"


@contextmanager
def own_slapd(home: Path, programs: Path) -> Iterator[OwnSlapd]:
    """Start one with an empty directory; it ends with the block. Raises MallepostError where it does not start."""
    libraries = programs / "usr/lib" / f"{os.uname().machine}-linux-gnu"
    environment = os.environ | {"LD_LIBRARY_PATH": str(libraries), "MALLOC_MMAP_THRESHOLD_": "1048576"}
    for name in ("config", "data"):
        (home / name).mkdir(parents=True)
    for number, text in enumerate(configuration(home, programs)):
        subprocess.run(
            [programs / "usr/sbin/slapadd", "-q", "-F", home / "config", f"-n{number}"],
            env=environment, input=text.encode(), check=True,
        )  # fmt: skip
    argv = [str(programs / "usr/sbin/slapd"), "-d0", "-h", uri(home), "-F", str(home / "config")]
    with (
        (home / "said").open("wb") as said,
        subprocess.Popen(argv, env=environment, stdout=said, stderr=said) as process,
    ):
        try:
            while not (home / "ldapi").exists():
                if process.poll() is not None:
                    raise MallepostError(f"slapd does not start: {(home / 'said').read_text('utf-8')[-500:]}")
                time.sleep(0.05)
            yield OwnSlapd(home, process)
        finally:
            process.send_signal(signal.SIGTERM)
