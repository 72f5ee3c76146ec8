"""Fit the laws of time and of power on published energy of serving and write what they say.

    python benchmarks/fit_energy.py ../shared/measured

The law of time is that of the serving facet; what is fitted of it is the profile of the engine
version that was measured. The law of power holds for every engine. Text alone is fitted: images
and videos spend time in encoders and on the host that the package does not model. Errors are those
of whole architectures that a fit has not seen, all their checkpoints on both accelerators. Needs
SciPy.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from energy_peers import peer_log_errors
from energy_rows import energy_rows
from energy_server import server_rows
from energy_written import write_constants, write_profile, write_validation
from fit_serving import ROOM, SOFT, Table
from numpy.typing import NDArray
from scipy.optimize import least_squares
from serving_priors import MEASURED_APART
from serving_rows import FACTS

from llminfra.formulas import law, power, step, utilization

CATALOG: Final = Path(__file__).parents[1] / "llminfra" / "catalog"
Params = dict[str, float]
Array = NDArray[np.float64]
Prior = tuple[float, float, float, float]
TEXT: Final = ("lm-arena-chat", "gpqa", "sourcegraph-fim")
# Start, spread of the prior in logs, physical bounds. The starts are those of an earlier study of
# the same rows, which held the efficiency of memory fixed.
TIME: Final[dict[str, Prior]] = {
    "layer_overhead_s": (62e-6, 0.3, 1e-6, 1e-3),
    "moe_layer_overhead_s": (141e-6, 0.3, 1e-6, 1e-3),
    "sequence_overhead_s": (37e-6, 0.5, 1e-7, 1e-3),
    "mixed_layer_overhead_s": (490e-6, 0.5, 1e-6, 5e-3),
}
POWER: Final[dict[str, Prior]] = {
    "hopper.floor_fraction": (0.13, 1.0, 0.05, 0.7),
    "blackwell.floor_fraction": (0.40, 1.0, 0.05, 0.7),
    "ceiling_fraction": (0.93, 0.05, 0.85, 1.0),
    "memory_weight_ratio": (2.9, 0.7, 0.1, 20),
    "arithmetic_weight_ratio": (9.9, 0.7, 0.1, 60),
}


class EnergyTable(Table):
    """Rows as arrays, with what their steps read and multiply."""

    def time_s(self, params: Params) -> Array:
        """Return the time of an output token of one sequence, prompts included."""
        r, room = self.rows, np.full(len(self.rows), ROOM)
        load = {
            "computed_tokens": r["prompt_tokens"].to_numpy(),
            "output_tokens": r["output_tokens"].to_numpy(),
            "steps": r["output_tokens"].to_numpy(),
            "tokens_per_step": 1.0,
            "in_flight": r["running"].to_numpy(),
        }
        inputs = self.inputs(params)
        seen = law.loaded(inputs, load, room, arrivals="closed_loop")
        return np.asarray(load["in_flight"] / seen["output_tokens_per_s"])

    def share(self, params: Params, time_s: Array) -> Array:
        """Return the power of an accelerator over its limit."""
        chips = self.rows["generation"]
        floor = [params[f"{generation}.floor_fraction"] for generation in chips]
        return np.asarray(
            power.power_fraction(
                floor_fraction=np.array(floor),
                **{n: params[n] for n in POWER if "." not in n},
                **utilizations(self.work, self.chip, self.rows, time_s),
            )
        )

    def joules(self, time_s: Array, share: Array) -> Array:
        """Return the energy of an output token on the accelerators."""
        r = self.rows
        return np.asarray(r["n"] * share * r["limit_w"] * time_s / r["running"])


def utilizations(work: Any, chip: Any, rows: pd.DataFrame, time_s: Array) -> dict[str, Array]:
    """Return the shares of bandwidth and arithmetic peak that steps of such times need."""
    running = rows["running"].to_numpy()
    touched = step.touched_fraction(
        expert_share_fraction=work["expert_share_fraction"], batch_tokens=running
    )
    names = ("weight_bytes", "expert_bytes", "cache_read_bytes")
    read = utilization.read_bytes(
        touched_fraction=touched, sequences=running, **{n: work[n] for n in names}
    )
    return {
        "memory_utilization": utilization.memory_utilization(
            read_bytes=read, memory_bytes_per_s=chip["memory_bytes_per_s"], step_s=time_s
        ),
        "arithmetic_utilization": utilization.arithmetic_utilization(
            native_flop_per_token=work["native_flop_per_token"],
            expert_flop_per_token=work["expert_flop_per_token"],
            native_flop_per_s=chip["native_flop_per_s"],
            plain_flop_per_token=work["plain_flop_per_token"],
            plain_flop_per_s=chip["plain_flop_per_s"],
            batch_tokens=step.batch_tokens(
                sequences=running,
                n_ranks=1,
                step_tokens=1,
                prompt_tokens=rows["prompt_tokens"].to_numpy(),
                output_tokens=rows["output_tokens"].to_numpy(),
            ),
            step_s=time_s,
        ),
    }


def share_of(params: Params, table: Table, time_s: Array) -> Array:
    """Return the power of an accelerator over its limit, for any table."""
    return EnergyTable.share(table, params, time_s)  # type: ignore[arg-type]


def known(table: Table) -> Params:
    """Return the catalogue's value of every constant of the law of time."""
    return {name: FACTS.number(*name.rsplit(".", 1)).base for name in table.names}


