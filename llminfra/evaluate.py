"""Where a plan begins: facts, what takes the place of "auto", and who advises on its problems."""

from llminfra.catalog import currency, loader, price_bundle, rules
from llminfra.catalog.facts import Facts
from llminfra.explain.changes import fixes
from llminfra.plan import Plan, facts_of
from llminfra.scenario import Scenario
from llminfra.search.choose import choose


def evaluate(scenario: Scenario) -> Plan:
    """Return the Plan of a scenario; facets are computed when they are first asked for.

    Examples
    --------
    >>> from llminfra import Scenario, evaluate
    >>> plan = evaluate(Scenario(accelerator="auto", model="llama-3.1-8b", in_flight=10))
    >>> plan.deployment.accelerators_per_replica, "accelerator" in plan.chosen
    (1, True)
    """
    return _planned(scenario, facts_of(scenario))


def make_ready() -> None:
    """Load what plans read, so that forks of this process find it loaded.

    Nothing counts as read by that: what a report rests on is noted where it asks.
    """
    loader.all_facts(), loader.offer_facts(), loader.model_entries(), loader.sources()
    price_bundle.providers(), currency.history(), rules.rules()
    Scenario.model_rebuild()


def _planned(scenario: Scenario, facts: Facts) -> Plan:
    choice = choose(scenario, facts)
    return Plan(scenario, facts=facts, choice=choice, evaluate=_planned, advise=fixes)
