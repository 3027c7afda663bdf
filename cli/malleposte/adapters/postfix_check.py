"""Refuse a Postfix configuration directory that Postfix would only refuse in service.

``postfix check`` looks at ownership and set-up; it accepts a misspelt parameter, a word where a number belongs, a map
type that is not installed and a restriction that does not exist, and mail then fails at run time. This program asks
postconf and postmap, and starts smtpd alone on the directory. Usage: postfix-check DIRECTORY. Exit 0 when Postfix
would run, 1 with one line a problem on stderr, 2 on wrong usage.
"""

from __future__ import annotations

import difflib
import ipaddress
import itertools
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

Params = dict[str, str]

# Values a parameter takes when it is a word of a short list (postconf(5) of Postfix 3.10).
LEVELS_IN = {"", "none", "may", "encrypt"}
LEVELS_OUT = LEVELS_IN | {"dane", "dane-only", "fingerprint", "verify", "secure"}
SCREEN = {"ignore", "enforce", "drop"}
MILTER = {"accept", "reject", "tempfail", "quarantine", "shutdown"}
WORDS: dict[str, set[str]] = {
    "smtpd_tls_security_level": LEVELS_IN,
    "smtp_tls_security_level": LEVELS_OUT,
    "lmtp_tls_security_level": LEVELS_OUT,
    "smtp_dns_support_level": {"", "disabled", "enabled", "dnssec"},
    "postscreen_greet_action": SCREEN,
    "postscreen_denylist_action": SCREEN,
    "postscreen_dnsbl_action": SCREEN,
    "postscreen_bare_newline_action": SCREEN,
    "postscreen_pipelining_action": SCREEN,
    "postscreen_non_smtp_command_action": SCREEN,
    "smtpd_forbid_bare_newline": {"yes", "no", "normalize", "reject", "note"},
    "milter_default_action": MILTER,
}

# Restrictions of postconf(5), by the argument they take.
PLAIN = set(
    """
    permit reject defer permit_inet_interfaces permit_mynetworks permit_naked_ip_address permit_sasl_authenticated
    permit_auth_destination permit_mx_backup permit_tls_all_clientcerts permit_tls_clientcerts defer_if_permit
    defer_if_reject warn_if_reject reject_plaintext_session reject_unauth_pipelining reject_unknown_client_hostname
    reject_unknown_forward_client_hostname reject_unknown_reverse_client_hostname reject_invalid_helo_hostname
    reject_non_fqdn_helo_hostname reject_unknown_helo_hostname reject_authenticated_sender_login_mismatch
    reject_known_sender_login_mismatch reject_non_fqdn_sender reject_sender_login_mismatch
    reject_unauthenticated_sender_login_mismatch reject_unknown_sender_domain reject_unlisted_sender
    reject_unverified_sender reject_non_fqdn_recipient reject_unauth_destination defer_unauth_destination
    reject_unknown_recipient_domain reject_unlisted_recipient reject_unverified_recipient
    reject_multi_recipient_bounce
    """.split()
)
TABLE = {
    f"check_{what}_access"
    for what in (
        "client", "client_a", "client_mx", "client_ns", "reverse_client_hostname", "reverse_client_hostname_a",
        "reverse_client_hostname_mx", "reverse_client_hostname_ns", "ccert", "sasl", "helo", "helo_a", "helo_mx",
        "helo_ns", "sender", "sender_a", "sender_mx", "sender_ns", "recipient", "recipient_a", "recipient_mx",
        "recipient_ns", "etrn",
    )
}  # fmt: skip
WITH_ARGUMENT = {
    "check_policy_service", "sleep", "reject_rbl_client", "permit_dnswl_client", "reject_rhsbl_client",
    "permit_rhswl_client", "reject_rhsbl_reverse_client", "reject_rhsbl_helo", "reject_rhsbl_sender",
    "reject_rhsbl_recipient",
}  # fmt: skip
RESTRICTIONS = re.compile(
    r"^(smtpd_(client|helo|sender|relay|recipient|data|end_of_data|etrn)|(mua|way)_.*)_restrictions$"
)
MAP_PARAMETER = re.compile(r"(_maps?|_checks|_access_list|_tables?)$")
CACHE_PARAMETER = re.compile(r"(_cache_map|_cache_database|^address_verify_map)$")
FILE_MAPS = {"cidr", "regexp", "pcre", "texthash", "ldap"}
INDEXED_MAPS = {"lmdb": ".lmdb", "hash": ".db", "btree": ".db", "cdb": ".cdb"}
MAP_TOKEN = re.compile(r"^(?:proxy:)?([a-z]+):(.+)$", re.DOTALL)
# Their defaults look like a number, their values need not.
NOT_NUMBERS = {"compatibility_level", "mail_version", "mail_release_date", "smtp_mime_header_checks"}
# postconf takes $config_directory for the live one, whatever it is told.
LIVE = re.compile(r"(?:\$config_directory|\$\{config_directory\}|(?<![\w./-])/etc/postfix)/")
NUMBER = re.compile(r"^-?\d+$")
TIME = re.compile(r"^-?\d+[smhdw]?$")


