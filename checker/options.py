"""What one may ask of a check."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from checker.aliases import matches
from checker.baseline import Baseline
from checker.model import Place
from checker.waivers import Waiver

ALWAYS = "internal/"
"""Family of our own faults: shown unless it is ignored by name, because what was not judged must not pass."""


@dataclass(frozen=True, slots=True)
class Options:
    """``only`` limits the check to the places that it covers (empty names: all; its ``scenario`` also matches
    the canonical spelling). ``power_checker``: whether the official power checker takes part in the reference
    verdict; None means as by default in the round. ``select`` and ``ignore`` hold rule ids or families.
    ``waivers`` accept findings for a reason and a time, ``baseline`` those that were there before. ``jobs`` 0: as many
    processes as are of use. ``cache`` is the directory of what is known of unchanged files, None for none;
    ``forget``: judge everything anew and keep nothing.
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
    cache: Path | None = None
    forget: bool = False
    waivers: tuple[Waiver, ...] = ()
    baseline: Baseline | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing limits the check to a part of the tree or of the rules."""
        return not any(self.only.names) and not self.select and not self.ignore

    def wants(self, rule: str) -> bool:
        """Whether findings of a rule are to be shown and to count."""
        if any(matches(rule, name) for name in self.ignore):
            return False
        chosen = not self.select or any(matches(rule, name) for name in self.select)
        return chosen or rule.startswith(ALWAYS)
