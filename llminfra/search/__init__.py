"""Which accelerators, how many and split how: all layouts through the facets' formulas at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from llminfra import formats
from llminfra.catalog.facts import Facts
from llminfra.errors import InvalidInput, shown, unknown
from llminfra.facets.deployment.workers import APART
from llminfra.plan import Plan, facts_of
from llminfra.scenario import Scenario
from llminfra.search.layouts import Axes, known_ids, layouts
from llminfra.search.ranking import JUDGED, TARGETS, Terms, last, nearest_of_each, rows, why
from llminfra.search.replicas import Replicas

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RankedLayout", "Search", "search"]

Array = NDArray[Any]
_USER: Final = "search"
_PRICED: Final = 8  # accelerators whose month is priced: the cheapest ones, and the fewest
RANKS: Final = ("accelerators", "cost")
COLUMNS: Final = (
    *("accelerator", "count", "tensor_parallel", "pipeline_parallel", "precision", "in_flight"),
    *("replicas", "accelerators", "price_usd", "fits", "max_sequences", "is_measured"),
    *("ttft_s", "tpot_s", "e2e_s", "output_tokens_per_s"),
    *("user_tokens_per_s", "output_tokens_per_s_per_accelerator"),
    *("usd_per_month", "meets_targets", "reason", "miss_ratio"),
)


@dataclass(frozen=True, kw_only=True)
class RankedLayout:
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
    usd_per_month: float
    meets_targets: bool
    reason: str
    miss_ratio: float
    why: str
    names: Mapping[str, str] = field(repr=False)
    """Accelerators and precisions in words."""

    @property
    def fields(self) -> dict[str, Any]:
        """Scenario fields of this layout, for ``plan.variant(**candidate.fields)``."""
        names = ("accelerator", "tensor_parallel", "pipeline_parallel", "precision", "replicas")
        return {name: getattr(self, name) for name in names}

    @property
    def layout(self) -> str:
        """Replicas, accelerators of each, and precision, in words."""
        name, precision = self.names[self.accelerator], self.names[self.precision]
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
    names: Mapping[str, str]

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
            user_tokens_per_s, output_tokens_per_s_per_accelerator, usd_per_month (all in, of
            what was priced by its plan, else NaN), meets_targets,
            reason (what binds, or what fails), miss_ratio (above 1: by how much it fails),
            accelerator_name.
        """
        import pandas as pd  # heavy, and not needed to choose

        frame = pd.DataFrame({name: self.columns[name] for name in COLUMNS})
        return frame.assign(accelerator_name=frame["accelerator"].map(self.names))

    def row(self, i: int) -> RankedLayout:
        """Return the candidate of one row of the table."""
        values = {name: self.columns[name][i].item() for name in COLUMNS}
        row = {name: column[i] for name, column in self.columns.items()}
        return RankedLayout(**values, why=why(row, self.terms), names=self.names)

    @property
    def smallest(self) -> RankedLayout | None:
        """Fewest accelerators whose plan meets everything; of equals the cheaper."""
        found = self._meeting
        return (
            self.row(found[np.argmin(self.columns["accelerators"][found])]) if found.size else None
        )

    @property
    def nearest(self) -> RankedLayout | None:
        """The smallest that meets everything, else what misses by least."""
        return self.row(0) if len(self) else None

    @property
    def cheapest(self) -> RankedLayout | None:
        """Lowest price of the accelerators that meet everything; the fewest if none has one."""
        found = self._meeting
        if not found.size:
            return None
        return self.row(found[np.argmin(last(self.columns["price_usd"][found]))])

    def near_misses(self, n: int = 5) -> list[RankedLayout]:
        """Return what fails by least, one for each accelerator and precision.

        Of an accelerator that does it, why fewer do not do; of another, what it lacks. Those whose
        speed was fitted are taken first.
        """
        return [self.row(i) for i in nearest_of_each(self.columns, n)]

    @property
    def leading(self) -> set[str]:
        """Accelerators and precisions of the winners and of what comes near."""
        near = [self.smallest, self.cheapest, self.nearest, *self.near_misses()]
        return {name for one in near if one for name in (one.accelerator, one.precision)}

    @cached_property
    def _meeting(self) -> Array:
        return np.flatnonzero(self.columns["meets_targets"])

    def __repr__(self) -> str:
        met = self._meeting.size
        return f"Search of {len(self):,} rows, {met:,} meet everything; nearest: {self.nearest}"


