"""Reading a configuration that may hold anything: every value is checked, every error is one line.

An absent key takes the family's default, if there is one; null means none; a required key without a
value is an error. Keys that nobody reads are never looked at.
"""

from collections.abc import Iterable, Mapping, Sequence
from reprlib import Repr
from typing import Any, Final

from llminfra.errors import InvalidInput

# Names that other families use for the same thing.
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "hidden_size": ("n_embd", "d_model", "n_embed"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "num_attention_heads": ("n_head", "n_heads", "num_heads"),
    "num_key_value_heads": ("num_kv_heads", "multi_query_group_num", "num_attention_groups"),
    "head_dim": ("attention_head_dim", "kv_channels"),
    "intermediate_size": ("n_inner", "ffn_dim", "ffn_hidden_size", "block_ff_dim"),
    "vocab_size": ("padded_vocab_size",),
    "max_position_embeddings": (
        "n_positions",
        "max_seq_len",
        "seq_length",
        "model_max_length",
        "max_sequence_length",
        "n_ctx",
    ),
    "num_experts": ("num_local_experts", "n_routed_experts", "moe_num_experts"),
    "num_experts_per_tok": (
        "num_experts_per_token",
        "moe_k",
        "moe_topk",
        "moe_top_k",
        "top_k_experts",
    ),
    "moe_intermediate_size": ("expert_intermediate_size",),
    "num_shared_experts": ("n_shared_experts", "moe_num_shared_experts", "num_shared_expert"),
    "shared_expert_intermediate_size": (
        "moe_shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
    ),
    "first_k_dense_replace": ("num_dense_layers", "moe_layer_start_index"),
    "tie_word_embeddings": ("tie_embedding",),
    "ssm_dtype": ("mamba_ssm_dtype", "mamba_ssm_cache_dtype"),
    "conv_kernel": ("mamba_d_conv",),
    "state_size": ("mamba_d_state", "ssm_state_size"),
    "expand": ("mamba_expand",),
    "time_step_rank": ("mamba_dt_rank",),
    "n_groups": ("mamba_n_groups",),
    "use_conv_bias": ("mamba_conv_bias",),
    "mamba_num_heads": ("mamba_n_heads", "num_heads"),
    "mamba_head_dim": ("mamba_d_head",),
}

# Largest value that is not absurd, where it is not the general limit.
LIMITS: Final[dict[str, int]] = {
    "num_hidden_layers": 10_000,
    "num_attention_heads": 65_536,
    "num_key_value_heads": 65_536,
    "num_experts": 65_536,
    "max_position_embeddings": 10**12,
}
_LIMIT: Final = 100_000_000

_brief = Repr()
_brief.maxstring = _brief.maxother = _brief.maxlong = 40
_brief.maxlevel = _brief.maxlist = _brief.maxdict = 3


def brief(value: object) -> str:
    """Show a value on one short line, whatever it is.

    Examples
    --------
    >>> print(brief("x" * 1000), brief([[[[[1]]]]]))
    'xxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxx' [[[[...]]]]
    """
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return _brief.repr(value)


