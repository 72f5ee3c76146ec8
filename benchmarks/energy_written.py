"""What the fit of energy gives to the catalogue: constants, errors and bands, a sample of rows."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from energy_server import IDLE_HOST_W, with_predicted
from serving_bands import spread_of
from serving_priors import MEASURED_APART, Origin, unit_of_key
from serving_rows import FACTS
from serving_written import COLUMNS, measured_apart

AS_OF: Final = "2026-11-29"
SOURCE: Final = "own-energy-fit"
ROWS_PER_GROUP: Final = 4
Params = dict[str, float]
Row = tuple[str, str, str, str, str, Origin]
# The form of the laws was chosen with all rows in view: others will be off by more.
WIDER: Final = 1.15
# Bands of the time per token in the catalogue, which the band of energy holds too.
_TIME_ERROR: Final = "tpot_log_error"
_TWINS: Final = ("pass_overhead_s", "request_overhead_s", "burst_fraction", "first_prompt_ratio")


def _fitted(note: str) -> Origin:
    return Origin(source=SOURCE, note=note)


def _judged(note: str) -> Origin:
    return Origin(source="own-assumption", confidence="assumption", note=note)


def write_profile(path: Path, time: Params, rows: pd.DataFrame) -> None:
    """Write the profile of the engine version into the constants of the serving law."""
    with path.open(encoding="utf-8", newline="") as stream:
        head, *lines = csv.reader(stream)
    note = f"{len(rows)} rows in {rows['model'].nunique()} architectures"
    for line in measured_apart(path):
        lines.remove(line)
        entity, field = line[:2]
        if field in time:
            said = [f"{time[field]:.4g}", "", "", line[5], SOURCE, AS_OF, "derived", note]
        else:
            said = line[2:]
        lines.append([entity, field, *said])
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([head, *sorted(lines)])


def write_constants(
    path: Path,
    powers: Params,
    table: Any,
    out: dict[str, pd.DataFrame],
    vision: pd.DataFrame,
    servers: pd.DataFrame,
    peers: dict[str, "pd.Series[float]"],
) -> None:
    """Write the law of power, hosts, and errors of groups left out."""
    rows = table.rows
    lines = [*_law(powers, rows), *_bands(table, powers, out["model"]), *_hosts(servers)]
    for by, errors in out.items():
        words = f"{len(rows)} rows, {_groups(rows, by)} groups left out by {by}"
        lines += _errors(f"energy-left-out-{by.replace(' ', '-')}", errors, words)
    lines += _errors(
        "energy-images", vision, f"{len(vision)} rows of images and videos, none fitted"
    )
    lines += _server_errors(servers)
    for name, errors in peers.items():
        told = f"{len(errors)} rows"
        lines += _sized(f"energy-peer-{name}", "joules", errors, told)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for entity, field, value, low, high, origin in sorted(lines):
            said = (unit_of_field(field), origin.source, AS_OF, origin.confidence, origin.note)
            writer.writerow((entity, field, value, low, high, *said))


def unit_of_field(field: str) -> str:
    """Return the unit of a constant's field, as the catalogue's dictionary has it."""
    if field.endswith("_w"):
        return "W"
    return "accelerator" if field == "host_accelerators" else unit_of_key(field)


def _groups(rows: pd.DataFrame, by: str) -> int:
    return int(rows.groupby(by.split()).ngroups)


def _law(powers: Params, rows: pd.DataFrame) -> Iterator[Row]:
    shared = {name: value for name, value in powers.items() if "." not in name}
    for key, floor in powers.items():
        if "." not in key:
            continue
        generation = key.partition(".")[0]
        part = rows[rows["generation"] == generation]
        note = f"{len(part)} rows in {part['group'].nunique()} groups of {generation.title()}"
        for name, value in {"floor_fraction": floor, **shared}.items():
            told = note if name == "floor_fraction" else f"one for all {len(rows)} rows"
            yield f"power-{generation}", name, f"{value:.4g}", "", "", _fitted(told)
        seen = " ".join(sorted(set(part["accelerator"])))
        origin = Origin("ml-energy", "measured", note)
        yield f"power-{generation}", "accelerators", seen, "", "", origin
    flat = "about the median of both accelerators, which no law of one foretells for the other"
    for name, value in {"floor_fraction": 0.7, "ceiling_fraction": 0.7, **_FLAT}.items():
        yield "power-other", name, f"{value:g}", "", "", _judged(flat)
    yield "power-other", "accelerators", "none", "", "", _judged(flat)
    note = "a judgement, as for the time per token"
    yield "power-common", "other_accelerator_ratio", "1.4", "", "", _judged(note)


_FLAT: Final = {"memory_weight_ratio": 1, "arithmetic_weight_ratio": 1}


def time_halves(rows: pd.DataFrame) -> Any:
    """Return the half width of the band of the time per token, in logs, of every row."""
    kinds = np.where(rows["has_experts"], "serving-experts", "serving-dense")
    halves = {kind: FACTS.number(kind, _TIME_ERROR) for kind in set(kinds)}
    ends = {kind: half.origin.high for kind, half in halves.items()}  # type: ignore[attr-defined]
    return np.array([ends[kind] for kind in kinds])


def _bands(table: Any, powers: Params, errors: pd.DataFrame) -> Iterator[Row]:
    """Half width for power alone, so that with that of time it holds the errors of energy.

    Longer times draw less power: `kept` is what is left of an error of time in the energy.
    """
    rows, e = table.rows, errors["joules"]
    time_s = rows["time_s"].to_numpy()
    shares = [table.share(powers, time_s * factor) for factor in (1, 1.01)]
    kept = 1 + np.log(shares[1] / shares[0]) / np.log(1.01)
    of_time = kept * time_halves(rows)
    whole = WIDER * spread_of(rows["model"], e, "energy")
    half = float(np.sqrt(max(whole**2 - float(np.median(of_time)) ** 2, 0)))
    q = np.exp(e.quantile([0.1, 0.5, 0.9])).round(2).tolist()
    note = f"with the time's band e^±{whole:.2f} of energy; 10-50-90 % {q[0]}-{q[1]}-{q[2]}"
    for generation in sorted(set(rows["generation"])):
        ends = (f"{-half:.3f}", f"{half:.3f}")
        yield f"power-{generation}", "power_log_error", "0", *ends, _fitted(note)
    flat = _judged("0.50 to 0.92 of the limit")
    yield "power-other", "power_log_error", "0", "-0.336", "0.273", flat
    inside = _inside(rows["model"], e, of_time)
    told = "rows inside bands from the other architectures; 10 to 90 % of resampled architectures"
    yield "energy-left-out-model", "joules_coverage_fraction", *inside, _fitted(told)


def _inside(group: pd.Series, e: pd.Series, of_time: Any) -> tuple[str, str, str]:
    middle = float(np.median(of_time))
    halves = {
        g: WIDER * spread_of(group[group != g], e[group != g], "energy") for g in group.unique()
    }
    own = group.map(halves) ** 2 - middle**2
    hit = (e.abs() <= np.sqrt(own.clip(lower=0) + of_time**2)).groupby(group)
    hits, sizes = hit.sum().to_numpy(), hit.size().to_numpy()
    picks = np.random.default_rng(1).integers(0, len(sizes), (2000, len(sizes)))
    shares = hits[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(shares, [0.1, 0.9])
    return f"{hits.sum() / sizes.sum():.2f}", f"{low:.2f}", f"{high:.2f}"


# Accelerators that share a host, and its power idle and at full load: base, low, high.
_HOSTS: Final[dict[str, tuple[int, tuple[int, int, int], tuple[int, int, int], str]]] = {
    "cards": (8, (800, 400, 1200), (1200, 800, 1600), "by a server of four cards: 0.2-0.6 kW idle"),
    "superchip": (4, (340, 340, 600), (1870, 1200, 1870), "tray of four: 1.0 and 6.67 kW"),
    "socket": (1, (60, 40, 120), (140, 70, 240), "half of what a server of two draws beside them"),
    "none": (1, (0, 0, 0), (0, 0, 0), "the limit is that of the whole machine"),
}


def _hosts(servers: pd.DataFrame) -> Iterator[Row]:
    full = servers.loc[~servers["is_capped"], "full_host_w"]
    ends = (f"{full.min():.0f}", f"{full.max():.0f}")
    note = f"median and ends of {len(full)} MLPerf runs at the wall, the cards by the law of power"
    yield "host-board", "full_host_w", f"{full.median():.0f}", *ends, _fitted(note)
    idle = Origin("ecologits", "secondary", "server without accelerators; 0.8-1.6 kW by judgement")
    yield "host-board", "idle_host_w", f"{IDLE_HOST_W:g}", "800", "1600", idle
    yield "host-board", "host_accelerators", "8", "", "", idle
    for name, (n, idles, fulls, note) in _HOSTS.items():
        yield f"host-{name}", "host_accelerators", f"{n}", "", "", _judged(note)
        for field, (base, low, high) in {"idle_host_w": idles, "full_host_w": fulls}.items():
            ends = (f"{low}", f"{high}") if low < high else ("", "")
            yield f"host-{name}", field, f"{base}", *ends, _judged(note)


def _errors(entity: str, errors: pd.DataFrame, note: str) -> Iterator[Row]:
    """Sizes of the errors: median and 10 to 90 % of the rows, and which way they go."""
    for name in ("time_s", "power", "joules"):
        yield from _sized(entity, name.removesuffix("_s"), errors[name], note)


def _sized(entity: str, field: str, e: "pd.Series[float]", note: str) -> Iterator[Row]:
    low, middle, high = np.expm1(e).abs().quantile([0.1, 0.5, 0.9])
    sizes = (f"{middle:.3f}", f"{low:.3f}", f"{high:.3f}")
    yield entity, f"{field}_error_fraction", *sizes, _fitted(note)
    yield entity, f"{field}_bias_ratio", f"{np.exp(e.median()):.2f}", "", "", _fitted(note)


def _server_errors(servers: pd.DataFrame) -> Iterator[Row]:
    full = servers.loc[~servers["is_capped"], "full_host_w"].median()
    said = with_predicted(servers, full)
    for name, part in said.groupby(np.where(said["is_capped"], "capped", "wall")):
        size = part["error_fraction"].abs()
        note = f"{len(part)} MLPerf runs of eight {part['accelerator'].iloc[0]}"
        ends = (f"{size.min():.3f}", f"{size.max():.3f}")
        yield f"energy-{name}", "power_error_fraction", f"{size.median():.3f}", *ends, _fitted(note)
        bias = f"{(part['predicted_w'] / part['measured_w']).median():.2f}"
        yield f"energy-{name}", "power_bias_ratio", bias, "", "", _fitted(note)


def write_validation(path: Path, rows: pd.DataFrame, errors: pd.DataFrame) -> None:
    """Write a few rows of every group and how far a fit without its architecture is off."""
    header = "model accelerator engine engine_version precision tensor_parallel task "
    header += "prompt_tokens output_tokens "
    header += "in_flight j_per_output_token power_fraction left_out_joules_ratio "
    header += "left_out_power_ratio left_out_time_ratio source as_of"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header.split())
        for _, group in rows.groupby("group"):
            ordered = group.sort_values(["running", "task"])
            n = min(len(group), ROWS_PER_GROUP)
            picks = ((np.arange(n) + 0.5) * len(group) / n).astype(int)  # middles of equal parts
            for row in ordered.iloc[picks].itertuples():
                writer.writerow(_sample(row, np.exp(errors.loc[row.Index])))


def _sample(row: Any, ratio: Any) -> tuple[Any, ...]:
    numbers = (row.prompt_tokens, row.output_tokens, row.running, row.joules, row.share)
    ratios = (ratio["joules"], ratio["power"], ratio["time_s"])
    named = (*row.row, row.n, row.task)
    cells = (*(f"{x:.6g}" for x in numbers), *(f"{x:.4g}" for x in ratios))
    return (*named, *cells, row.source, row.as_of)


__all__ = ["MEASURED_APART", "write_constants", "write_profile", "write_validation"]
