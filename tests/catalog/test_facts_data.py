"""The catalogue's data files: schema, references, ranges, and what must hold between facts."""

import csv
import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest

from llminfra.catalog.price_bundle import KINDS

CATALOG = Path(__file__).parents[2] / "llminfra" / "catalog"
GIB = 2**30
FILES = {
    "accelerator": "accelerators.csv",
    "server": "servers.csv",
    "engine": "engines.csv",
    "precision": "precisions.csv",
    "file": "gguf_files.csv",
    "assumption": "assumptions.csv",
    "serving": "serving_constants.csv",
    "api_term": "api_terms.csv",
    "energy": "energy_constants.csv",
    "facility": "facilities.csv",
    "training": "training_constants.csv",
    "footprint": "footprints.csv",
    "grid": "grid.csv",
    "anchor": "energy_anchors.csv",
    "cost": "costs.csv",
    "rental": "rentals.csv",
    "hardware": "hardware.csv",
    "tariff": "tariffs.csv",
    "reclaim": "spot_reclaims.csv",
}


def words(text: str) -> list[str]:
    return text.split()


COLUMNS = words("id field value low high unit source as_of confidence note")
GROUPS = words("embedding head attention kv_projection latent indexer recurrent dense_mlp")
GROUPS += words("shared_experts experts router norms")
CPUS = set(words("epyc-9175f epyc-9554 epyc-9654 epyc-9965 m2-max-cpu ryzen-9-7950x"))
CPUS |= set(words("ryzen-ai-max-395 xeon-8480plus xeon-6980p"))
UNIFIED = set(words("m1-max m1-ultra m2-max m2-ultra m3-max m3-ultra m4 m4-max m4-pro m5 m5-max"))
UNIFIED |= {"gb10", "jetson-thor", "m2-pro", "m3-pro", "radeon-8060s"}
PRECISIONS = words("fp32 bf16 fp16 fp8 int8 int4 nvfp4 mxfp4 q8_0 q6_k q5_k_m q4_k_m")
PRECISIONS += words("q5_k_s q5_1 q5_0 q4_k_s q4_1 q4_0 iq4_nl iq4_xs q3_k_l q3_k_m q3_k_s iq3_m")
PRECISIONS += words("iq3_s iq3_xs iq3_xxs q2_k iq2_m iq2_s iq2_xs iq2_xxs iq1_m iq1_s mxfp4-gguf")
PRECISIONS += words("ud-q8_k_xl ud-q6_k_xl ud-q5_k_xl ud-q4_k_xl ud-q3_k_xl ud-q2_k_xl")
LOG_TEXT = words("id model precision kv_precision accelerator max_num_seqs_basis text_only engine")
LOG_TEXT += words("engine_version source as_of confidence note")
LOG_PARTS = words("memory_gib gpu_memory_utilization weight_gib activation_gib non_torch_gib")
LOG_PARTS += ["pool_gib"]

Row = dict[str, str]


