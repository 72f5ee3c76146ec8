"""What is impossible or in doubt about the gates."""

from collections.abc import Iterator
from typing import Final, Protocol

from llminfra.catalog.api_prices import is_in_eu
from llminfra.catalog.facts import Facts
from llminfra.facets.base import Problem
from llminfra.facets.compliance.result import Compliance
from llminfra.facets.deployment import OPTIONS

_OUTSIDE: Final = "outside_eea"
_MOST: Final = 3


class _Asked(Protocol):
    """Fields of later questions too, which say where the options stand and which may be taken."""

    @property
    def allowed_options(self) -> list[str] | None:
        """Options that may be chosen; none is all of them."""

    @property
    def region(self) -> str:
        """Grid that feeds the servers."""

    @property
    def modifiers(self) -> list[str]:
        """What holds of the operation besides."""


def problems(inputs: _Asked, facts: Facts, result: Compliance) -> list[Problem]:
    """Return E-GATE where no option that may be chosen is open, and doubts about places."""
    return list(_found(inputs, result))


def _found(inputs: _Asked, result: Compliance) -> Iterator[Problem]:
    allowed = inputs.allowed_options or list(OPTIONS)
    if all(option in result.blocked for option in allowed):
        reasons = "; ".join(f"{name} {result.blocked[name]}" for name in allowed)
        yield Problem("E-GATE", f"no option is open: {reasons}", tuple(_relaxed(allowed, result)))
    transfers = result.gate("owned", "R08")
    if transfers.code == "G" and not is_in_eu(inputs.region) and _OUTSIDE not in inputs.modifiers:
        yield Problem(
            "W-GATE",
            f"personal data and machines in {inputs.region}: whether that is a transfer outside "
            "the EEA is not said",
            (f'add "{_OUTSIDE}" to modifiers', "set region to the place of the machines"),
        )


def _relaxed(allowed: list[str], result: Compliance) -> Iterator[str]:
    """The smallest changes that open an option: one more option, or the fewest requirements."""
    others = [option for option in OPTIONS if option not in result.blocked]
    if others:
        yield f"add {others[0]} to allowed_options"
    fewest = min(len(result.relaxations[option]) for option in allowed)
    found = dict.fromkeys(
        "; ".join(result.relaxations[option])
        for option in allowed
        if len(result.relaxations[option]) == fewest
    )
    if not others or fewest == 1:
        yield from list(found)[: _MOST - bool(others)]