def split_list(value: str) -> list[str]:
    """Items of a Postfix list: blanks and commas separate, braces hold together."""
    items: list[str] = []
    depth, current = 0, ""
    for char in value:
        depth += (char == "{") - (char == "}")
        if depth == 0 and (char.isspace() or char == ","):
            if current:
                items.append(current)
            current = ""
        else:
            current += char
    return [*items, current] if current else items


def parse_params(text: str) -> Params:
    """``name = value`` lines of postconf."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def parse_overrides(text: str) -> dict[str, Params]:
    """``service/type/name = value`` lines of ``postconf -P``, grouped by service."""
    services: dict[str, Params] = {}
    for name, value in parse_params(text).items():
        parts = name.rsplit("/", 1)
        if len(parts) == 2:
            services.setdefault(parts[0], {})[parts[1]] = value
    return services


def unused_parameters(text: str, parameters: set[str]) -> Iterator[str]:
    """Return postconf's warnings; a parameter nobody reads is a misspelling, so name the nearest."""
    for line in dict.fromkeys(text.splitlines()):
        match = re.search(r"unused parameter: ([^=\s]+)", line)
        if match:
            near = difflib.get_close_matches(match[1], parameters, n=1)
            yield f"{match[1]}: no such parameter" + (f" (did you mean {near[0]}?)" if near else "")
        elif re.search(r"warning:|error:|fatal:", line):
            yield re.sub(r"^\S*postconf: ", "", line)


def wrong_values(values: Params, defaults: Params) -> Iterator[str]:
    """Numbers, times, yes/no and closed words, judged by the kind of the default value."""
    for name, value in values.items():
        default = defaults.get(name, "")
        if name in WORDS:
            if value not in WORDS[name]:
                yield f"{name} = {value}: expected one of {', '.join(sorted(filter(None, WORDS[name])))}"
        elif name in NOT_NUMBERS:
            continue
        elif NUMBER.match(default) and not NUMBER.match(value):
            yield f"{name} = {value}: expected a whole number"
        elif re.match(r"^\d+[smhdw]$", default) and not TIME.match(value):
            yield f"{name} = {value}: expected a time such as {default}"
        elif default in {"yes", "no"} and value.lower() not in {"yes", "no"}:
            yield f"{name} = {value}: expected yes or no"


