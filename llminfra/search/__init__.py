"""Which accelerators, how many and split how: all layouts through the facets' formulas at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput, shown
from llminfra.facets.deployment.workers import APART
from llminfra.search.layouts import (
    Axes,
    evaluated,
    known,
)

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.scenario import ScenarioBase

__all__ = ["Candidate", "Search", "search"]

Array = NDArray[Any]
TARGETS: Final = {
    "ttft_s": "time to first token",
    "tpot_s": "time per output token",
    "e2e_s": "time to the last token",
}
_NO_ROOM: Final = "memory: weights and runtime"
_LOAD: Final = "memory: KV cache of the load"
_NOT_EVEN_ONE: Final = 1e6  # times the ratio of bytes: misses by more than any load or latency
COLUMNS: Final = (
    *("accelerator", "count", "tensor_parallel", "pipeline_parallel", "precision", "in_flight"),
    *("replicas", "accelerators", "price_usd", "fits", "max_sequences"),
    *("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s"),
    *("user_tokens_per_s", "output_tokens_per_s_per_accelerator"),
    *("meets_targets", "reason", "miss_ratio"),
)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One layout at one load; `count` accelerators make a replica."""

    accelerator: str
    count: int
    tensor_parallel: int
    pipeline_parallel: int
    precision: str
    in_flight: float
    replicas: int
    accelerators: int
    price_usd: float
    fits: bool
    max_sequences: float
    ttft_s: float
    tpot_s: float
    e2e_s: float
    output_tokens_per_s: float
    user_tokens_per_s: float
    output_tokens_per_s_per_accelerator: float
    meets_targets: bool
    reason: str
    miss_ratio: float
    why: str

    @property
    def fields(self) -> dict[str, Any]:
        """Scenario fields of this layout, for ``plan.variant(**candidate.fields)``."""
        names = ("accelerator", "tensor_parallel", "pipeline_parallel", "precision", "replicas")
        return {name: getattr(self, name) for name in names}

    @property
    def layout(self) -> str:
        """Replicas, accelerators of each, and precision, in words."""
        name = Facts().text(self.accelerator, "short_name")
        precision = Facts().text(self.precision, "short_name")
        each = f"{self.replicas} replicas of " if self.replicas > 1 else ""
        return f"{each}{self.count} × {name}, {precision}"

    def __str__(self) -> str:
        return f"{self.layout}: {self.why}"