def read(name: str) -> list[Row]:
    with (CATALOG / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


DICTIONARY = {(row["entity_class"], row["field"]): row for row in read("fields.csv")}
SOURCES = {row["id"]: row for row in read("sources.csv")}
LOGS = read("memory_logs.csv")
TRAINED = [row for part in ("runs", "memory", "validation") for row in read(f"training_{part}.csv")]
OFFERS = read("api_offers.csv")
# An offer's prices come from the price package, its context from its row.
OFFER_FIELDS = {f"{kind}_usd_per_mtok" for kind in KINDS} | {"context_tokens"}
ROWS = {cls: read(name) for cls, name in FILES.items()}
ALL_ROWS = [(cls, row) for cls, rows in ROWS.items() for row in rows]


def table(cls: str, field: str) -> dict[str, float]:
    """Numeric values of one field by id."""
    return {row["id"]: float(row["value"]) for row in ROWS[cls] if row["field"] == field}


def texts(cls: str, field: str) -> dict[str, str]:
    return {row["id"]: row["value"] for row in ROWS[cls] if row["field"] == field}


BF16 = table("accelerator", "bf16_flop_per_s")
FP16 = table("accelerator", "fp16_flop_per_s")
FP8 = table("accelerator", "fp8_flop_per_s")
FP4 = table("accelerator", "fp4_flop_per_s")
INT8 = table("accelerator", "int8_op_per_s")
BANDWIDTH = table("accelerator", "memory_bandwidth_bytes_per_s")
MARKETING = table("accelerator", "memory_marketing_bytes")
DRIVER = table("accelerator", "memory_driver_bytes")
USABLE = table("accelerator", "memory_usable_bytes")
ARCHITECTURE = texts("accelerator", "architecture")
GEFORCE = {i for i in ARCHITECTURE if re.fullmatch(r"rtx\d{4}(-.*)?", i)} - {"rtx4000-ada"}


# Schema


@pytest.mark.parametrize(
    "name", [*FILES.values(), "fields.csv", "sources.csv", "memory_logs.csv", "api_offers.csv"]
)
def test_file_is_plain_utf8_with_unix_line_ends(name: str) -> None:
    raw = (CATALOG / name).read_bytes()
    raw.decode("utf-8")
    assert b"\r" not in raw
    assert raw.endswith(b"\n")
    assert not re.search(rb"[ \t]\n", raw)


@pytest.mark.parametrize("cls", FILES)
def test_facts_are_sorted_unique_and_complete(cls: str) -> None:
    assert list(ROWS[cls][0])[: len(COLUMNS)] == COLUMNS
    keys = [(row["id"], row["field"]) for row in ROWS[cls]]
    assert keys == sorted(set(keys))
    assert all(row["value"] and None not in row.values() for row in ROWS[cls])


def test_ids_are_unique_across_classes() -> None:
    # Facts of all classes share one key space: "<id>.<field>".
    ids = [i for rows in [*ROWS.values(), OFFERS] for i in {row["id"] for row in rows}]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]*", i) for i in ids)


def test_dictionary_declares_what_is_used_and_nothing_else() -> None:
    used = {(cls, row["field"]) for cls, row in ALL_ROWS}
    used |= {("api_offer", name) for name in OFFER_FIELDS} | {("currency", "per_eur")}
    assert used == set(DICTIONARY)
    assert list(DICTIONARY) == sorted(DICTIONARY)
    assert all(row["description"] for row in DICTIONARY.values())


@pytest.mark.parametrize("cls", FILES)
def test_values_have_the_declared_unit_type_and_bounds(cls: str) -> None:
    for row in ROWS[cls]:
        declared = DICTIONARY[cls, row["field"]]
        where = f"{row['id']}.{row['field']}"
        assert row["unit"] == declared["unit"], where
        if declared["dtype"] == "text":
            assert row["low"] == row["high"] == "", where
            continue
        minimum, maximum = float(declared["min"]), float(declared["max"])
        numbers = [float(row[column]) for column in ("value", "low", "high") if row[column]]
        assert all(minimum <= n <= maximum for n in numbers), where
        if declared["dtype"] == "integer":
            assert all(n == int(n) for n in numbers), where


def test_ranges_hold_their_value() -> None:
    for _, row in ALL_ROWS:
        assert bool(row["low"]) == bool(row["high"]), row
        if row["low"]:
            assert float(row["low"]) <= float(row["value"]) <= float(row["high"]), row
            assert float(row["low"]) < float(row["high"]), row


# Provenance


def test_every_source_is_known_and_used() -> None:
    models = tomllib.loads((CATALOG / "models.toml").read_text(encoding="utf-8"))
    used = {
        row["source"] for rows in ([r for _, r in ALL_ROWS], LOGS, OFFERS, TRAINED) for row in rows
    }
    used |= {model["source"] for model in models.values()} | {"ecb-rates", "rule-set"}
    assert used == set(SOURCES)