def fit(log_error: Any, priors: dict[str, Prior], *, most_steps: int = 30) -> Params:
    """Return the constants that fit best; nothing speaks for those that stay at their prior."""
    names = list(priors)
    middle, spread, low, high = (np.array([priors[n][i] for n in names]) for i in range(4))

    def residuals(x: Array) -> Array:
        z = log_error(dict(zip(names, np.exp(x), strict=True))) / SOFT
        soft = np.sign(z) * np.sqrt(2 * (np.sqrt(1 + z * z) - 1))
        return np.concatenate([soft, (x - np.log(middle)) / spread])

    bounds = (np.log(low), np.log(high))
    found = least_squares(residuals, np.log(middle), bounds=bounds, max_nfev=most_steps)
    return dict(zip(names, np.exp(found.x).tolist(), strict=True))


def fit_time(table: EnergyTable) -> Params:
    """Return the constants of the profile."""
    measured, base = table.rows["time_s"].to_numpy(), known(table)

    def log_error(own: Params) -> Array:
        return np.log(table.time_s(base | profile(own)) / measured)

    return fit(log_error, TIME)


def fit_power(table: EnergyTable) -> Params:
    """Return the constants of the law of power at the measured times."""
    measured, time_s = table.rows["share"].to_numpy(), table.rows["time_s"].to_numpy()
    return fit(lambda own: np.log(table.share(own, time_s) / measured), POWER)


def profile(own: Params) -> Params:
    """Return the constants of the profile under their keys."""
    return {f"{MEASURED_APART}.{name}": value for name, value in own.items()}


def log_errors(table: EnergyTable, time: Params, powers: Params) -> pd.DataFrame:
    """Return logs of predicted over measured; power is that at the measured time."""
    time_s = table.time_s(known(table) | profile(time))
    share, r = table.share(powers, time_s), table.rows
    told = table.share(powers, r["time_s"].to_numpy())
    errors = {
        "time_s": time_s / r["time_s"],
        "power": told / r["share"],
        "joules": table.joules(time_s, share) / r["joules"],
    }
    return np.log(pd.DataFrame(errors, index=r.index))


def fitted(table: EnergyTable) -> EnergyTable:
    """Return the rows that are fitted: what the host held up says nothing of the accelerator."""
    return table.where(~table.rows["stalled"].to_numpy())  # type: ignore[return-value]


def left_out(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return log errors of every row under a fit that has not seen its group."""
    table, errors = EnergyTable(rows), []
    group = rows[list(by)].astype(str).agg("|".join, axis=1)
    for name in group.unique():
        is_out = (group == name).to_numpy()
        rest = fitted(table.where(~is_out))  # type: ignore[arg-type]
        errors.append(log_errors(table.where(is_out), fit_time(rest), fit_power(rest)))  # type: ignore[arg-type]
    return pd.concat(errors).sort_index()


def summary(errors: pd.DataFrame) -> pd.DataFrame:
    """Return median, 90 % quantile and bias of every quantity, in per cent."""
    size = np.expm1(errors).abs()
    told = {"median": size.median(), "p90": size.quantile(0.9), "bias": np.expm1(errors.median())}
    return (pd.DataFrame(told) * 100).round(1)


def main(folder: Path) -> None:
    """Fit, leave groups out, print errors, write the catalogue."""
    rows = energy_rows(folder / "energy.csv")
    is_text = rows["task"].isin(TEXT)
    text = EnergyTable(rows[is_text].reset_index(drop=True))
    time, powers = fit_time(fitted(text)), fit_power(fitted(text))
    print({name: float(f"{value:.3g}") for name, value in (time | powers).items()})
    whole = EnergyTable(rows)
    print("\nSeen\n", summary(log_errors(text, time, powers)))
    vision = log_errors(whole, time, powers)[~is_text]
    print("\nImages and videos, not fitted\n", summary(vision))
    out = {by: left_out(text.rows, by.split()) for by in ("model", "model accelerator")}
    for by, errors in out.items():
        print(f"\nLeft out by {by}\n", summary(errors))
        print(np.exp(errors.groupby(text.rows["group"]).median()).round(2).to_string())
    servers = server_rows(folder / "mlperf.csv", partial(share_of, powers))
    print("\nServers at the wall\n", servers.to_string())
    write_profile(CATALOG / "serving_constants.csv", time, fitted(text).rows)
    peers = peer_log_errors(text.rows)
    print("\nOther methods\n", summary(pd.DataFrame(peers)))
    write_constants(CATALOG / "energy_constants.csv", powers, text, out, vision, servers, peers)
    write_validation(CATALOG / "energy_validation.csv", text.rows, out["model"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
