"""The bill among teams: by their shares of the load, to the cent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from llminfra.errors import InvalidInput
from llminfra.facets.base import is_number
from llminfra.formulas import chargeback as formulas
from llminfra.ranges import Range, exact

IDLE: Final = "idle"
SHARE_ORIGIN: Final = "share of the load of "
_SLACK: Final = 1e-6
"""How far off one the shares may sum: thirds are written with a few digits."""


@dataclass(frozen=True)
class Charge:
    """What a team pays for a month; `share` is that of the load, none for what stands idle."""

    team: str
    share: Range | None
    usd_per_month: Range

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data."""
        share = None if self.share is None else self.share.base
        return {"team": self.team, "share": share, "usd_per_month": self.usd_per_month.base}


def check_teams(teams: Mapping[str, Any]) -> None:
    """Raise InvalidInput for shares that are none, or that do not sum to one."""
    for name, share in teams.items():
        is_share = is_number(share) and 0 <= share <= 1
        if not name.strip() or name == IDLE or not is_share:
            raise InvalidInput(
                f"teams must be shares of the load from 0 to 1 by name, got {name} = {share!r}; "
                "write [teams] with lines such as sales = 0.25",
                field="teams",
            )
    total = sum(teams.values())
    if teams and abs(total - 1) > _SLACK:
        missing = f"{1 - total:.6g} is missing" if total < 1 else f"{total - 1:.6g} is too much"
        raise InvalidInput(
            f"teams must sum to 1, got {total:.6g}: {missing}; the shares are "
            + ", ".join(f"{name} {share:g}" for name, share in teams.items()),
            field="teams",
        )


def charges(
    teams: Mapping[str, float], bill: Range, busy_fraction: Range, *, is_idle_spread: bool
) -> tuple[Charge, ...]:
    """Return what each team pays, and what stands idle where it is a line of its own.

    Parameters
    ----------
    teams : mapping
        Shares of the load by team.
    bill : Range
        The month.
    busy_fraction : Range
        Share of what is paid that the load uses.
    is_idle_spread : bool
        Whether the teams bear what stands idle, by their shares.
    """
    if not teams:
        return ()
    whole = bill.named("bill_usd")
    if is_idle_spread:
        return tuple(_shares(teams, whole))
    used: Range = formulas.used_usd(bill_usd=whole, busy_fraction=busy_fraction)
    rest: Range = formulas.idle_usd(bill_usd=whole, used_usd=used)
    return (*_shares(teams, used), Charge(IDLE, None, rest.named("usd_per_month")))


def _shares(teams: Mapping[str, float], bill: Range) -> Iterator[Charge]:
    total = sum(teams.values())  # one, or a little off where thirds were written
    before = exact(0.0, name="before_fraction")
    for name, given in teams.items():
        share = exact(given / total, name="share_fraction", origin=f"{SHARE_ORIGIN}{name}")
        usd: Range = formulas.team_usd(bill_usd=bill, before_fraction=before, share_fraction=share)
        yield Charge(name, share, usd.named("usd_per_month"))
        both: Range = formulas.upto_fraction(before_fraction=before, share_fraction=share)
        before = both.named("before_fraction")
