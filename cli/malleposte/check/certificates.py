"""Certificates that the operator gives (source `files`): of the key, trusted, in force, for all names of the host."""

from __future__ import annotations

import contextlib
import datetime
import functools
import itertools
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from malleposte.check.findings import Finding, Level
from malleposte.check.offline import Reader
from malleposte.fleet.site import PLATFORM

SOON = datetime.timedelta(days=30)
STORE = Path("/etc/ssl/certs/ca-certificates.crt")
"""The authorities that Debian trusts, on this machine as on the hosts (ca-certificates)."""
END = "-----END CERTIFICATE-----"
NAMES = "{{ acme_names }}"
KEY, CHAIN = "{{ acme_file_key }}", "{{ acme_file_chain }}"
"""As a deploy reads them: ansible-vault may have locked the files."""

type Certificates = Sequence[x509.Certificate]


def faults(reader: Reader, folder: Path, now: datetime.datetime | None = None) -> Iterator[Finding]:
    """Faults of the pair of each host that takes its certificate from `folder`."""
    for host in reader.site.members(PLATFORM):
        tls = reader.value(host, "malleposte_tls")
        if isinstance(tls, dict) and tls.get("source") == "files" and host not in (tls.get("internal_hosts") or []):
            root = str(tls.get("root_certificate") or "")
            yield from _of_host(reader, host, folder, root, now or datetime.datetime.now(datetime.UTC))


def _of_host(reader: Reader, host: str, folder: Path, root: str, now: datetime.datetime) -> Iterator[Finding]:
    names = [str(name) for name in reader.derived(host, NAMES) or []]
    asked = f"the certificate of {host} must bear {', '.join(names)}"
    key, chain = folder / f"tls-{host}.key", folder / f"tls-{host}.pem"
    lacking = [path for path in (key, chain) if not path.is_file() or not path.stat().st_size]
    for path in lacking:
        state = "is empty" if path.exists() else "is missing"
        message = f"files: the secret {folder.name}/{path.name} {state}; {asked}"
        yield reader.wrong(host, "malleposte_tls", ("source",), message)
    if lacking:
        return
    try:
        certificates = x509.load_pem_x509_certificates(str(reader.derived(host, CHAIN) or "").encode())
    except ValueError:
        yield Finding(Level.WRONG, f"is no certificate in PEM; {asked}", chain)
        return
    yield from _key(str(reader.derived(host, KEY) or ""), certificates[0], key, chain)
    yield from _dates(certificates, chain, now)
    yield from _issuers(certificates, root, chain)
    without = [name for name in names if not any(bears(pattern, name) for pattern in _names(certificates[0]))]
    if without:
        yield Finding(Level.WRONG, f"does not bear {', '.join(without)}; {asked}", chain)


def _key(text: str, leaf: x509.Certificate, path: Path, chain: Path) -> Iterator[Finding]:
    try:
        public = load_pem_private_key(text.encode(), None).public_key()
    except TypeError:
        message = f"is locked by a password, which no daemon knows: openssl pkey -in {path.name} -out {path.name}.open"
        yield Finding(Level.WRONG, message, path)
    except ValueError:
        yield Finding(Level.WRONG, "is no private key in PEM", path)
    else:
        form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if public.public_bytes(*form) != leaf.public_key().public_bytes(*form):
            message = f"is not the key of the first certificate of {chain.name}, which must be the host's"
            yield Finding(Level.WRONG, message, path)


def _dates(certificates: Certificates, chain: Path, now: datetime.datetime) -> Iterator[Finding]:
    for number, one in enumerate(certificates, 1):
        begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
        which = f"certificate {number} ({one.subject.rfc4514_string()})"
        if ends <= now:
            yield Finding(Level.WRONG, f"{which} has ended on {ends:%Y-%m-%d}; give a new one", chain)
        elif begins > now:
            yield Finding(Level.WRONG, f"{which} begins on {begins:%Y-%m-%d} only", chain)
        elif number == 1 and ends - now < SOON:
            days = (ends - now).days
            yield Finding(Level.WARNING, f"ends on {ends:%Y-%m-%d}, in {days} days; ask for a new one", chain)


def _issuers(certificates: Certificates, root: str, chain: Path) -> Iterator[Finding]:
    """Each certificate must be signed by the next, the last by an authority that hosts trust (RFC 8446, 4.4.2)."""
    if _signed(certificates[0], certificates[0]):
        yield Finding(Level.WRONG, "signs itself: no program would trust it; give one of an authority", chain)
        return
    for number, (one, issuer) in enumerate(itertools.pairwise(certificates), 1):
        if not _signed(one, issuer):
            message = f"certificate {number + 1} has not signed certificate {number}; each comes before its issuer"
            yield Finding(Level.WRONG, message, chain)
            return
    roots = (*_roots(root), *_debian())
    if not any(certificates[-1] == one or _signed(certificates[-1], one) for one in roots):
        message = (
            f"ends at {certificates[-1].issuer.rfc4514_string()!r}, which the hosts do not trust; add the intermediate "
            "certificates behind the host's, or give the root of a private authority in malleposte_tls.root_certificate"
        )
        yield Finding(Level.WRONG, message, chain)


def _signed(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _roots(text: str) -> Iterator[x509.Certificate]:
    """The certificates of a text; what cannot be read is left out, and trusted by nobody."""
    for block in text.split(END)[:-1]:
        with warnings.catch_warnings(), contextlib.suppress(ValueError):
            warnings.simplefilter("ignore")  # some of Debian's bear serial numbers of old
            yield x509.load_pem_x509_certificate((block[block.find("-----BEGIN") :] + END).encode())


@functools.cache
def _debian() -> tuple[x509.Certificate, ...]:
    return tuple(_roots(STORE.read_text("utf-8"))) if STORE.is_file() else ()


def _names(leaf: x509.Certificate) -> list[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def bears(pattern: str, name: str) -> bool:
    """Whether a name of a certificate is good for a host's: the same, or `*` for its first label (RFC 9525, 6.3)."""
    label, _dot, rest = name.lower().partition(".")
    return pattern.lower() in (name.lower(), f"*.{rest}" if label and rest else "")