@dataclass(frozen=True, eq=False, repr=False)
class Search:
    """Layouts in order: those that meet the targets by size, then those that miss by how much."""

    columns: Mapping[str, Array]
    targets: Mapping[str, float]

    def __len__(self) -> int:
        return int(self.columns["count"].size)

    def table(self) -> "pd.DataFrame":
        """Return all rows as a tidy frame.

        Returns
        -------
        table : DataFrame
            Columns accelerator, count (accelerators of a replica), tensor_parallel,
            pipeline_parallel, precision, in_flight (requests at each replica), replicas,
            accelerators (of all replicas), price_usd (of these, NaN where unknown), fits,
            max_sequences, ttft_s, tpot_s, e2e_s, output_tokens_per_s (of a replica),
            user_tokens_per_s, output_tokens_per_s_per_accelerator, meets_targets,
            reason (what binds, or what fails), miss_ratio (above 1: by how much it fails),
            accelerator_name.
        """
        import pandas as pd  # heavy, and not needed to choose

        frame, facts = pd.DataFrame({name: self.columns[name] for name in COLUMNS}), Facts()
        names = {chip: facts.text(chip, "short_name") for chip in frame["accelerator"].unique()}
        return frame.assign(accelerator_name=frame["accelerator"].map(names))

    def row(self, i: int) -> Candidate:
        """Return the candidate of one row of the table."""
        values = {name: self.columns[name][i].item() for name in COLUMNS}
        return Candidate(**values, why=self._why(i))

    @property
    def smallest(self) -> Candidate | None:
        """Fewest accelerators that hold the load and meet the targets; of equals the cheaper."""
        return self.row(0) if self._meeting.size else None

    @property
    def nearest(self) -> Candidate | None:
        """The smallest that meets everything, else what misses by least."""
        return self.row(0) if len(self) else None

    @property
    def cheapest(self) -> Candidate | None:
        """Lowest price of the accelerators that meet everything; see `cheapest_by`."""
        found = self._meeting
        if not found.size:
            return None
        return self.row(found[np.argmin(_last(self.columns["price_usd"][found]))])

    @property
    def cheapest_by(self) -> str:
        """What `cheapest` compares: prices where any is known, else numbers of accelerators."""
        prices = self.columns["price_usd"][self._meeting]
        without = int(np.isnan(prices).sum())
        if without == prices.size:
            return "number of accelerators; no price is known"
        left_out = f"; {without} of {prices.size} rows have none" if without else ""
        return f"price of the accelerators in USD, without hosts{left_out}"

    def pareto(self) -> "pd.DataFrame":
        """Return the rows that no other beats both per user and per accelerator.

        Returns
        -------
        pareto : DataFrame
            As `table`, of the rows that hold the load, from the fastest for a user to the most
            productive; the index is the row number, for `row`.
        """
        user = self.columns["user_tokens_per_s"]
        each = self.columns["output_tokens_per_s_per_accelerator"]
        held = np.flatnonzero(self.columns["holds_load"] & np.isfinite(user * each))
        order = held[np.lexsort((-each[held], -user[held]))]
        best = np.maximum.accumulate(each[order])
        is_better = np.diff(best, prepend=-np.inf) > 0
        return self.table().iloc[order[is_better]]

    def near_misses(self, n: int = 5) -> list[Candidate]:
        """Return what fails by least, one for each accelerator and precision.

        Of layouts with no more accelerators than the smallest that meets everything, where there
        is one: why fewer do not do.
        """
        c, found = self.columns, self._meeting
        most = c["accelerators"][0] if found.size else np.inf
        rows = np.flatnonzero(~c["meets_targets"] & (c["accelerators"] <= most))
        kinds: dict[tuple[str, str], int] = {}
        for i in rows:  # in order of the miss
            kinds.setdefault((str(c["accelerator"][i]), str(c["precision"][i])), int(i))
            if len(kinds) == n:
                break
        return [self.row(i) for i in kinds.values()]

    @cached_property
    def _meeting(self) -> Array:
        return np.flatnonzero(self.columns["meets_targets"])

    def _why(self, i: int) -> str:
        """Say what binds, or which limit fails and by how much."""
        c = {name: column[i] for name, column in self.columns.items()}
        reason = str(c["reason"])
        if c["meets_targets"]:
            return f"meets everything; bound by {reason}"
        if reason == _NO_ROOM:
            return f"one request lacks {formats.gb(c['short_bytes'])} on each accelerator"
        if reason == _LOAD:
            held = formats.count(c["sized_sequences"])
            return f"holds {held} requests at once, {formats.count(c['in_flight'])} are in flight"
        name = next((n for n, words in TARGETS.items() if words == reason), "")
        if not name:
            return reason
        over = formats.percent(c[name] / self.targets[name] - 1)
        times = f"{formats.seconds(c[name])}, {over} above the target"
        return f"{reason} is {times} of {formats.seconds(self.targets[name])}"

    def __repr__(self) -> str:
        met = self._meeting.size
        return f"Search of {len(self):,} rows, {met:,} meet everything; nearest: {self.nearest}"


