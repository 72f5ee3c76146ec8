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
from llminfra.search.judge import JUDGED, TARGETS, Terms, last, nearest_of_each, rows, why
from llminfra.search.layouts import Axes, known, layouts
from llminfra.search.sizes import Sizes

if TYPE_CHECKING:
    import pandas as pd

    from llminfra.scenario import ScenarioBase

__all__ = ["Candidate", "Search", "search"]

Array = NDArray[Any]
COLUMNS: Final = (
    *("accelerator", "count", "tensor_parallel", "pipeline_parallel", "precision", "in_flight"),
    *("replicas", "accelerators", "price_usd", "fits", "max_sequences", "is_measured"),
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
    is_measured: bool
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
        each = f"{self.replicas:,} replicas of " if self.replicas > 1 else ""
        stages = f" in {self.pipeline_parallel} stages" if self.pipeline_parallel > 1 else ""
        return f"{each}{self.count} × {name}{stages}, {precision}"

    def __str__(self) -> str:
        return f"{self.layout}: {self.why}"


@dataclass(frozen=True, eq=False, repr=False)
class Search:
    """Layouts in order: those that meet the targets by size, then those that miss by how much."""

    columns: Mapping[str, Array]
    terms: Terms

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
            max_sequences, is_measured (whether the fit of the speed has seen the accelerator),
            ttft_s, tpot_s, e2e_s, output_tokens_per_s (of a replica),
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
        row = {name: column[i] for name, column in self.columns.items()}
        return Candidate(**values, why=why(row, self.terms))

    @property
    def smallest(self) -> Candidate | None:
        """Fewest accelerators whose plan meets everything; of equals the cheaper."""
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
        return self.row(found[np.argmin(last(self.columns["price_usd"][found]))])

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

        Of an accelerator that does it, why fewer do not do; of another, what it lacks. Those whose
        speed was fitted are taken first.
        """
        return [self.row(i) for i in nearest_of_each(self.columns, n)]

    @cached_property
    def _meeting(self) -> Array:
        return np.flatnonzero(self.columns["meets_targets"])

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
        Numbers of replicas instead; by default what the load takes, all up to 16, then steps of
        a tenth, until each has one request.
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

    A row meets everything when its replicas are those that the capacity facet sizes, or more: at
    the target utilization and within the latency targets in 80 % of the draws, with spares where
    `replicas` of the scenario is "auto", and no more accelerators or power than it allows.
    `smallest` and `cheapest` are taken from their plans, which report no error; other rows from
    base cases, which may need more replicas than told. Among more than some hundreds of users with
    pauses, chance in their number at work is left out.

    Examples
    --------
    >>> from llminfra import Scenario, search
    >>> wanted = Scenario(precision="fp8", in_flight=100, tpot_target_s=0.05)
    >>> found = search(wanted, accelerators=["h100-sxm"])
    >>> found.smallest.accelerators, found.smallest.fields["tensor_parallel"]
    (4, 2)
    """
    return ranked(
        scenario,
        Axes(
            accelerators=None if accelerators is None else known("accelerator", accelerators),
            precisions=known("precision", [scenario.to_dict()["precision"], *precisions]),
            tensor_parallel=tensor_parallel,
            pipeline_parallel=pipeline_parallel,
            counts=counts,
            beyond_node=beyond_node,
        ),
        replicas=replicas,
        in_flight=in_flight,
    )


def ranked(
    scenario: "ScenarioBase",
    axes: Axes,
    *,
    replicas: Sequence[int] | None = None,
    in_flight: Sequence[float] | None = None,
    distinct: str = "",
    winners: int = 1,
) -> Search:
    """Return a `search` whose best rows, one for each value of a column, are those of plans."""
    given: Any = together(scenario)
    for name, values in (("replicas", replicas), ("in_flight", in_flight)):
        if values is not None and not (values and min(values) > 0):
            raise InvalidInput(f"{name} must all be above 0, got {shown(values)}; leave it out")
    every = {name: getattr(given, f"{name.removesuffix('_s')}_target_s") for name in TARGETS}
    targets = {name: float(value) for name, value in every.items() if value is not None}
    found = layouts(given, axes)
    if found is None:
        nothing = {name: np.array([]) for name in COLUMNS}
        return Search(nothing | dict.fromkeys(JUDGED, np.array([], bool)), Terms(targets, "", {}))
    steps = found.steps(in_flight) if replicas is None else list(replicas)
    sizes = Sizes(found, steps if replicas or in_flight else None)
    sizes.find(distinct=distinct, winners=winners)
    sizes.find(cheapest=True)
    spares = ", with spares" if given.replicas == "auto" and given.spare_policy != "N" else ""
    sizing = f"at {formats.percent(given.target_utilization)} utilization{spares}"
    return Search(rows(found, sizes, steps, targets), Terms(targets, sizing, sizes.refusals))


def together(scenario: Any) -> Any:
    """Return the scenario with prefill and decode on the same accelerators."""
    names = [name for name in APART if getattr(scenario, name) is not None]
    return scenario.replace(**dict.fromkeys(names)) if names else scenario