def search(
    scenario: Scenario | Plan,
    *,
    accelerators: Sequence[str] | None = None,
    precisions: Sequence[str] = (),
    counts: Sequence[int] | None = None,
    tensor_parallel: Sequence[int] | None = None,
    pipeline_parallel: Sequence[int] = (1, 2, 4),
    in_flight: Sequence[float] | None = None,
    replicas: Sequence[int] | None = None,
    beyond_node: bool = False,
    measured_beside: Sequence[str] | None = None,
    rank_by: str | None = None,
) -> Search:
    """Rank accelerators, counts, splits, precisions and batch sizes for a scenario.

    Parameters
    ----------
    scenario : Scenario or Plan
        Model, engine, demand and latency targets; its accelerator and split do not matter. A plan
        notes what was read: facts of what is near the top by name, and a digest of all.
    accelerators : sequence of str, optional
        Catalogue ids; by default those that the engine runs on and whose memory is
        known, without laptops and boards unless the scenario has one or llama.cpp serves.
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
        Also tensor-parallel groups larger than a host: its links are taken to go on, and every
        layer waits for the network besides.
    measured_beside : sequence of str, optional
        Beside these, only accelerators whose speed was measured.
    rank_by : str, optional
        "accelerators" or "cost"; as the scenario says by default.

    Returns
    -------
    search : Search
        All rows, the winners and the near misses.

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
    By cost, what meets everything is ordered by the all-in month of its plan, as the cost report
    has it, and by the way to run it that is the cheapest: of the eight accelerators of which the
    cards cost least, of the eight of which the fewest do, and of those that the scenario's own
    prices name, each in the smallest layout that does.

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
    plan = scenario if isinstance(scenario, Plan) else Plan(scenario, facts=facts_of(scenario))
    beside = None if measured_beside is None else known_ids("accelerator", measured_beside)
    axes = everything(
        plan.scenario,
        precisions,
        accelerators=None if accelerators is None else known_ids("accelerator", accelerators),
        tensor_parallel=tensor_parallel,
        pipeline_parallel=pipeline_parallel,
        counts=counts,
        beyond_node=beyond_node,
        measured_beside=beside,
    )
    return ranked(
        plan.scenario,
        axes,
        plan.facts_read_by(_USER),
        replicas=replicas,
        in_flight=in_flight,
        rank_by=rank_by,
    )


def everything(scenario: Scenario, precisions: Sequence[str] = (), **given: Any) -> Axes:
    """Return the axes of a search: what makes sense, unless given."""
    tried = known_ids("precision", [scenario.precision, *precisions])
    return Axes(**{"precisions": tried} | given)


def ranked(
    scenario: Scenario,
    axes: Axes,
    noted: Facts,
    *,
    replicas: Sequence[int] | None = None,
    in_flight: Sequence[float] | None = None,
    distinct: str = "",
    winners: int = 1,
    rank_by: str | None = None,
) -> Search:
    """Return a `search` whose best rows, one for each value of a column, are those of plans.

    What it reads is noted in the ledger of the facts that are given, under their user.
    """
    given = together(scenario)
    for name, values in (("replicas", replicas), ("in_flight", in_flight)):
        if values is not None and not (values and min(values) > 0):
            raise InvalidInput(f"{name} must all be above 0, got {shown(values)}; leave it out")
    every = {name: getattr(given, f"{name.removesuffix('_s')}_target_s") for name in TARGETS}
    targets = {name: float(value) for name, value in every.items() if value is not None}
    facts = noted.apart(noted.user)
    found = layouts(given, axes, facts)
    if found is None:
        nothing = {name: np.array([]) for name in COLUMNS}
        empty = nothing | dict.fromkeys(JUDGED, np.array([], bool))
        return Search(empty, Terms(targets, "", {}), {})
    steps = found.steps(in_flight) if replicas is None else list(replicas)
    sizes = Replicas(found, steps if replicas or in_flight else None, facts)
    sizes.find(distinct=distinct, winners=winners)
    sizes.find(cheapest=True)
    by_cost = _is_by_cost(scenario.rank_by if rank_by is None else rank_by)
    for cheapest in (True, False) if by_cost else ():
        sizes.find(cheapest=cheapest, distinct="accelerator", winners=_PRICED)
    quoted = {price.accelerator for price in given.own_prices()} if by_cost else set()
    if quoted:
        sizes.find(cheapest=True, distinct="accelerator", winners=len(quoted), among=quoted)
    spares = ", with spares" if given.replicas == "auto" and given.spare_policy != "N" else ""
    sizing = f"at {formats.percent(given.target_utilization)} utilization{spares}"
    names = {name: facts.text(name, "short_name") for pair in found.pairs for name in pair.ids}
    result = Search(
        rows(found, sizes, steps, targets, by_cost=by_cost),
        Terms(targets, sizing, sizes.refusals),
        names,
    )
    noted.note_compared(facts, by_name=result.leading)
    return result


def _is_by_cost(rank_by: str) -> bool:
    if rank_by not in RANKS:
        raise unknown("rank_by", rank_by, RANKS)
    return rank_by == "cost"


def together(scenario: Scenario) -> Scenario:
    """Return the scenario with prefill and decode on the same accelerators."""
    names = [name for name in APART if getattr(scenario, name) is not None]
    return scenario.replace(**dict.fromkeys(names)) if names else scenario
