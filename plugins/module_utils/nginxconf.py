# SPDX-License-Identifier: GPL-3.0-or-later
"""One web site as lines of nginx's configuration, with the security headers of every answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Lines = list[str]
DOTS = "^[^?]*(/|%2f)([.]|%2e)([.]|%2e)?(/|%2f|[?]|$)"
"""Steps such as ../ in an address as it was sent. nginx walks them before it chooses a location, but hands the address
on as it was: the service behind might go where no location leads. Browsers walk them before they ask."""

PLAIN = re.compile(r"=?[A-Za-z0-9_$][A-Za-z0-9._/:@$=+,%?&-]*|/[A-Za-z0-9._/:@$=+,%?&-]*")
MARKS = {"prefix": "", "exact": "= ", "strong": "^~ ", "regex": "~ ", "named": ""}
BIG_BUFFERS = 64
"""Kilobytes of one buffer for services whose answers have long headers."""

HIDDEN = ("X-Powered-By", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy",
          "Permissions-Policy")
"""Headers of a service that give way to ours, lest an answer bear two."""


def quote(value: object) -> str:
    """A word of the configuration, in quotes where nginx needs them. Variables keep their meaning."""
    text = str(value)
    if PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
    return f'"{escaped}"'


def variable(header: str) -> str:
    """nginx's variable for a header of a service's answer."""
    return f"$upstream_http_{header.lower().replace('-', '_')}"


def headers(csp: str, options: Mapping[str, Any]) -> Lines:
    """The headers of every answer of a place with this policy (W3C CSP 3, RFC 6797, RFC 9110)."""
    policy = csp.rstrip("; ")
    if "frame-ancestors" not in policy:
        policy = "; ".join(filter(None, [policy, "frame-ancestors 'self'"]))
    framing = "DENY" if "frame-ancestors 'none'" in policy else "SAMEORIGIN"
    named = {
        "Strict-Transport-Security": "$hsts",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": framing,
        "Referrer-Policy": options["referrer_policy"],
        "Permissions-Policy": options["permissions_policy"],
    }
    return [f"add_header {name} {quote(value)} always;" for name, value in named.items() if value]


def upstream(module: str, place: Mapping[str, Any], csp: str) -> Lines:
    """Directives that proxy and fastcgi share, under their own names."""
    hidden = [*HIDDEN, *(["Content-Security-Policy"] if csp else [])]
    lines = [f"{module}_hide_header {name};" for name in hidden]
    if place.get("buffers") == "big":
        lines += [f"{module}_buffer_size {BIG_BUFFERS}k;", f"{module}_buffers 8 {BIG_BUFFERS}k;",
                  f"{module}_busy_buffers_size {BIG_BUFFERS}k;"]
    if "timeout_s" in place:
        lines += [f"{module}_read_timeout {place['timeout_s']}s;", f"{module}_send_timeout {place['timeout_s']}s;"]
    return lines


def sent_body(place: Mapping[str, Any]) -> tuple[Lines, dict[str, str]]:
    """What goes in place of the request's own body: directives, and headers that must agree."""
    if "body" not in place:
        return [], {}
    if place["body"]:
        return [f"proxy_set_body {quote(place['body'])};"], {}
    return ["proxy_pass_request_body off;"], {"Content-Length": "", "Content-Type": ""}


def proxy(place: Mapping[str, Any], csp: str) -> Lines:
    """Hand the request to an HTTP service."""
    to = str(place["to"])
    to = f"http://{to}" if to.startswith("unix:") else to
    body, same = sent_body(place)
    sent = {
        "Connection": "",
        "Host": "$host",
        "X-Real-IP": "$remote_addr",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Proto": "$scheme",
        **same,
        **place.get("headers", {}),
    }
    # Taken before this place's own service is asked: until then they are of the answer that led here.
    lines = [f"set ${name} {variable(header)};" for name, header in place.get("keep", {}).items()]
    lines += [f"proxy_pass {quote(to)};", "proxy_http_version 1.1;", *body]
    lines += [f"proxy_set_header {name} {quote(value)};" for name, value in sent.items()]
    return lines + upstream("proxy", place, csp)


def authority(place: Mapping[str, Any], _csp: str) -> Lines:
    """A service that only nginx asks. The body of the request stays here, its headers go (the password is in them)."""
    to = str(place["to"])
    sent = {"Connection": "", "Content-Length": "", "X-Real-IP": "$remote_addr", "X-Original-URI": "$request_uri",
            **place.get("headers", {})}
    return ["internal;", f"proxy_pass {quote(f'http://{to}' if to.startswith('unix:') else to)};",
            "proxy_http_version 1.1;", "proxy_pass_request_body off;",
            *(f"proxy_set_header {name} {quote(value)};" for name, value in sent.items())]


