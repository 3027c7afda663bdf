"""The throttle of the platform, for accountd's tests."""

from types import SimpleNamespace


class FakeThrottle:
    """A throttle that has everybody wait for `wait` seconds, knows who succeeded, and notes what it is told."""

    def __init__(self) -> None:
        self.wait = 0.0
        self.told: list[tuple[str, ...]] = []
        self.judged: list[str] = []
        """The clients it was asked about."""
        self.how: list[dict[str, bool]] = []
        """The limits that were to count for each of them."""
        self.places: dict[str, set[str]] = {}
        self.codes: set[str] = set()

    def words(self, act: str) -> list[tuple[str, ...]]:
        """The arguments of each call of one act."""
        return [told[1:] for told in self.told if told[0] == act]

    @property
    def clients(self) -> list[tuple[str, ...]]:
        """Account, address and client of each proof that succeeded."""
        return [words[:3] for words in self.words("succeeded")]

    @property
    def bounded(self) -> list[bool]:
        """Of each that was judged, whether all networks together have a bound."""
        return [how["bounded"] for how in self.how]

    def known_by(self, name: str, password: str) -> str:
        return password

    def judge(self, account: str, address: str, known_by: str, client: str = "", **how: bool) -> SimpleNamespace:
        self.judged.append(client)
        self.how.append(how)
        return SimpleNamespace(wait=self.wait, known_wrong=False)

    def failed(self, *words: str) -> None:
        self.told.append(("failed", *words))

    def undo(self, *words: str) -> None:
        self.told.append(("undo", *words))

    def succeeded(self, *words: str) -> None:
        self.told.append(("succeeded", *words))

    def forget(self, *names: str) -> None:
        self.told.append(("forget", *names))

    def admit(self, *words: str) -> None:
        self.told.append(("admit", *words))

    def knows_client(self, *words: str) -> bool:
        return words in self.clients

    def once(self, account: str, secret: str, seconds: int) -> bool:
        fresh = f"{account}{secret}" not in self.codes
        self.codes.add(f"{account}{secret}")
        return fresh

    def place(self, account: str, place: str, seconds: int) -> bool:
        known = self.places.setdefault(account, set())
        new = bool(known) and place not in known
        known.add(place)
        return new
