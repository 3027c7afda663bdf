"""Settings of the controller's apt that lab hosts take over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from malleposte.dev.lab import LabError
from malleposte.dev.lab.machine import apt, base
from malleposte.dev.lab.runner import Result

DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: trixie trixie-updates trixie-backports
Components: main contrib
Signed-By: /usr/share/keyrings/a.pgp

Types: deb
URIs: file:/usr/share/local
Suites: ./
Trusted: yes

Types: deb
Enabled: no
URIs: http://mirror.example/off
Suites: trixie
Components: main

Types: deb-src
URIs: http://mirror.example/src
Suites: trixie
Components: main
"""


def test_deb822_keeps_what_a_host_can_use(tmp_path: Path) -> None:
    directory = tmp_path / "sources.list.d"
    directory.mkdir()
    (directory / "debian.sources").write_text(DEB822, encoding="utf-8")
    (directory / "debian.sources.disabled").write_text(DEB822, encoding="utf-8")
    sources = apt.sources_for_hosts(tmp_path)
    assert sources == [
        apt.Source(
            ("http://mirror.example/debian",),
            ("trixie", "trixie-updates"),
            ("main", "contrib"),
            "/usr/share/keyrings/a.pgp",
        )
    ]
    assert "file:" not in apt.render_sources(sources)
    assert apt.parse_deb822(apt.render_sources(sources)) == sources
    assert apt.keyrings(sources) == [Path("/usr/share/keyrings/a.pgp")]


def test_one_line_format(tmp_path: Path) -> None:
    text = (
        "deb [arch=amd64 Signed-By=/k.gpg] https://mirror.example/debian trixie main # why\n"
        "deb cdrom:[Debian]/ trixie main\n"
        "deb-src https://mirror.example/debian trixie main\n"
        "deb https://other.example/tool trixie stable\n"
        "# deb https://mirror.example/debian sid main\n"
    )
    (tmp_path / "sources.list").write_text(text, encoding="utf-8")
    assert apt.sources_for_hosts(tmp_path) == [
        apt.Source(("https://mirror.example/debian",), ("trixie",), ("main",), "/k.gpg")
    ]


def test_embedded_key_survives() -> None:
    text = (
        "Types: deb\nURIs: http://m.example\nSuites: trixie\nComponents: main\n"
        "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==\n -----END PGP PUBLIC KEY BLOCK-----\n"
    )
    (source,) = apt.parse_deb822(text)
    assert "\n -----BEGIN" in source.render()
    assert apt.keyrings([source]) == []


def test_settings_keep_proxy_and_trust_only() -> None:
    dump = "\n".join(
        [
            'APT::Architecture "amd64";',
            'Acquire::http::Proxy "http://proxy.example:3128";',
            'Acquire::https::Proxy "http://127.0.0.1:3142";',
            'Acquire::http::Proxy::local.example "DIRECT";',
            'Acquire::https::CAInfo "/etc/ssl/own.pem";',
            'Acquire::Check-Valid-Until "false";',
            'Acquire::Languages "";',
            'Acquire::http "";',
            'DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";',
        ]
    )
    settings = apt.settings_for_hosts(dump)
    assert settings.splitlines() == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::http::Proxy::local.example "DIRECT";',
        'Acquire::https::CAInfo "/etc/ssl/own.pem";',
        'Acquire::Check-Valid-Until "false";',
    ]
    assert apt.files_in_settings(settings) == [Path("/etc/ssl/own.pem")]
    assert apt.settings_for_hosts("") == ""


def recipe_of(tmp_path: Path) -> base.Recipe:
    return base.recipe(lambda *_, **__: Result(0), etc=tmp_path, local_ca=tmp_path / "ca")


def test_recipe_names_the_tree_by_what_decides_it(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb http://m.example/debian trixie main\n", encoding="utf-8")
    (tmp_path / "ca").mkdir()
    first = recipe_of(tmp_path)
    assert first.name == recipe_of(tmp_path).name
    (tmp_path / "ca" / "own.crt").write_text("one", encoding="utf-8")
    second = recipe_of(tmp_path)
    (tmp_path / "ca" / "own.crt").write_text("two", encoding="utf-8")
    third = recipe_of(tmp_path)
    assert len({first.name, second.name, third.name}) == 3


def test_no_usable_source_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("deb file:/srv/debian trixie main\n", encoding="utf-8")
    with pytest.raises(LabError, match="no http source of Debian trixie"):
        recipe_of(tmp_path)


def test_tree_holds_no_identity() -> None:
    words = " ".join(base.command(Path("/t"), Path("/s"), (("/a b.crt", "/a b.crt"),)))
    assert "ssh_host_*" in words
    assert "machine-id" in words
    assert "'/a b.crt'" in words


def test_unused_trees_go_used_and_fresh_ones_stay(tmp_path: Path) -> None:
    now = 10_000.0
    for name, age in {"a" * 12: 9000, "b" * 12: 9000, "c" * 12: 10}.items():
        tree = tmp_path / "base" / name
        tree.mkdir(parents=True)
        os.utime(tree, (now - age, now - age))
    (tmp_path / "base" / "mmdebstrap.log").touch()
    assert base.prune(tmp_path, {str(tmp_path / "base" / ("b" * 12))}, now) == ["a" * 12]
    assert sorted(path.name for path in (tmp_path / "base").iterdir()) == ["b" * 12, "c" * 12, "mmdebstrap.log"]
