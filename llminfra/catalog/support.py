"""What an engine runs on and which formats of the weights it takes."""

from llminfra.catalog.facts import Facts, engine_entry, engines

_RATES = ("bf16_flop_per_s", "fp16_flop_per_s")


def is_processor(facts: Facts, accelerator: str) -> bool:
    """Tell a processor, whose data sheet states no products in 16 bits, from an accelerator.

    Examples
    --------
    >>> is_processor(Facts(), "epyc-9654"), is_processor(Facts(), "m3-ultra")
    (True, False)
    """
    return facts.has(accelerator, "cores") and not any(facts.has(accelerator, n) for n in _RATES)


def support(facts: Facts, entry: str, accelerator: str) -> str:
    """Return how an engine is known on an accelerator: measured, unmeasured or none.

    Accelerators that it runs on count as measured: how near measured ones are, the serving facet
    says.

    Examples
    --------
    >>> [support(Facts(), engine_entry("vllm"), a) for a in ("mi300x", "epyc-9654", "m3-ultra")]
    ['measured', 'unmeasured', 'none']
    """
    excluded = [part.strip() for part in facts.text(entry, "excluded_generations").split(";")]
    if facts.text(accelerator, "vendor") not in facts.text(entry, "vendors").split():
        return "none"
    if facts.text(accelerator, "architecture") in excluded:
        return "none"
    return facts.text(entry, "processors") if is_processor(facts, accelerator) else "measured"


def takes(facts: Facts, entry: str, precision: str) -> bool:
    """Tell whether an engine reads weights in a format; all mixes of GGUF where it reads one.

    Examples
    --------
    >>> [takes(Facts(), engine_entry("llama.cpp"), p) for p in ("fp8", "q4_0")]
    [False, True]
    """
    names = [f for n in ("formats", "rare_formats") for f in facts.text(entry, n).split()]
    is_mix = facts.has(precision, "mix_of")
    return precision in names or (is_mix and any(facts.has(name, "mix_of") for name in names))


def nearest_format(facts: Facts, entry: str, precision: str) -> str:
    """Return the engine's format whose weights are nearest in size.

    Examples
    --------
    >>> [nearest_format(Facts(), engine_entry("llama.cpp"), p) for p in ("fp8", "int4")]
    ['q8_0', 'q4_k_m']
    """
    own = facts.number(precision, "bits_per_weight").base
    offered = facts.text(entry, "formats").split()
    return min(offered, key=lambda p: abs(facts.number(p, "bits_per_weight").base - own))


def engines_for(facts: Facts, accelerator: str, precision: str) -> list[str]:
    """Return the engines that run on an accelerator and take a format, measured ones first.

    Examples
    --------
    >>> engines_for(Facts(), "mi300x", "fp8"), engines_for(Facts(), "m3-ultra", "bf16")
    (['sglang', 'vllm'], ['llama.cpp'])
    """
    known = {name: support(facts, engine_entry(name), accelerator) for name in engines()}
    usable = [n for n in known if known[n] != "none" and takes(facts, engine_entry(n), precision)]
    return sorted(usable, key=lambda name: known[name] != "measured")