def search(
    scenario: "ScenarioBase",
    *,
    accelerators: Sequence[str] | None = None,
    precisions: Sequence[str] = (),
    counts: Sequence[int] | None = None,
    tensor_parallel: Sequence[int] | None = None,
    pipeline_parallel: Sequence[int] = (1, 2, 4),
    in_flight: Sequence[float] | None = None,
    replicas: Sequence[int] | None = None,
    beyond_node: bool = False,
) -> Search:
    """Rank accelerators, counts, splits, precisions and batch sizes for a scenario.

    Parameters
    ----------
    scenario : Scenario
        Model, engine, demand and latency targets; its accelerator and split do not matter.
    accelerators : sequence of str, optional
        Catalogue ids; by default those that the engine runs on and whose memory is known.
    precisions : sequence of str
        Weight formats to try beside the scenario's own.
    counts, tensor_parallel : sequence of int, optional
        Accelerators of a replica, and sizes of a group; by default what the model accepts, up to
        64 accelerators with groups inside one host or scale-up domain.
    pipeline_parallel : sequence of int
        Numbers of stages.
    in_flight : sequence of float, optional
        Most requests in flight at a replica: the load is dealt to as many replicas as that takes,
        estimated from the time of a request on a middling layout where the demand is a rate.
    replicas : sequence of int, optional
        Numbers of replicas instead; by default all up to 16, then steps of a tenth, until each
        has one request.
    beyond_node : bool
        Also tensor-parallel groups larger than a host, as if its links went on.

    Returns
    -------
    search : Search
        All rows, the winners, the front and the near misses.

    Raises
    ------
    InvalidInput
        For an unknown accelerator or precision.

    Notes
    -----
    Base cases of the memory and serving facets as arrays: a row equals the plan of its fields.
    Every layout has prefill and decode together, also for a scenario that has them apart.
    The load is held as layouts are sized, in 80 % of the draws of the memory. Among more than some
    hundreds of users with pauses, chance in their number at work is left out.

    Examples
    --------
    >>> from llminfra import Scenario, search
    >>> wanted = Scenario(precision="fp8", in_flight=100, tpot_target_s=0.05)
    >>> found = search(wanted, accelerators=["h100-sxm"])
    >>> found.smallest.accelerators, found.smallest.fields["tensor_parallel"]
    (2, 2)
    """
    given: Any = together(scenario)
    axes = Axes(
        accelerators=None if accelerators is None else known("accelerator", accelerators),
        precisions=known("precision", [given.precision, *precisions]),
        tensor_parallel=tensor_parallel,
        pipeline_parallel=pipeline_parallel,
        counts=counts,
        beyond_node=beyond_node,
    )
    for name, values in (("replicas", replicas), ("in_flight", in_flight)):
        if values is not None and not (values and min(values) > 0):
            raise InvalidInput(f"{name} must all be above 0, got {shown(values)}; leave it out")
    every = {name: getattr(given, f"{name.removesuffix('_s')}_target_s") for name in TARGETS}
    targets = {name: float(value) for name, value in every.items() if value is not None}
    return Search(_ranked(evaluated(given, axes, replicas, in_flight), targets), targets)


def together(scenario: Any) -> Any:
    """Return the scenario with prefill and decode on the same accelerators."""
    names = [name for name in APART if getattr(scenario, name) is not None]
    return scenario.replace(**dict.fromkeys(names)) if names else scenario


def _ranked(c: dict[str, Array], targets: Mapping[str, float]) -> dict[str, Array]:
    """Add what is judged, and put the rows in order."""
    if not c:
        flags = ("fits", "holds_load", "meets_targets")
        return {name: np.array([]) for name in COLUMNS} | dict.fromkeys(flags, np.array([], bool))
    c["accelerators"] = c["count"] * c["replicas"]
    c["price_usd"] = c["accelerators"] * c["unit_price_usd"]
    c["fits"] = c["max_sequences"] >= 1
    c |= _judged(c, targets)
    for name in (*TARGETS, "output_tokens_per_s"):  # of what does not fit there is no speed
        c[name] = np.where(c["fits"], c[name], np.nan)
    c["user_tokens_per_s"] = 1 / c["tpot_s"]
    c["output_tokens_per_s_per_accelerator"] = c["output_tokens_per_s"] / c["count"]
    size = np.where(c["meets_targets"], c["accelerators"], c["miss_ratio"])
    order = np.lexsort((_last(c["e2e_s"]), _last(c["price_usd"]), size, ~c["meets_targets"]))
    return {name: column[order] for name, column in c.items()}


def _judged(c: Mapping[str, Array], targets: Mapping[str, float]) -> dict[str, Array]:
    """Compare memory and times with what is asked; the worst ratio names the reason."""
    wanted, sized = np.maximum(_last(c["in_flight"]), 1.0), c["sized_sequences"]
    has_room = sized >= 1
    load = wanted / np.maximum(sized, 1.0)
    memory = np.where(has_room, load, _NOT_EVEN_ONE * c["request_ratio"])
    ratios = [memory, *(_last(c[name]) / target for name, target in targets.items())]
    worst = np.argmax(ratios, axis=0)
    miss = np.max(ratios, axis=0)
    names = np.array([_LOAD, *(TARGETS[name] for name in targets)])
    failing = np.where(has_room, names[worst], _NO_ROOM)
    meets = has_room & (miss <= 1)
    return {
        "holds_load": has_room & (load <= 1),
        "meets_targets": meets,
        "miss_ratio": miss,
        "reason": np.where(meets, c["limit"], failing),
    }


def _last(values: Array) -> Array:
    """Unknown numbers count as infinite, so that they come last."""
    return np.where(np.isnan(values), np.inf, values)
