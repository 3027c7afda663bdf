#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""See that the certificate of a host is good, and that the ports of its daemons show it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate
short_description: See that the certificate of a host is good, and that its ports show it
description:
  - The certificate must be there, be no placeholder, belong to the key, be trusted by the store of the system today,
    and bear every name of the host.
  - Each port must answer, and show that certificate. One that does not yet is waited for.
  - Changes nothing.
author: Malleposte (@malleposte)
options:
  names:
    description: Host names that the certificate must bear.
    type: list
    elements: str
    required: true
  key:
    description: Path of the private key.
    type: path
    required: true
  chain:
    description: Path of the certificate and its issuers.
    type: path
    required: true
  ports:
    description: >-
      TCP ports of this host that must show it: C(port), the C(unit) that listens, and C(tls), which is V(direct), or
      the protocol in which TLS is asked for (openssl-s_client(1), C(-starttls)).
    type: list
    elements: dict
    default: []
  remedy:
    description: The operator's next step when the certificate itself is not good.
    type: str
    default: ""
  patience:
    description: Seconds that a daemon may take to answer with it.
    type: int
    default: 60
attributes:
  check_mode:
    description: Does not look, since what is wrong may be what the deploy would mend.
    support: full
"""

EXAMPLES = r"""
- academie.malleposte.certificate:
    names: [mail.example.org]
    key: /etc/ssl/malleposte/privkey.pem
    chain: /etc/ssl/malleposte/fullchain.pem
    ports:
      - {port: 993, tls: direct, unit: dovecot.service}
      - {port: 25, tls: smtp, unit: postfix.service}
"""

RETURN = r"""
faults:
  description: Everything that is not as it must be, each with what to do.
  type: list
  elements: str
  returned: always
"""

import ipaddress
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

OPENSSL, SS = "/usr/bin/openssl", "/usr/bin/ss"
PAUSE = 1.0  # seconds between two looks
ANSWER = 20.0  # seconds in which a port must have shown its certificate
PEM = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def openssl(*words: str, seconds: float = ANSWER) -> tuple[int, str, str]:
    """Exit code, output and errors of openssl(1); 1 where it does not end in time."""
    argv = [OPENSSL, *words]
    try:
        ran = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"no end within {seconds:.0f} s"
    return ran.returncode, ran.stdout, ran.stderr


def first(text: str) -> str:
    """The first certificate of a text, its white space left out; empty where there is none."""
    found = PEM.search(text)
    return "".join(found.group().split()) if found else ""


def of_files(key: str, chain: str, names: Sequence[str]) -> Iterator[str]:
    """Faults of the certificate itself: the first that stops it, or the names that it lacks."""
    code, shown, _error = openssl("x509", "-in", chain, "-noout", "-subject_hash", "-issuer_hash", "-pubkey")
    if code:
        yield f"there is no certificate in {chain}"
        return
    subject, issuer, public = shown.split("\n", 2)
    if subject == issuer:
        yield f"{chain} is still the self-signed placeholder: the host has no certificate"
        return
    if openssl("pkey", "-in", key, "-pubout")[1].strip() != public.strip():
        yield f"{chain} is not for the key {key}"
        return
    code, shown, error = openssl("verify", "-untrusted", chain, chain)
    if code:
        why = re.search(r"depth lookup: (.*)", shown + error)
        yield f"this host does not trust {chain}: {why.group(1) if why else 'openssl verify fails'}"
        return
    lacking = [name for name in names if "NOT match" in openssl("x509", "-in", chain, "-noout", "-checkhost", name)[1]]
    if lacking:
        yield f"{chain} does not bear {', '.join(lacking)}"


def reachable(address: str) -> str:
    """An address to connect to, of one that ss(8) shows: who listens at every address answers on the loopback."""
    bare = ipaddress.ip_address(address.strip("[]").partition("%")[0]) if address != "*" else ipaddress.IPv4Address(0)
    if bare.is_unspecified:
        return "127.0.0.1" if bare.version == 4 else "[::1]"
    return str(bare) if bare.version == 4 else f"[{bare}]"


def listener(port: int) -> str:
    """An address of this host at which something listens on a port; empty where nothing does."""
    argv = [SS, "--no-header", "--listening", "--tcp", "--numeric", f"sport = :{port}"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = [line.split()[3].rpartition(":")[0] for line in ran.stdout.splitlines() if line.strip()]
    return min(map(reachable, found), default="")


def of_port(listen: Mapping[str, Any], chain: str, wanted: str, names: Sequence[str]) -> str:
    """The fault of one port, with what to do; empty where it shows the certificate of the file."""
    port, unit = listen["port"], listen["unit"]
    address = listener(port)
    if not address:
        return f"nothing listens on port {port}: systemctl status {unit}"
    starttls = [] if listen["tls"] == "direct" else ["-starttls", str(listen["tls"])]
    # A web server shows one to those alone that ask for a site of its own.
    for name in names:
        words = ("s_client", "-connect", f"{address}:{port}", "-servername", name, *starttls)
        found = first(openssl(*words)[1])
        if found:
            break
    else:
        return f"port {port} shows no certificate: journalctl --unit={unit}"
    return "" if found == wanted else f"port {port} shows another certificate than {chain}: systemctl restart {unit}"


def look(asked: Mapping[str, Any], good: set[int]) -> list[str]:
    """All faults there are now; ports that showed the certificate are added to `good`, and not asked again."""
    chain = str(asked["chain"])
    found = [f"{fault}; {asked['remedy']}".rstrip("; ") for fault in of_files(asked["key"], chain, asked["names"])]
    if found:
        return found
    with open(chain) as file:
        wanted = first(file.read())
    for listen in asked["ports"]:
        if listen["port"] not in good:
            fault = of_port(listen, chain, wanted, asked["names"])
            if fault:
                found.append(fault)
            else:
                good.add(listen["port"])
    return found


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},
            "chain": {"type": "path", "required": True},
            "ports": {"type": "list", "elements": "dict", "default": []},
            "remedy": {"type": "str", "default": ""},
            "patience": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, faults=[])
    until = time.monotonic() + module.params["patience"]
    good: set[int] = set()
    found = look(module.params, good)
    while found and time.monotonic() < until:
        time.sleep(PAUSE)
        found = look(module.params, good)
    if found:
        module.fail_json(msg="; ".join(found), faults=found)
    module.exit_json(changed=False, faults=[])


if __name__ == "__main__":
    main()