def ask(address: str, site: Mapping[str, Any]) -> Lines:
    """Ask an authority of this site first, and keep what its answer says."""
    found: Lines = [f"auth_request {address};"]
    for place in site["locations"]:
        if place["kind"] == "authority" and address.startswith(place["path"]):
            found += [f"auth_request_set ${name} {variable(header)};"
                      for name, header in place.get("keep", {}).items()]
    return found


def route(place: Mapping[str, Any], _csp: str) -> Lines:
    """Go on in a named location, which may depend on the authority's answer: nginx looks there after it has asked."""
    return [f"try_files /nonexistent {place['to']};"]


def fastcgi(place: Mapping[str, Any], csp: str) -> Lines:
    """Hand the request to a FastCGI service: always to one script, or to the one that the address names."""
    lines = ["include /etc/nginx/fastcgi_params;"]
    if "script" in place:
        script = str(place["script"])
        params = {"SCRIPT_FILENAME": script, "SCRIPT_NAME": "/" + script.rsplit("/", 1)[-1]}
    else:
        lines += ["fastcgi_split_path_info ^(.+?[.]php)(/.*)$;", "set $path_info $fastcgi_path_info;",
                  "try_files $fastcgi_script_name =404;"]
        params = {"SCRIPT_FILENAME": "$document_root$fastcgi_script_name", "PATH_INFO": "$path_info"}
    # A header Proxy of a request must not become the variable HTTP_PROXY.
    params = {**params, "HTTP_PROXY": "", **place.get("params", {})}
    lines += [f"fastcgi_param {name} {quote(value)};" for name, value in params.items()]
    return [*lines, f"fastcgi_pass unix:{place['socket']};", *upstream("fastcgi", place, csp)]


def static(place: Mapping[str, Any], _csp: str) -> Lines:
    """Serve files. Only these are compressed: nothing secret is in them (BREACH)."""
    index = place.get("index", "index.html")
    lines = ["gzip on;", f"index {quote(index)};"]
    lines += [f"{key} {quote(place[key])};" for key in ("root", "alias", "expires") if key in place]
    if "alias" not in place:
        lines.append(f"try_files $uri $uri/{index} {quote(place.get('fallback', '=404'))};")
    return lines


def redirect(place: Mapping[str, Any], _csp: str) -> Lines:
    """Lead elsewhere."""
    return [f"return {place.get('code', 302)} {quote(place['to'])};"]


def respond(place: Mapping[str, Any], _csp: str) -> Lines:
    """Answer a text."""
    kind = quote(place.get("type", "text/plain"))
    return ["types { }", f"default_type {kind};", f"return {place.get('code', 200)} {quote(place['body'])};"]


def deny(_place: Mapping[str, Any], _csp: str) -> Lines:
    """Nothing is here."""
    return ["return 404;"]


KINDS: Mapping[str, Callable[[Mapping[str, Any], str], Lines]] = {
    "proxy": proxy,
    "authority": authority,
    "route": route,
    "fastcgi": fastcgi,
    "static": static,
    "redirect": redirect,
    "respond": respond,
    "deny": deny,
}


def location(site: Mapping[str, Any], place: Mapping[str, Any], options: Mapping[str, Any]) -> Lines:
    """A location and what is in it."""
    csp = str(place.get("csp", site.get("csp", "")))
    inside = ask(place["auth"], site) if "auth" in place else []
    inside += KINDS[place["kind"]](place, csp)
    if place.get("limit"):
        inside.append(f"limit_req zone={place['limit']} burst={options['login_burst']} nodelay;")
    if "max_body_mb" in place:
        inside.append(f"client_max_body_size {place['max_body_mb']}m;")
    if "csp" in place:
        # nginx forgets the site's headers where a location adds one of its own.
        inside += headers(csp, options)
    path = quote(place["path"]) if place.get("match") == "regex" else place["path"]
    return [f"location {MARKS[place.get('match', 'prefix')]}{path} {{", *(f"    {line}" for line in inside), "}"]


def lines_of(site: Mapping[str, Any], options: Mapping[str, Any]) -> Lines:
    """The inside of the site's server block, but for its name and its ports.

    ``options``: ``referrer_policy``, ``permissions_policy``, ``login_burst``. The value of HSTS is the variable
    ``$hsts``.
    """
    lines = headers(str(site.get("csp", "")), options)
    lines.append(f'if ($request_uri ~* "{DOTS}") {{ return 404; }}')
    if "root" in site:
        lines.append(f"root {quote(site['root'])};")
    lines.append(f"client_max_body_size {site.get('max_body_mb', 1)}m;")
    for place in site["locations"]:
        lines += location(site, place, options)
    return lines
