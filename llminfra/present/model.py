"""The numbers behind results as a model: inputs, units and expressions, for a live workbook.

The graph behind a `Range` is followed down to facts and fields. It stops where another question
begins: what memory, speed or energy say is an input here, as is a step that is no expression.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from llminfra import formats
from llminfra.catalog.loader import Fact
from llminfra.facets import FACETS
from llminfra.facets.base import FIELD_ORIGIN
from llminfra.graph import expression, is_leaf, operands, steps
from llminfra.plan import Plan
from llminfra.present.cells import Tree, folded, tree
from llminfra.present.sources import title_of
from llminfra.ranges import Range

SCENARIO: Final = "Scenario"
FACT: Final = "Prices and facts"
EARLIER: Final = "From the other reports"
LAYOUT: Final = "Numbers that follow from the layout"
GROUPS: Final = (SCENARIO, FACT, EARLIER, LAYOUT)


@dataclass
class Model:
    """Cells of a workbook: inputs with where they are from, and expressions over other cells.

    Parameters
    ----------
    stops : callable
        Tells the label of a quantity that another question answers; empty for one's own.
    """

    stops: Callable[[Range], str]
    cells: list[dict[str, Any]] = field(default_factory=list)
    _ids: dict[Any, int] = field(default_factory=dict)
    _kept: list[Range] = field(default_factory=list)

    def add(self, result: Range, *, about: str = "", words: str = "") -> Tree:
        """Put a result and all behind it into the model, and return what stands for it.

        Parameters
        ----------
        result : Range
            What is wanted.
        about, words : str
            Of which thing it is, and what; by default its name.
        """
        for step in steps([result], lambda x: bool(self.stops(x))):
            if id(step) not in self._ids:
                self._kept.append(step)  # so that no other takes its id
                self._ids[id(step)] = self._place(step, about)
        found = self._of(result)
        if words and isinstance(found, list) and found[0] == "cell":
            self.cells[found[1]].setdefault("title", words)
        return found

    def value(self, words: str, number: float, unit: str) -> Tree:
        """Put a number into the model that a reader may change."""
        cell = {"words": words, "unit": unit, "value": number, "group": SCENARIO}
        return ["cell", self._new({"name": formats_name(words), "tree": None} | cell)]

    def derived(self, words: str, unit: str, value: float, found: Tree) -> Tree:
        """Put an expression over other cells into the model."""
        cell = {"words": words, "unit": unit, "value": value, "tree": found, "name": ""}
        return ["cell", self._new(cell | {"group": ""})]

    def _new(self, cell: dict[str, Any]) -> int:
        self.cells.append({"id": len(self.cells)} | cell)
        return len(self.cells) - 1

    def _of(self, step: Range) -> Tree:
        """What stands for a step: its cell, its number, or the expression that it is."""
        found = self._ids[id(step)]
        return found if not isinstance(found, int) else ["cell", found]

    def _place(self, step: Range, about: str) -> Any:
        stop = self.stops(step)
        if is_leaf(step) or stop:
            return self._input(step, stop)
        try:
            given = operands(step)
            found = folded(tree(expression(step), lambda name: self._of(given[name])))
        except TypeError:  # walks along a curve: its value stands for it
            return self._input(step, f"{about or 'all'}: {formats.words(step.name)}")
        if not step.name or not isinstance(found, list) or found[0] == "cell":
            return found
        key = str(found)
        if key not in self._ids:
            words = {"words": formats.words(step.name), "about": about, "unit": step.unit}
            cell = {"name": step.name, **words, "value": step.base, "tree": found, "group": ""}
            self._ids[key] = self._new(cell)
        return self._ids[key]

    def _input(self, step: Range, stop: str) -> Any:
        if step.origin is None and not stop and (not step.name or not step.base):
            return step.base
        key = str(step.origin or stop or step.name), step.base
        if key not in self._ids:
            self._ids[key] = self._new(_described(step, stop))
        return self._ids[key]


def formats_name(words: str) -> str:
    """Make a name of words: lower case with underscores."""
    return "_".join("".join(c if c.isalnum() else " " for c in words.lower()).split())


def _described(step: Range, stop: str) -> dict[str, Any]:
    found = {"name": step.name, "unit": step.unit, "value": step.base, "tree": None}
    fact = step.origin
    if isinstance(fact, Fact):
        about = {"source": title_of(fact.source), "as_of": fact.as_of}
        words = fact.description or formats.words(fact.key)
        entity = fact.key.rpartition(".")[0]
        about |= {"confidence": fact.confidence, "key": fact.key}
        return found | about | {"words": f"{words} ({entity})", "group": FACT}
    if fact is not None:
        name = str(fact).removeprefix(FIELD_ORIGIN)
        given = {"words": formats.words(name), "group": SCENARIO, "key": name}
        return found | given | {"source": "scenario", "confidence": "given"}
    group = EARLIER if stop else LAYOUT
    return found | {"words": formats.words(stop or step.name), "group": group}


def border(plan: Plan, facet: str, modules: Iterable[str]) -> Callable[[Range], str]:
    """Return what tells the quantities that other questions answer, by their label.

    Parameters
    ----------
    facet : str
        The question whose results are written down.
    modules : iterable of str
        Modules with the formulas of this question; those of others are not followed.
    """
    public: Mapping[int, str] = dict(_public(plan, facet))
    own = frozenset(modules)

    def stops(quantity: Range) -> str:
        if id(quantity.draws) in public:
            return public[id(quantity.draws)]
        formula = quantity.formula
        if formula is None or formula.__module__.rpartition(".")[2] in own:
            return ""
        return f"{formula.__module__.rpartition('.')[2]}: {quantity.name or formula.__name__}"

    return stops


def _public(plan: Plan, facet: str) -> Iterable[tuple[int, str]]:
    for question in FACETS:
        if question.name == facet:
            return
        result = plan.answered(question.name)
        for name, value in result.items() if result is not None else ():
            if isinstance(value, Range) and not is_leaf(value):
                yield id(value.draws), f"{question.name}: {formats.words(name)}"
