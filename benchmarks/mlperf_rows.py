"""MLPerf Offline results of AMD cards as inputs of the serving law: none of them is fitted."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from serving_priors import FIXED
from serving_rows import FACTS, law_inputs_of

from llminfra.facets.serving.constants import generation_id

ACCELERATORS: Final = {"MI300X": "mi300x", "MI325X": "mi325x", "MI355X": "mi355x"}
# One run is often listed for both accuracy targets, and mixed machines tell of neither card.
_MODEL: Final = "llama2-70b-99"
_PROMPT_TOKENS: Final = 294.0
_OUTPUT_TOKENS: Final = 287.0


def mlperf_rows(path: Path) -> pd.DataFrame:
    """Return rows of one card's share, with the generation that each belongs to."""
    t = pd.read_csv(path, low_memory=False)
    name = t["accelerator"].astype(str)
    chip = name.str.extract(r"(MI3\d5?\d?X)")[0].map(ACCELERATORS)
    is_run = (t["scenario"] == "Offline") & (t["inferred"] == 0) & (t["model"] == _MODEL)
    t = t.assign(chip=chip)[is_run & chip.notna() & ~name.str.contains(r"\(x")]
    return pd.DataFrame([_line(row) for row in t.itertuples()])


def _line(row: Any) -> dict[str, Any]:
    generation = FACTS.text(row.chip, "architecture")
    given = {
        "model": "llama-2-70b",
        "accelerator": row.chip,
        "engine": "vLLM",
        "engine_version": "0.9",
        "precision": "mxfp4" if row.weight_dtype == "mxfp4" else "fp8",
        **{"tensor": 1, "ranks": 1, "isl": _PROMPT_TOKENS, "osl": _OUTPUT_TOKENS},
        **{"mode": "offline", "in_flight": np.nan, "measured_rate": row.tok_s_per_accel},
        **{"source": row.source, "as_of": row.as_of},
    }
    (line,) = (law_inputs_of(found) for found in pd.DataFrame([given]).itertuples())
    power = FIXED.get(f"serving-{generation_id(generation)}.full_speed_j_per_flop")
    if power:
        tdp, peak = (FACTS.number(row.chip, f).base for f in ("tdp_w", "fp8_flop_per_s"))
        line["chip"] = line["chip"] | {"arithmetic_ratio": min(tdp / peak / power, 1.0)}
    return line | {"kind": generation_id(generation)}