def test_sources_say_who_when_and_where_without_web_addresses() -> None:
    assert list(SOURCES) == sorted(SOURCES)
    for source in SOURCES.values():
        for column in ("title", "publisher", "accessed", "licence", "locator"):
            assert source[column], source
        dt.date.fromisoformat(source["accessed"])
        assert "://" not in source["locator"], source


def test_confidence_and_dates_are_well_formed() -> None:
    newest = max(source["accessed"] for source in SOURCES.values())
    for row in [row for _, row in ALL_ROWS] + LOGS + OFFERS:
        assert row["confidence"] in {"measured", "vendor", "secondary", "derived", "assumption"}
        assert re.fullmatch(r"(20\d\d(-\d\d){0,2})?", row["as_of"]), row
        assert row["as_of"] <= newest, row
        assert len(row["note"]) <= 120, row


def test_facts_that_age_are_dated() -> None:
    for cls, row in ALL_ROWS:
        if DICTIONARY[cls, row["field"]]["max_age_days"]:
            assert row["as_of"], row
    assert DICTIONARY["accelerator", "price_usd"]["max_age_days"] == "365"


def test_unread_sources_give_assumptions_only() -> None:
    for _, row in ALL_ROWS:
        if row["source"] in {"general-knowledge", "own-assumption"}:
            assert row["confidence"] == "assumption", row
        if row["source"] == "own-derivation":
            assert row["confidence"] in {"derived", "assumption"}, row


# Accelerators: what vendors keep to


def test_catalogue_is_large_enough() -> None:
    assert len(ARCHITECTURE) >= 40
    names = texts("accelerator", "short_name")
    assert set(names) == set(ARCHITECTURE)
    assert len(set(names.values())) == len(names)
    assert max(map(len, names.values())) <= 16


def test_sixteen_bit_formats_run_at_one_rate() -> None:
    assert all(FP16[i] == BF16[i] for i in FP16.keys() & BF16.keys())


def test_fp8_is_twice_bf16() -> None:
    # Not proportional on purpose: Gaudi 3 (one rate), L40S (published rates differ by 1.2 %).
    for i in FP8.keys() - {"gaudi3", "l40s"}:
        assert FP8[i] == pytest.approx(2 * BF16[i], rel=0.01), i
    assert FP8["l40s"] == pytest.approx(2 * BF16["l40s"], rel=0.03)


def test_fp4_is_twice_fp8() -> None:
    # Not proportional on purpose: Blackwell Ultra (up to 3 x), GeForce (FP8 is halved).
    for i in FP4.keys() - {"b300-sxm", "gb300"} - GEFORCE:
        assert FP4[i] == pytest.approx(2 * FP8[i], rel=0.01), i


def test_int8_follows_fp8_or_doubles_fp16() -> None:
    # Not proportional on purpose: GeForce, P40, Blackwell Ultra (cut), CDNA 2, RDNA 3 (as FP16).
    same = {i for i, generation in ARCHITECTURE.items() if generation == "RDNA 3"}
    for i in INT8.keys() - GEFORCE - {"b300-sxm", "gb300", "mi250", "mi210", "tesla-p40"} - same:
        expected = FP8[i] if i in FP8 else 2 * (BF16.get(i) or FP16[i])
        assert INT8[i] == pytest.approx(expected, rel=0.01), i


@pytest.mark.parametrize(
    ("one", "other"),
    [("h100-sxm", "h200-sxm"), ("h100-nvl", "h200-nvl"), ("mi300x", "mi325x"),
     ("a100-sxm-40", "a100-sxm-80"), ("a100-pcie-80", "a100-sxm-80")],
)  # fmt: skip
def test_same_chip_has_the_same_rates(one: str, other: str) -> None:
    for rates in (FP16, BF16, FP8, INT8):
        assert rates.get(one) == rates.get(other)


def test_rates_exist_where_the_generation_has_the_format() -> None:
    for precision, rates in {"fp8": FP8, "nvfp4": FP4, "mxfp4": FP4}.items():
        native = set(texts("precision", "native_from")[precision].split("; "))
        if precision == "nvfp4":
            native |= {"CDNA 4"}
        assert {i for i, a in ARCHITECTURE.items() if a in native} == set(rates), precision


