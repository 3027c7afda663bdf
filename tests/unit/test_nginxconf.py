"""Sites as nginx's configuration."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.nginx import nginx_site
from ansible_collections.academie.malleposte.plugins.module_utils import nginxconf

OPTIONS = {"referrer_policy": "same-origin", "permissions_policy": "camera=()", "login_burst": 7}


def written(site: dict[str, Any] | None = None, **location: Any) -> list[str]:
    """The lines of a site with one location."""
    whole = {"name": "a.example.test", "locations": [{"path": "/", **location}], **(site or {})}
    return [line.strip() for line in nginx_site(whole, OPTIONS)]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/srv/www", "/srv/www"),
        ("$remote_addr", "$remote_addr"),
        ("=404", "=404"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a;b", '"a;b"'),
        ('say "x" \\', '"say \\"x\\" \\\\"'),
        ("a\r\nb\n", '"a\\r\\nb\\n"'),
        ("{}", '"{}"'),
        ("#x", '"#x"'),
    ],
)
def test_words_are_quoted_where_nginx_needs_it(value: str, shown: str) -> None:
    assert nginxconf.quote(value) == shown


def test_every_site_has_the_headers() -> None:
    lines = written(kind="deny")
    names = [line.split()[1] for line in lines if line.startswith("add_header ")]
    assert names == ["Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options",
                     "X-Frame-Options", "Referrer-Policy", "Permissions-Policy"]
    assert all(line.endswith(" always;") for line in lines if line.startswith("add_header "))


def test_framing_follows_the_policy() -> None:
    assert "add_header Content-Security-Policy \"frame-ancestors 'self'\" always;" in written(kind="deny")
    strict = written({"csp": "default-src 'self'; frame-ancestors 'none';"}, kind="deny")
    assert "add_header X-Frame-Options DENY always;" in strict
    assert "add_header Content-Security-Policy \"default-src 'self'; frame-ancestors 'none'\" always;" in strict


def test_a_location_with_its_own_policy_keeps_the_other_headers() -> None:
    lines = written(kind="deny", csp="default-src 'none'")
    inside = lines[lines.index("location / {"):]
    assert len([line for line in inside if line.startswith("add_header ")]) == 6


def test_proxy() -> None:
    lines = written(kind="proxy", to="http://127.0.0.1:1/x", headers={"X-A": "$host", "Host": "b"}, buffers="big",
                    timeout_s=300)
    for wanted in ("proxy_pass http://127.0.0.1:1/x;", "proxy_set_header X-A $host;", "proxy_set_header Host b;",
                   'proxy_set_header Connection "";', "proxy_buffers 8 64k;", "proxy_read_timeout 300s;",
                   "proxy_hide_header X-Frame-Options;"):
        assert wanted in lines
    assert "proxy_set_header Host $host;" not in lines
    assert "proxy_hide_header Content-Security-Policy;" not in lines
    assert "proxy_pass http://unix:/run/a.sock;" in written(kind="proxy", to="unix:/run/a.sock")
    assert "proxy_hide_header Content-Security-Policy;" in written({"csp": "x"}, kind="proxy", to="unix:/run/a.sock")


def test_a_service_gets_another_body_or_none() -> None:
    place = {"path": "@a", "match": "named", "kind": "proxy", "to": "http://127.0.0.1:1$uri"}
    given = written({"locations": [{**place, "keep": {"told": "X-Told-Body"}, "body": "$told"}]})
    assert given.index("set $told $upstream_http_x_told_body;") < given.index("proxy_set_body $told;")
    none = written({"locations": [{**place, "body": ""}]})
    assert "proxy_pass_request_body off;" in none
    assert 'proxy_set_header Content-Length "";' in none
    assert not [line for line in written({"locations": [place]}) if "body" in line and "max_body" not in line]


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("/a/../b", True),
        ("/a/%2e%2E/b", True),
        ("/a/x%2f..%2fb", True),
        ("/a/.", True),
        ("/..?x", True),
        ("/a/..b", False),
        ("/a/b..", False),
        ("/.well-known/x", False),
        ("/a/...", False),
        ("/a?b=/../c", False),
        ("/a/b%2Fc", False),
    ],
)
def test_an_address_with_steps_is_refused_before_it_is_walked(address: str, refused: bool) -> None:
    found = next(line for line in written(kind="deny") if line.startswith("if ($request_uri"))
    assert found.endswith("{ return 404; }")
    pattern = found.split('"')[1]
    assert bool(re.search(pattern, address, re.IGNORECASE)) == refused


def test_fastcgi_runs_one_script_or_those_that_exist() -> None:
    fixed = written(kind="fastcgi", socket="/run/php.sock", script="/srv/x/index.php", params={"A": "b"})
    assert "fastcgi_param SCRIPT_FILENAME /srv/x/index.php;" in fixed
    assert "fastcgi_param SCRIPT_NAME /index.php;" in fixed
    assert 'fastcgi_param HTTP_PROXY "";' in fixed
    assert "fastcgi_param A b;" in fixed
    assert "fastcgi_pass unix:/run/php.sock;" in fixed
    named = written({"root": "/srv/x"}, kind="fastcgi", socket="/run/php.sock")
    assert "try_files $fastcgi_script_name =404;" in named
    assert "fastcgi_param PATH_INFO $path_info;" in named


def test_static() -> None:
    lines = written({"root": "/srv/x"}, kind="static", expires="7d", fallback="/index.php")
    for wanted in ("root /srv/x;", "gzip on;", "expires 7d;", "try_files $uri $uri/index.html /index.php;"):
        assert wanted in lines
    aliased = written(kind="static", alias="/srv/y/")
    assert "alias /srv/y/;" in aliased
    assert not [line for line in aliased if line.startswith("try_files")]


@pytest.mark.parametrize(
    ("location", "wanted"),
    [
        ({"kind": "redirect", "to": "https://$host/SOGo/"}, "return 302 https://$host/SOGo/;"),
        ({"kind": "redirect", "to": "/x", "code": 301}, "return 301 /x;"),
        ({"kind": "respond", "body": "a b\n"}, 'return 200 "a b\\n";'),
        ({"kind": "respond", "body": "a", "type": "application/json"}, "default_type application/json;"),
        ({"kind": "deny"}, "return 404;"),
        ({"kind": "deny", "limit": "login"}, "limit_req zone=login burst=7 nodelay;"),
        ({"kind": "deny", "max_body_mb": 9}, "client_max_body_size 9m;"),
        ({"kind": "deny", "match": "exact", "path": "/a"}, "location = /a {"),
        ({"kind": "deny", "match": "strong", "path": "/a"}, "location ^~ /a {"),
        ({"kind": "deny", "match": "regex", "path": "^/(a|b){2}"}, 'location ~ "^/(a|b){2}" {'),
        ({"kind": "deny", "match": "named", "path": "@a"}, "location @a {"),
    ],
)
def test_the_other_kinds(location: dict[str, Any], wanted: str) -> None:
    assert wanted in written(**location)


def test_a_wrong_site_is_named() -> None:
    with pytest.raises(AnsibleFilterError, match=r"nginx_sites: a\.example\.test: location 1: kind 'x'"):
        written(kind="x")


def test_an_authority_is_asked_before_a_route_that_its_answer_names() -> None:
    places = [
        {"path": "/_ask/", "kind": "authority", "to": "unix:/run/x.sock:/", "keep": {"who": "X-Who", "way": "X-Way"}},
        {"path": "/", "kind": "route", "to": "@go_$way", "auth": "/_ask/root"},
        {"path": "@go_there", "match": "named", "kind": "proxy", "to": "unix:/run/y.sock:$uri"},
    ]
    lines = written({"locations": places})
    asked = lines[lines.index("location / {") :]
    assert asked[1:6] == [
        "auth_request /_ask/root;",
        "auth_request_set $who $upstream_http_x_who;",
        "auth_request_set $way $upstream_http_x_way;",
        "try_files /nonexistent @go_$way;",
        "}",
    ]
    inside = lines[lines.index("location /_ask/ {") : lines.index("location / {")]
    assert "internal;" in inside
    assert "proxy_pass http://unix:/run/x.sock:/;" in inside
    assert "proxy_pass_request_body off;" in inside
    assert "proxy_pass http://unix:/run/y.sock:$uri;" in lines
