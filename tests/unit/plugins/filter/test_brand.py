# SPDX-License-Identifier: GPL-3.0-or-later
"""The academy's colour and marks: shades that can be read, pictures that are SVG."""

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.brand import (
    brand_icon,
    brand_logo,
    brand_palettes,
    brand_shades,
    brand_sogo,
)
from malleposte.check.values import FORMATS


def test_the_shades_go_from_strong_to_pale() -> None:
    shades = brand_shades("#000091")
    assert shades["base"] == "#000091"
    assert [sum(bytes.fromhex(shades[name][1:])) for name in ("strong", "base", "light", "soft", "pale")] == sorted(
        sum(bytes.fromhex(shade[1:])) for shade in shades.values()
    )


@pytest.mark.parametrize("wrong", ["blue", "#12", "#12345g", ""])
def test_what_is_no_colour_is_refused(wrong: str) -> None:
    with pytest.raises(AnsibleFilterError, match="write it as #rrggbb"):
        brand_shades(wrong)


def test_sogo_s_toolbars_and_buttons_bear_the_colour_itself() -> None:
    shades = brand_sogo("#0a3264")
    assert shades["77,128,128"] == shades["86,176,76"] == "10,50,100"
    assert all(len(shade.split(",")) == 3 for shade in shades.values())


def test_the_palettes_have_every_hue() -> None:
    palettes = brand_palettes("#0a3264")
    assert palettes["sogo-blue"]["900"] == palettes["sogo-green"]["500"] == "0a3264"
    assert palettes["sogo-green"]["A100"] == "fafafa"
    hues = {"50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "A100", "A200", "A400", "A700"}
    assert all(hues <= set(palette) for palette in palettes.values())


def test_the_pictures_are_svg_and_no_name_breaks_them() -> None:
    for name in ("académie d’Exemple", "a <b> & c"):
        assert FORMATS["picture"][0](brand_logo(name, "#000091"))
    assert FORMATS["picture"][0](brand_icon("#000091"))
    assert ">Académie<" in brand_logo("académie d’Aix-Marseille", "#000091")
    assert ">Rectorat<" in brand_logo("rectorat", "#000091")