def test_driver_reports_between_decimal_and_binary_reading_of_the_product_page() -> None:
    for i, driver_bytes in DRIVER.items():
        assert MARKETING[i] <= driver_bytes <= MARKETING[i] / 1e9 * GIB, i


def test_engine_sees_a_little_less_than_the_driver() -> None:
    for i, driver_bytes in DRIVER.items():
        assert USABLE[i] <= driver_bytes, i
        assert driver_bytes - USABLE[i] < 1.6 * GIB, i


def test_usable_memory_is_known_for_all_and_assumed_for_cpus() -> None:
    assert set(USABLE) == set(MARKETING) == set(ARCHITECTURE)
    for row in ROWS["accelerator"]:
        if row["id"] in CPUS and row["field"] == "memory_usable_bytes":
            assert row["confidence"] == "assumption"
            assert float(row["high"]) >= 4 * float(row["low"]) * 0.99
    # Google sells 95 GB where XLA reports 95.74 GiB.
    for i in USABLE.keys() - UNIFIED - {"tpu-v5p"}:
        assert 0.97 <= USABLE[i] / MARKETING[i] <= GIB / 1e9, i


def test_h100_sees_79_18_gib() -> None:
    assert USABLE["h100-sxm"] / GIB == pytest.approx(79.18, abs=0.001)
    assert MARKETING["a100-sxm-80"] == 80e9
    assert MARKETING["h200-sxm"] == 141e9


@pytest.mark.parametrize(
    "order",
    ["v100-sxm2-32 a100-sxm-40 a100-sxm-80 h100-sxm h200-sxm b200-sxm b300-sxm gb200",
     "mi250 mi300x mi325x mi350x", "l4 a10 l40s rtx6000-ada rtx5090", "gaudi2 gaudi3",
     "xeon-8480plus epyc-9654 epyc-9965 xeon-6980p m3-ultra v100-pcie-16"],
)  # fmt: skip
def test_bandwidth_grows_with_the_generation(order: str) -> None:
    rates = [BANDWIDTH[i] for i in order.split() if i != "m3-ultra"]
    assert rates == sorted(rates)
    assert len(set(rates)) == len(rates)


def test_links_have_a_name_and_a_speed() -> None:
    speeds = table("accelerator", "scale_up_bytes_per_s")
    assert set(speeds) == set(texts("accelerator", "scale_up_link"))
    assert all(speed < BANDWIDTH[i] for i, speed in speeds.items())


# Precisions


def test_bits_follow_from_the_block_layouts() -> None:
    bits = table("precision", "bits_per_weight")
    assert bits["nvfp4"] == 4 + 8 / 16
    assert bits["mxfp4"] == 4 + 8 / 32
    assert bits["int4"] == 4 + (16 + 4) / 128
    assert bits["q8_0"] == 34 * 8 / 32
    assert bits["q6_k"] == 210 * 8 / 256


@pytest.mark.parametrize(
    ("precision", "embedding", "rest", "published_bits"),
    [("q4_k_m", 131_072_000, 6_476_271_616, 4.84), ("q5_k_m", 131_072_000, 6_476_271_616, 5.68),
     ("q4_k_m", 262_144_000, 68_452_360_192, 4.80), ("q5_k_m", 262_144_000, 68_452_360_192, 5.65)],
    ids=["llama-2-7b-q4", "llama-2-7b-q5", "llama-2-70b-q4", "llama-2-70b-q5"],
)  # fmt: skip
def test_gguf_bits_give_the_published_whole_model_average(
    precision: str, embedding: int, rest: int, published_bits: float
) -> None:
    part = {f: table("precision", f)[precision]
            for f in ("bits_per_weight", "embedding_bits", "head_bits")}  # fmt: skip
    total = rest * part["bits_per_weight"]
    total += embedding * (part["embedding_bits"] + part["head_bits"])
    assert total / (rest + 2 * embedding) == pytest.approx(published_bits, rel=0.003)


