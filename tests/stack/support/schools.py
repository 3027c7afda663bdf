"""Schools of one test, which SOGo follows."""

import dataclasses

from tests.stack.support.calendars import school
from tests.stack.support.people import directory
from tests.stack.support.site import Site


@dataclasses.dataclass
class Schools:
    """Makes schools of one test, and has SOGo follow."""

    site: Site
    made: list[str] = dataclasses.field(default_factory=list)

    def create(self, name: str) -> str:
        """A school; its UAI code."""
        code = school()
        with directory(self.site) as bound:
            dn = f"mpEstablishment={code},ou=establishments,{bound.suffix}"
            bound.add(dn, {"objectClass": ["mpSchool"], "mpEstablishment": [code], "o": [name]})
        self.made.append(code)
        return code

    def follow(self) -> None:
        """The timer's work, now."""
        # Else the address books wait for their hour.
        forget = "rm -f /var/lib/malleposte-sogo-senders/steps.json"
        self.site.run_job(self.site.host_of("web"), "malleposte-sogo-sync.service", before=forget)

    def close(self) -> None:
        """Remove them; SOGo follows by itself."""
        with directory(self.site) as bound:
            for code in self.made:
                bound.delete(f"mpEstablishment={code},ou=establishments,{bound.suffix}")