def wrong_restrictions(values: Params, classes: set[str]) -> Iterator[str]:
    """Restrictions that smtpd would only find out about at the first message (451 Server configuration error)."""
    restrictions = PLAIN | TABLE | WITH_ARGUMENT | classes
    for name, value in values.items():
        if not RESTRICTIONS.match(name):
            continue
        items = iter(split_list(value))
        for item in items:
            if item in TABLE or item in WITH_ARGUMENT:
                if next(items, None) is None:
                    yield f"{name}: {item} lacks its argument"
            elif item not in restrictions and not MAP_TOKEN.match(item) and not re.match(r"^[45]\d\d$", item):
                near = difflib.get_close_matches(item, restrictions, n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                yield f"{name}: no such restriction: {item}{hint}"


def maps_of(values: Params) -> Iterator[tuple[str, str]]:
    """(parameter, map) for every table that the parameters name."""
    for name, value in values.items():
        items = split_list(value)
        if CACHE_PARAMETER.search(name):
            continue
        if MAP_PARAMETER.search(name):
            yield from ((name, item) for item in items if ":" in item)
        elif RESTRICTIONS.match(name):
            for word, argument in itertools.pairwise(items):
                if word in TABLE:
                    yield name, argument


def wrong_networks(values: Params) -> Iterator[str]:
    """Networks that are none."""
    for name in ("mynetworks", "smtpd_client_event_limit_exceptions"):
        for item in split_list(values.get(name, "")):
            if ":" in item and not item.lstrip("!").startswith("["):
                continue
            try:
                ipaddress.ip_network(re.sub(r"[\[\]!]", "", item), strict=False)
            except ValueError as error:
                if not item.startswith("$"):
                    yield f"{name}: {error}"


def wrong_milters(values: Params) -> Iterator[str]:
    """Milters without an address."""
    for name in ("smtpd_milters", "non_smtpd_milters"):
        for item in split_list(values.get(name, "")):
            if not re.match(r"^\{?\s*(unix:.+|inet6?:.+:\w+)", item):
                yield f"{name}: {item}: expected unix:PATH or inet:HOST:PORT"


class Checker:
    """The checks that ask Postfix's own programs about one directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        # Not the option -c, with which $config_directory keeps its compiled-in value.
        self.environment = {**os.environ, "MAIL_CONFIG": directory, "LC_ALL": "C"}

    def run(self, *command: str) -> tuple[str, str]:
        """Run a program and return its output and its errors."""
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            env=self.environment,
        )
        return done.stdout, done.stderr

    def postconf(self, *options: str) -> tuple[str, str]:
        """Answers in which a path of the live directory stands for the same path of the one checked, and warnings."""
        text, warnings = self.run("postconf", *options)
        return LIVE.sub(f"{self.directory}/", text), warnings

    def problems(self) -> Iterator[str]:
        """One line for each."""
        text, warnings = self.postconf("-x", "-n")
        overrides_text, more = self.postconf("-x", "-P")
        services, again = self.postconf("-M")
        defaults = parse_params(self.postconf("-x", "-d")[0])
        values = parse_params(text)
        overrides = parse_overrides(overrides_text)
        yield from unused_parameters(warnings + more + again, set(defaults))
        if not values or not services.strip():
            yield "main.cf or master.cf cannot be read"
            return
        classes = set(split_list(values.get("smtpd_restriction_classes", "")))
        for where, params in {"": values, **overrides}.items():
            prefix = f"{where}: " if where else ""
            for check in (
                wrong_values(params, defaults),
                wrong_restrictions(params, classes),
                wrong_networks(params),
                wrong_milters(params),
                self.wrong_maps(params),
                self.wrong_files(params),
            ):
                yield from (prefix + problem for problem in check)
        yield from self.wrong_programs(services)
        yield from self.run_smtpd(services, overrides)

    def wrong_maps(self, values: Params) -> Iterator[str]:
        """Tables of a kind that is not installed, that are missing, or that cannot be read."""
        types = set(self.run("postconf", "-m")[0].split())
        for name, item in dict.fromkeys(maps_of(values)):
            match = MAP_TOKEN.match(item)
            if not match or (types and match[1] not in types):
                yield f"{name}: unknown map type in {item} (installed: {', '.join(sorted(types))})"
                continue
            kind, path = match[1], match[2]
            path += INDEXED_MAPS.get(kind, "")
            if not path.startswith("{") and kind in FILE_MAPS | set(INDEXED_MAPS) and not Path(path).is_file():
                yield f"{name}: {path}: no such file"
            elif kind in {"cidr", "regexp", "pcre", "texthash", "inline"}:
                query = self.run("postmap", "-q", "probe", f"{kind}:{match[2]}")[1]
                yield from (f"{name}: {line}" for line in query.splitlines() if "warning" in line or "fatal" in line)

    def wrong_files(self, values: Params) -> Iterator[str]:
        """Keys that are not their certificate's, authorities that are missing."""
        chain = split_list(values.get("smtpd_tls_chain_files", ""))
        if len(chain) >= 2:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain[1], chain[0])
            except (OSError, ssl.SSLError) as error:
                yield f"smtpd_tls_chain_files: {' '.join(chain)}: {error}"
        for name in ("smtp_tls_CAfile", "lmtp_tls_CAfile", "smtpd_tls_CAfile"):
            if values.get(name) and not Path(values[name]).is_file():
                yield f"{name}: {values[name]}: no such file"

    def wrong_programs(self, services: str) -> Iterator[str]:
        """Services of master.cf that nothing can run."""
        folder = self.postconf("-h", "daemon_directory")[0].strip()
        for line in services.splitlines():
            fields = line.split()
            if len(fields) >= 8 and not os.access(Path(folder, fields[7]), os.X_OK):
                yield f"master.cf: {fields[0]}: no such program: {fields[7]}"

    def run_smtpd(self, services: str, overrides: dict[str, Params]) -> Iterator[str]:
        """Start smtpd alone, with no client, as each service that runs it would.

        The running proxymap does not know a new table yet: smtpd opens the tables itself, on a copy.
        """
        folder = self.postconf("-h", "daemon_directory")[0].strip()
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(self.directory, copy, dirs_exist_ok=True)
            main_cf = Path(copy, "main.cf")
            main_cf.write_text(main_cf.read_text().replace("proxy:ldap:", "ldap:"))
            settle(main_cf)
            unproxied = {
                service: {name: value.replace("proxy:ldap:", "ldap:") for name, value in params.items()}
                for service, params in overrides.items()
            }
            yield from self.start_smtpd(folder, {**self.environment, "MAIL_CONFIG": copy}, services, unproxied)

    def start_smtpd(
        self, folder: str, environment: Params, services: str, overrides: dict[str, Params]
    ) -> Iterator[str]:
        """See run_smtpd."""
        for line in services.splitlines():
            fields = line.split()
            if len(fields) < 8 or fields[7] != "smtpd":
                continue
            where = f"{fields[0]}/{fields[1]}"
            options = [word for pair in overrides.get(where, {}).items() for word in ("-o", "=".join(pair))]
            with subprocess.Popen(
                [str(Path(folder, "smtpd")), "-S", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            ) as process:
                try:
                    process.communicate(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()
            if process.returncode:
                yield f"{where}: smtpd refuses to start: {self.journal(process.pid) or 'see the journal'}"

    def journal(self, pid: int) -> str:
        """The reason smtpd gave, which goes to the system log only; it may arrive a moment later."""
        for _ in range(20):
            lines = self.run("journalctl", "-q", "-o", "cat", "--since", "-1min", f"_PID={pid}")[0].splitlines()
            if lines:
                return lines[-1]
            time.sleep(0.1)
        return ""


def set_apart(directory: Path, copy: Path) -> None:
    """Copy a directory so that it stands alone: paths of the live one, which may lack a new file, name the copy's."""
    shutil.copytree(directory, copy, dirs_exist_ok=True)
    for path in (copy / "main.cf", copy / "master.cf"):
        if path.is_file():
            path.write_text(LIVE.sub(f"{copy}/", path.read_text("utf-8")), "utf-8")
    settle(*copy.rglob("*"))


def settle(*paths: Path) -> None:
    """Give files a time of a minute ago.

    Postfix takes a younger main.cf or table for one that is being written, and waits for up to two seconds.
    """
    then = time.time() - 60
    for path in paths:
        os.utime(path, (then, then), follow_symlinks=False)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or not Path(words[0]).is_dir():
        print("usage: postfix-check DIRECTORY", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as copy:
        set_apart(Path(words[0]), Path(copy))
        problems = list(dict.fromkeys(Checker(copy).problems()))
    for problem in problems:
        print(problem.replace(copy, str(Path(words[0]).absolute())), file=sys.stderr)
    return 1 if problems else 0