def test_precisions_are_those_that_a_scenario_may_name() -> None:
    assert {*PRECISIONS, "fp8-mlp"} == {row["id"] for row in ROWS["precision"]}
    assert {"bf16", "fp16", "fp8"} <= set(table("precision", "kv_bytes_per_value"))


def test_recipes_name_known_weight_groups() -> None:
    for field in ("quantized_groups", "quantized_groups_moe"):
        for i, groups in texts("precision", field).items():
            assert groups == "none" or set(groups.split()) <= set(GROUPS), i


def test_native_formats_name_known_generations() -> None:
    for i, generations in texts("precision", "native_from").items():
        known = {"all", "none", *ARCHITECTURE.values()}
        assert set(generations.split("; ")) <= known, i
    assert set(texts("precision", "compute_precision").values()) <= {*table("precision",
        "bits_per_weight"), "fp4"}  # fmt: skip


# Engines, servers and start-up logs


def test_engine_rows_are_complete() -> None:
    fields: dict[str, set[str]] = {}
    for row in ROWS["engine"]:
        fields.setdefault(row["id"], set()).add(row["field"])
    assert len(set(map(frozenset, fields.values()))) == 1
    family, since = texts("engine", "family"), texts("engine", "version_from")
    assert all(i == f"{family[i]}-{since[i]}" for i in fields)
    assert set(family.values()) == {"vllm", "sglang", "tensorrt-llm", "llama.cpp"}
    assert set(texts("engine", "pool_basis").values()) <= {"total", "remaining"}


def test_servers_hold_known_accelerators() -> None:
    assert set(texts("server", "accelerator").values()) <= set(ARCHITECTURE)
    rated, idle = table("server", "rated_w"), table("server", "idle_w")
    assert all(idle[i] < rated[i] for i in idle.keys() & rated.keys())
    tdp, counts = table("accelerator", "tdp_w"), table("server", "accelerators")
    for i, accelerator in texts("server", "accelerator").items():
        assert rated.get(i, 1e9) > counts[i] * tdp[accelerator], i


def test_logs_refer_to_the_catalogue() -> None:
    models = tomllib.loads((CATALOG / "models.toml").read_text(encoding="utf-8"))
    assert [row["id"] for row in LOGS] == sorted({row["id"] for row in LOGS})
    for row in LOGS:
        assert row["model"] in models, row["id"]
        assert row["precision"] in table("precision", "bits_per_weight"), row["id"]
        assert row["accelerator"] in {"", *ARCHITECTURE}, row["id"]
        assert row["engine"] in texts("engine", "family").values(), row["id"]
        assert row["max_num_seqs_basis"] in {"", "default", "known", "unknown"}, row["id"]
        for column in row.keys() - set(LOG_TEXT):
            assert row[column] == "" or float(row[column]) >= -2.5, (row["id"], column)


@pytest.mark.parametrize(
    "row", [row for row in LOGS if all(row[p] for p in LOG_PARTS)], ids=lambda row: row["id"]
)
def test_log_obeys_the_pool_identity(row: Row) -> None:
    memory, share, weight, activation, non_torch, pool = (float(row[p]) for p in LOG_PARTS)
    rounded = 0.005 * memory if "utilization printed rounded" in row["note"] else 0.02
    assert pool == pytest.approx(share * memory - weight - activation - non_torch, abs=rounded)


def test_every_fact_loads_through_facts() -> None:
    from llminfra.catalog.facts import Facts  # here, so that the data tests need no package

    facts = Facts(user="test")
    for cls, row in ALL_ROWS:
        if DICTIONARY[cls, row["field"]]["dtype"] == "text":
            assert facts.text(row["id"], row["field"]) == row["value"]
        else:
            assert facts.number(row["id"], row["field"]).base == float(row["value"])
    assert len(facts.ledger) == len(ALL_ROWS)
