"""All that notebooks import from `llminfra.present` but its charts, which import Altair."""

# ruff: noqa: F401
from llminfra.explain.levers import levers
from llminfra.explain.options import meets_every_rule
from llminfra.explain.readings import load_of, most_carried, sizing
from llminfra.facets import SERVED
from llminfra.formats import (
    band,
    count,
    counted,
    duration,
    gb,
    gib,
    grams,
    join,
    kilograms,
    kwh,
    litres,
    money,
    nines,
    number,
    percent,
    seconds,
    times,
    tokens,
    watts,
    wh,
)
from llminfra.present.blocks import notice, problems, tile, tiles
from llminfra.present.board import Board
from llminfra.present.claimed import Claimed
from llminfra.present.cost_models import cost_model
from llminfra.present.cost_tables import cash_table, changes_table, cost_annex, ways_table
from llminfra.present.cost_views import paid_chart, token_chart
from llminfra.present.costs import GROUPS, Money
from llminfra.present.decided import decision_of, in_its_facility, run_words
from llminfra.present.drivers import flip, flip_words, goal, tornado, waterfall
from llminfra.present.fit import how_sure
from llminfra.present.footprint import (
    STANDARDS_READ,
    account_totals,
    accounts_table,
    boundary_table,
    other_methods,
    report_fields,
)
from llminfra.present.gates import Gates, banner
from llminfra.present.methods import method
from llminfra.present.previews import preview
from llminfra.present.pulled import Pulled
from llminfra.present.report import assumptions, provenance, verdicts, what_if
from llminfra.present.sections import (
    best_spares,
    bill_table,
    hours_down,
    launch,
    load_words,
    options_table,
    readings_claim,
    readings_table,
    spares_table,
    stated_words,
    unit_words,
)
from llminfra.present.signed import signing_table
from llminfra.present.sources import cite
from llminfra.present.tables import column, row, table_from, table_of
from llminfra.present.trained import MEMORY_PARTS, Trained
from llminfra.present.trained_checks import (
    memory_fit_table,
    of_one_run,
    runs_frame,
    runs_table,
    shares_table,
)
from llminfra.present.trained_seed import Seed
from llminfra.present.trained_sure import training_runs_words, training_sure_words
from llminfra.present.versus import Versus, chance_words
from llminfra.present.versus_models import versus_model
from llminfra.present.week import WeekPage
from llminfra.units import GB, GIB
