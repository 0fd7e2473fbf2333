"""What one may ask of a check."""

from __future__ import annotations

from dataclasses import dataclass, field

from checker.model import Place


@dataclass(frozen=True, slots=True)
class Options:
    """``only`` limits the check to the places that it covers (empty names: all; its ``scenario`` also matches
    the canonical spelling). ``power_checker``: whether the official power checker takes part in the reference
    verdict; None means as by default in the round. ``select`` and ``ignore`` hold rule ids or families.
    """

    round: str = "auto"
    power: str = "official"
    rehearsal: bool = False
    judge: str = "rules"
    only: Place = field(default_factory=Place)
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    power_checker: bool | None = None
    jobs: int = 1

    def wants(self, rule: str) -> bool:
        """Whether findings of a rule are to be shown and to count."""
        if any(_matches(rule, name) for name in self.ignore):
            return False
        return not self.select or any(_matches(rule, name) for name in self.select)


def _matches(rule: str, name: str) -> bool:
    return rule == name or rule.startswith(name.rstrip("/") + "/")
