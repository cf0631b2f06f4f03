"""What is out of order just now: systems that are down, refuse, or take long. Told at the start, changed while running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .system import System, Wrong

MOST_SECONDS = 600.0


class Faults:
    """The switches, by system name."""

    def __init__(self, systems: Mapping[str, System]) -> None:
        self._systems = systems
        self.down: frozenset[str] = frozenset()
        self.refuse: frozenset[str] = frozenset()
        self.slow = {name: system.seconds for name, system in systems.items()}

    def set(self, told: Mapping[str, Any]) -> None:
        """Take over each switch that ``told`` names and leave the others; all or nothing.

        Raises ``Wrong`` for a switch or a system that does not exist.
        """
        if unknown := told.keys() - {"down", "refuse", "slow"}:
            raise Wrong(f"no such switch: {', '.join(sorted(unknown))}")
        down = self._named(told.get("down", self.down))
        refuse = self._named(told.get("refuse", self.refuse))
        if look_ups := [name for name in refuse if not self._systems[name].decides]:
            raise Wrong(f"{', '.join(look_ups)} only looks things up and has nothing to refuse")
        slow = {**self.slow, **self._seconds(told.get("slow", {}))}
        self.down, self.refuse, self.slow = down, refuse, slow

    def now(self) -> dict[str, Any]:
        """The switches as they stand."""
        return {"down": sorted(self.down), "refuse": sorted(self.refuse), "slow": self.slow}

    def _named(self, names: object) -> frozenset[str]:
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise Wrong("a list of systems is wanted")
        listed = [str(name) for name in names]
        if unknown := set(listed) - self._systems.keys():
            raise Wrong(f"no such system: {', '.join(sorted(unknown))}; there are {', '.join(self._systems)}")
        return frozenset(listed)

    def _seconds(self, told: object) -> dict[str, float]:
        if not isinstance(told, Mapping):
            raise Wrong("slow is a table of seconds by system")
        self._named(told)
        for seconds in told.values():
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MOST_SECONDS:
                raise Wrong(f"seconds lie between 0 and {MOST_SECONDS:.0f}")
        return {name: float(seconds) for name, seconds in told.items()}
