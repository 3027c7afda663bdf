#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep the TLS key, request and certificate of a host in order, with the openssl command alone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_pair
short_description: Keep the TLS key, request and certificate of a host in order
description:
  - Makes the private key once (P-256) and never again, so that DANE records over it stay true.
  - Makes the signing request for the wanted names, and a self-signed certificate as long as there is no certificate.
  - Says whether the certificate must be asked for again.
author: Malleposte (@malleposte)
options:
  names:
    description: Host names, the main one first.
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
  request:
    description: Path of the signing request.
    type: path
    required: true
  group:
    description: Group that reads the key.
    type: str
    default: ssl-cert
  renew_days:
    description: Days before its end when the certificate is due for renewal.
    type: int
    default: 30
  ca:
    description: Certificates, PEM, one of which must have signed this one; with none, any issuer will do.
    type: str
    default: ""
attributes:
  check_mode:
    description: Reports what would be made.
    support: full
"""

EXAMPLES = r"""
- academie.malleposte.tls_pair:
    names: [mail.example.org]
    key: /etc/ssl/malleposte/privkey.pem
    chain: /etc/ssl/malleposte/fullchain.pem
    request: /etc/ssl/malleposte/request.pem
"""

RETURN = r"""
spki_sha256:
  description: SHA-256 of the public key (TLSA 3 1 1), hexadecimal; empty when there is no key yet (check mode).
  returned: success
  type: str
request:
  description: The signing request, PEM.
  returned: success
  type: str
due:
  description: The reason why a certificate must be requested; empty when the present one is good.
  returned: success
  type: str
"""

import grp
import hashlib
import os
import re
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.academie.malleposte.plugins.module_utils import durable

NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
DAY = 86400
PLACEHOLDER_DAYS = 3650


class Pair:
    """The three files and what openssl says of them."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.names: list[str] = [name.lower() for name in module.params["names"]]
        self.key: str = module.params["key"]
        self.chain: str = module.params["chain"]
        self.request: str = module.params["request"]
        self.changed: list[str] = []

    def openssl(self, *args: str) -> str:
        code, out, err = self.module.run_command(["openssl", *args], environ_update={"LC_ALL": "C"})
        if code:
            self.module.fail_json(msg=f"openssl {args[0]}: {(err or out).strip().splitlines()[-1:]}")
        return str(out)

    def probe(self, *args: str) -> tuple[int, str]:
        code, out, _err = self.module.run_command(["openssl", *args], environ_update={"LC_ALL": "C"})
        return int(code), str(out)

    def put(self, path: str, content: str, mode: int, gid: int = 0) -> None:
        self.changed.append(path)
        if not self.module.check_mode:
            os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
            durable.write(path, content, mode, user=0, group=gid)

    def ensure_key(self) -> None:
        group: str = self.module.params["group"]
        if os.path.exists(self.key):
            return
        try:
            gid = grp.getgrnam(group).gr_gid
        except KeyError:
            if not self.module.check_mode:
                self.module.fail_json(msg=f"group {group} does not exist on this host")
            gid = 0
        text = self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.put(self.key, text, 0o640, gid)

    def public_key(self) -> str:
        return self.openssl("pkey", "-in", self.key, "-pubout") if os.path.exists(self.key) else ""

    def subject(self) -> list[str]:
        subject = "/CN=" + self.names[0] if len(self.names[0]) <= 64 else "/"
        return ["-subj", subject, "-addext", "subjectAltName=" + ",".join("DNS:" + name for name in self.names)]

    def ensure_request(self) -> None:
        if not os.path.exists(self.key):
            self.changed.append(self.request)
            return
        if os.path.exists(self.request):
            code, text = self.probe("req", "-in", self.request, "-noout", "-text")
            same_names = names_in(text) == sorted(self.names)
            _code, public = self.probe("req", "-in", self.request, "-noout", "-pubkey")
            if code == 0 and same_names and public.strip() == self.public_key().strip():
                return
        self.put(self.request, self.openssl("req", "-new", "-key", self.key, *self.subject()), 0o644)

    def ensure_placeholder(self) -> None:
        if os.path.exists(self.chain):
            return
        if not os.path.exists(self.key):
            self.changed.append(self.chain)
            return
        text = self.openssl("req", "-x509", "-new", "-key", self.key, "-days", str(PLACEHOLDER_DAYS), *self.subject())
        self.put(self.chain, text, 0o644)

    def due(self) -> str:
        """Return the reason why the certificate is no longer good; empty when it is."""
        if not os.path.exists(self.chain) or not os.path.exists(self.key):
            return "there is none"
        code, text = self.probe("x509", "-in", self.chain, "-noout", "-text")
        if code:
            return "it cannot be read"
        lines = dict(re.findall(r"^\s+(Issuer|Subject): ?(.*)$", text, re.MULTILINE))
        if lines.get("Issuer") == lines.get("Subject"):
            return "it is the self-signed placeholder"
        _code, public = self.probe("x509", "-in", self.chain, "-noout", "-pubkey")
        if public.strip() != self.public_key().strip():
            return "it is not for the host's key"
        if names_in(text) != sorted(self.names):
            return "its names are not the wanted ones"
        seconds = str(self.module.params["renew_days"] * DAY)
        if self.probe("x509", "-in", self.chain, "-noout", "-checkend", seconds)[0]:
            return f"it ends in less than {self.module.params['renew_days']} days"
        return self.wrong_issuer()

    def wrong_issuer(self) -> str:
        if not self.module.params["ca"]:
            return ""
        with tempfile.NamedTemporaryFile("w", dir=self.module.tmpdir) as bundle:
            bundle.write(self.module.params["ca"])
            bundle.flush()
            code, _out = self.probe("verify", "-no-CApath", "-no-CAstore", "-CAfile", bundle.name, self.chain)
        return "another authority signed it" if code else ""


def names_in(text: str) -> list[str]:
    """The DNS names of C(openssl ... -text), sorted."""
    return sorted(re.findall(r"DNS:([^,\s]+)", text))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "key": {"type": "path", "required": True, "no_log": False},
            "chain": {"type": "path", "required": True},
            "request": {"type": "path", "required": True},
            "group": {"type": "str", "default": "ssl-cert"},
            "renew_days": {"type": "int", "default": 30},
            "ca": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    wrong = [name for name in module.params["names"] if not NAME.fullmatch(name.lower())]
    if wrong or not module.params["names"]:
        module.fail_json(msg=f"tls_pair: not a host name: {', '.join(wrong) or 'names is empty'}")
    pair = Pair(module)
    pair.ensure_key()
    pair.ensure_request()
    pair.ensure_placeholder()
    spki = request = ""
    if os.path.exists(pair.key):
        der = pair.public_key()
        spki = spki_digest(der)
    if os.path.exists(pair.request):
        with open(pair.request) as handle:
            request = handle.read()
    module.exit_json(
        changed=bool(pair.changed), changed_files=pair.changed, spki_sha256=spki, request=request, due=pair.due()
    )


def spki_digest(pem: str) -> str:
    """SHA-256 of the DER inside a PEM public key."""
    import base64

    body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
    return hashlib.sha256(base64.b64decode(body)).hexdigest()


if __name__ == "__main__":
    main()