class Fields:
    """Checked access to a configuration.

    Parameters
    ----------
    config : mapping
        The configuration, flat.
    origin : str
        File or model id, for messages.
    defaults : mapping, optional
        What the family assumes for absent keys.

    Examples
    --------
    >>> Fields({"n_layer": 12}, "config.json").need("num_hidden_layers")
    12
    """

    def __init__(
        self, config: Mapping[str, Any], origin: str, defaults: Mapping[str, Any] | None = None
    ) -> None:
        self._config = config
        self._defaults = defaults or {}
        self._found: dict[str, tuple[str, Any]] = {}
        self._listed: dict[str, list[Any]] = {}
        self.origin = origin

    def with_defaults(self, defaults: Mapping[str, Any]) -> "Fields":
        """Return the same configuration with a family's defaults."""
        return Fields(self._config, self.origin, defaults)

    def _find(self, key: str) -> tuple[str, Any]:
        """Return the key as it is written in the file, and its value or None."""
        if key not in self._found:
            self._found[key] = self._look_up(key)
        return self._found[key]

    def _look_up(self, key: str) -> tuple[str, Any]:
        names = (key, *ALIASES.get(key, ()))
        written = [name for name in names if name in self._config]
        for name in written:
            if self._config[name] is not None:
                return name, self._config[name]
        # An explicit null says "none", which only an absent key leaves to the family.
        return (written[0], None) if written else (key, self._defaults.get(key))

    def has(self, key: str) -> bool:
        """Tell whether a key has a value or a default."""
        return self._find(key)[1] is not None

    def raw(self, key: str) -> Any:
        """Return a value unchecked, None if absent."""
        return self._find(key)[1]

    def items(self) -> Iterable[tuple[str, Any]]:
        """Return all keys and values as they are written."""
        return self._config.items()

    def wrong(self, key: str, expected: str, value: object = None) -> InvalidInput:
        """Build the error for a key whose value is not what is expected."""
        name, found = self._find(key)
        found = found if value is None else value
        if found is None:
            return InvalidInput(f'{self.origin}: key "{name}" is missing; it must be {expected}')
        return InvalidInput(f'{self.origin}: key "{name}" must be {expected}, got {brief(found)}')

    def maybe(self, key: str, layer: int | None = None, *, low: int = 1) -> int | None:
        """Return a whole number or None; with `layer` the key may list one number per layer."""
        value = self._find(key)[1]
        if layer is not None and isinstance(value, list):
            if layer >= len(value):
                raise self.wrong(key, f"a list with an entry for layer {layer}")
            value = value[layer]
        if value is None:
            return None
        high = LIMITS.get(key, _LIMIT)
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(key, f"an integer from {low} to {high:,}", value)
        return value

    def need(self, key: str, layer: int | None = None, *, low: int = 1) -> int:
        """Return a whole number that must be there."""
        value = self.maybe(key, layer, low=low)
        if value is None:
            raise self.wrong(key, f"an integer from {low} to {LIMITS.get(key, _LIMIT):,}")
        return value

    def get(self, key: str, default: int, layer: int | None = None, *, low: int = 0) -> int:
        """Return a whole number, or a default if absent."""
        value = self.maybe(key, layer, low=low)
        return default if value is None else value

    def flag(self, key: str, default: bool = False) -> bool:
        """Return true or false."""
        value = self._find(key)[1]
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def per_layer(self, key: str, n_layers: int, allowed: Iterable[object]) -> list[Any] | None:
        """Return a list with one of the `allowed` values per layer, None if absent.

        Entries beyond the last layer describe extra prediction layers and are dropped.
        """
        value = self._find(key)[1]
        if value is None or value == [] or key in self._listed:  # files write [] for the default
            return self._listed.get(key)
        allowed = list(allowed)
        if not isinstance(value, Sequence) or len(value) < n_layers:
            raise self.wrong(key, f"a list with one entry for each of the {n_layers} layers")
        kept = list(value[:n_layers])
        for entry in kept:
            # `in` alone would take True for 1.
            if not any(type(entry) is type(a) and entry == a for a in allowed):
                raise self.wrong(key, f"a list of {' | '.join(map(str, allowed))}", entry)
        self._listed[key] = kept
        return kept

    def indices(self, key: str, n_layers: int) -> set[int] | None:
        """Return a list of layer numbers as a set, None if absent."""
        value = self._find(key)[1]
        if value is None:
            return None
        inside = range(n_layers)
        if not isinstance(value, list) or not all(type(i) is int and i in inside for i in value):
            raise self.wrong(key, f"a list of layers from 0 to {n_layers - 1}")
        return set(value)

    def section(self, key: str) -> "Fields":
        """Return a nested object, empty if absent."""
        value = self._find(key)[1]
        if value is None:
            return Fields({}, f"{self.origin}: {key}")
        if not isinstance(value, Mapping):
            raise self.wrong(key, "an object")
        return Fields(value, f"{self.origin}: {key}")
