"""The academy's rules for a password and its lifetime."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
SPECIAL = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
# slapd's checker counts bytes: with no byte beyond ASCII and no control allowed, its bytes are characters.
FORBIDDEN_BYTES = bytes([*range(1, 32), *range(127, 256)])
SECONDS_A_DAY = 86400


class PolicyError(ValueError):
    """A policy that contradicts itself or names something unknown; the message says what."""


@dataclass(frozen=True)
class Policy:
    """The rules. Lengths are in characters, `*_days` in days, `lockout_seconds` in seconds.

    `min_upper`, `min_lower`, `min_digit` and `min_special` are how many of each class a password has at least.
    """

    min_length: int = 12
    max_length: int = 128
    min_upper: int = 1
    min_lower: int = 1
    min_digit: int = 1
    min_special: int = 1
    history: int = 12
    renewal_days: int = 365
    warning_days: tuple[int, ...] = (30, 15, 7, 1)
    max_failures: int = 100
    lockout_seconds: int = 300

    def __post_init__(self) -> None:
        """Refuse what cannot be met. Raises PolicyError."""
        for name in ("min_upper", "min_lower", "min_digit", "min_special", "history", "renewal_days", "max_failures"):
            if getattr(self, name) < 0:
                raise PolicyError(f"{name} is negative")
        if not 1 <= self.min_length <= self.max_length:
            raise PolicyError("min_length is not between 1 and max_length")
        if self.min_upper + self.min_lower + self.min_digit + self.min_special > self.max_length:
            raise PolicyError("the classes ask for more characters than max_length")
        if self.renewal_days and any(not 0 < day < self.renewal_days for day in self.warning_days):
            raise PolicyError("a warning is not within the life of a password")

    @property
    def classes(self) -> tuple[tuple[str, str, int], ...]:
        """(name, characters, how many at least) of each class."""
        return (
            ("upper", UPPER, self.min_upper),
            ("lower", LOWER, self.min_lower),
            ("digit", DIGITS, self.min_digit),
            ("special", SPECIAL, self.min_special),
        )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, object]) -> Policy:
        """A policy from the platform's facts. Raises PolicyError on an unknown key or a value of the wrong kind."""
        names = {field.name for field in fields(cls)}
        unknown = sorted(set(mapping) - names)
        if unknown:
            raise PolicyError(f"unknown key of the password policy: {', '.join(unknown)}")
        values: dict[str, object] = {}
        for name, value in mapping.items():
            try:
                values[name] = tuple(_days(value)) if name == "warning_days" else int(str(value))
            except ValueError as error:
                raise PolicyError(f"{name} is not a number: {value}") from error
        return cls(**values)  # type: ignore[arg-type]


def _days(value: object) -> list[int]:
    items = value if isinstance(value, list | tuple) else [value]
    return sorted({int(str(item)) for item in items}, reverse=True)
