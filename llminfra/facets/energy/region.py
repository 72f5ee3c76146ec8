"""Which grid feeds the servers: regions by code or name, their intensity and their water."""

from dataclasses import dataclass
from typing import Final

from llminfra.catalog import reads
from llminfra.catalog.facts import Facts
from llminfra.catalog.loader import all_facts, ids
from llminfra.errors import InvalidInput, closest, shown
from llminfra.facets.base import quantity
from llminfra.facets.energy.inputs import Inputs
from llminfra.ranges import Range

_PREFIX: Final = "grid-"
_INTENSITY: Final = "g_co2e_per_kwh"
_WATER: Final = "water_l_per_kwh"
# Whose water stands in where a region's is not published.
_WORLD: Final = "grid-world"
# Names with an article in a sentence, by how they begin or end.
_WITH_ARTICLE: Final = (
    *("United ", "Netherlands", "Philippines", "Bahamas", "Gambia", "Maldives", "Comoros"),
    *("Seychelles", "Democratic Republic", "District"),
)
_ENDINGS: Final = (" Islands", " Republic")
# Other published intensities of a region, beside the one that is used.
_OTHERS: Final = {
    f"ember_{_INTENSITY}": "Ember",
    f"owid_{_INTENSITY}": "Our World in Data",
    f"subregion_{_INTENSITY}": "grid subregion",
    f"nonbaseload_{_INTENSITY}": "non-baseload, a marginal proxy",
}


@dataclass(frozen=True)
class Grid:
    """The grid of a region.

    Attributes
    ----------
    code, name : str
        As people write them: US-VA, Virginia.
    basis : str
        What the intensity counts: ``life-cycle`` or ``direct`` emissions of power plants. The two
        never belong in one comparison.
    g_co2e_per_kwh, water_l_per_kwh : Range
        Mean intensity, and water that power plants consume.
    others : dict
        Other published intensities by who says so.
    has_water : bool
        Whether the water is that of the region or its country; else the world's stands in.
    """

    code: str
    name: str
    basis: str
    g_co2e_per_kwh: Range
    water_l_per_kwh: Range
    others: dict[str, Range]
    has_water: bool

    @property
    def place(self) -> str:
        """The name as it stands in a sentence: Germany, the United States."""
        has_article = self.name.startswith(_WITH_ARTICLE) or self.name.endswith(_ENDINGS)
        return f"the {self.name}" if has_article else self.name

    @property
    def is_direct(self) -> bool:
        """Whether the intensity counts power plants alone, as scope 2 does."""
        return self.basis.startswith("direct")


def regions() -> list[str]:
    """Return the codes of all regions.

    Examples
    --------
    >>> "US-VA" in regions(), "DE" in regions()
    (True, True)
    """
    return [entity.removeprefix(_PREFIX).upper() for entity in ids("grid")]


def region_name(code: str) -> str:
    """Return a region's name.

    Examples
    --------
    >>> region_name("DE")
    'Germany'
    """
    return str(all_facts()[f"{_PREFIX}{code.lower()}.name"].value)


def code_of(region: str) -> str:
    """Return the code of a region given by code of two or three letters, or by name.

    Examples
    --------
    >>> code_of("de"), code_of("DEU"), code_of("France"), code_of("US-VA")
    ('DE', 'DE', 'FR', 'US-VA')
    >>> code_of("Germny")
    Traceback (most recent call last):
        ...
    llminfra.errors.InvalidInput: region must be a country, or a state such as US-VA, got \
'Germny'; closest: Germany (DE), Vermont, United States (US-VT), Niger (NE)
    """
    found = _by_word().get(region.strip().lower())
    if found is not None:
        return found
    near = [_by_word()[word] for word in closest(region.strip().lower(), _by_word(), n=6)]
    told = ", ".join(f"{region_name(code)} ({code})" for code in list(dict.fromkeys(near))[:3])
    raise InvalidInput(
        f"region must be a country, or a state such as US-VA, got {shown(region)}; closest: {told}",
        field="region",
    )


@reads.kept_with_reads
def _by_word() -> dict[str, str]:
    words: dict[str, str] = {}
    for code in regions():
        alpha_3 = all_facts().get(f"{_PREFIX}{code.lower()}.alpha_3")
        name = region_name(code).lower()
        words |= {name: code, name.partition(",")[0]: code} | words
        if alpha_3 is not None:
            words[str(alpha_3.value).lower()] = code
    return words | {code.lower(): code for code in regions()}


def grid_of(inputs: Inputs, facts: Facts, region: str) -> Grid:
    """Return the grid of a region, with the intensity that the scenario gives where it does."""
    entity = f"{_PREFIX}{code_of(region).lower()}"
    is_given = inputs.grid_g_co2e_per_kwh is not None
    basis = inputs.grid_basis if is_given else facts.text(entity, "basis")
    places = (entity, f"{_PREFIX}{code_of(region).partition('-')[0].lower()}")
    wet = next((place for place in places if facts.has(place, _WATER)), _WORLD)
    return Grid(
        code=code_of(region),
        name=facts.text(entity, "name").partition(",")[0],
        basis=basis,
        g_co2e_per_kwh=quantity(inputs, f"grid_{_INTENSITY}")
        if is_given
        else facts.number(entity, _INTENSITY),
        water_l_per_kwh=facts.number(wet, _WATER),
        others={
            words: facts.number(entity, name)
            for name, words in _OTHERS.items()
            if facts.has(entity, name)
        },
        has_water=wet != _WORLD or entity == _WORLD,
    )
