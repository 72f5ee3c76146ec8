"""Mixers whose memory of the past has constant size.

State sizes follow vLLM: the state in the precision that the configuration names, else in 16 bit;
convolution inputs in 16 bit.
"""

from llminfra.architecture import Recurrent
from llminfra.hf_config.fields import Fields

_STATE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "auto": 2}
_CONV_BYTES = 2


def _state_width(f: Fields) -> int:
    """Bytes of one value of the state."""
    dtype = f.raw("ssm_dtype") or "auto"
    if not isinstance(dtype, str) or dtype not in _STATE_BYTES:
        raise f.wrong("ssm_dtype", " | ".join(_STATE_BYTES))
    return _STATE_BYTES[dtype]


def _or_auto(f: Fields, key: str, derived: int) -> int:
    return derived if f.raw(key) in (None, "auto") else f.need(key)


def mamba(f: Fields, *, inner_norms: bool = False, inner: int | None = None) -> Recurrent:
    """Build the first Mamba mixer (Falcon-Mamba, Jamba with its extra norms)."""
    hidden, state, kernel = f.need("hidden_size"), f.need("state_size"), f.need("conv_kernel")
    inner = inner or f.get("expand", 2, low=1) * hidden
    rank = _or_auto(f, "time_step_rank", -(-hidden // 16))
    linear_bias = f.flag("use_bias") or f.flag("mamba_proj_bias")
    others = inner * (kernel + f.flag("use_conv_bias", default=True) + state + 2)
    others += (rank + 2 * state) * inner_norms + (2 * inner + hidden) * linear_bias
    return Recurrent(
        n_heads=inner,
        projections=inner * (2 * hidden + rank + 2 * state + rank + hidden),
        others=others,
        state_bytes=inner * (state * _state_width(f) + (kernel - 1) * _CONV_BYTES),
        out_width=inner,
    )


def mamba2(f: Fields, *, gated_norm: bool = True, inner: int | None = None) -> Recurrent:
    """Build the second Mamba mixer (Nemotron-H, Bamba, Granite 4)."""
    hidden, state, kernel = f.need("hidden_size"), f.need("state_size"), f.need("conv_kernel")
    n_heads = f.need("mamba_num_heads")
    width = inner or f.get("expand", 2, low=1) * hidden
    head_dim = _or_auto(f, "mamba_head_dim", width // n_heads)
    inner = n_heads * head_dim
    convolved = inner + 2 * f.get("n_groups", 1) * state
    linear_bias = f.flag("use_bias") or f.flag("mamba_proj_bias")
    others = convolved * (kernel + f.flag("use_conv_bias", default=True)) + 3 * n_heads
    others += inner * gated_norm + (inner + convolved + n_heads + hidden) * linear_bias
    state_bytes = inner * state * _state_width(f)
    return Recurrent(
        n_heads=n_heads,
        projections=hidden * (2 * inner + convolved + n_heads),
        others=others,
        state_bytes=state_bytes + convolved * (kernel - 1) * _CONV_BYTES,
        out_width=inner,
    )


def delta_net(f: Fields) -> Recurrent:
    """Build the gated delta net (Qwen3-Next, Qwen3.5)."""
    hidden, kernel = f.need("hidden_size"), f.need("linear_conv_kernel_dim")
    key = f.need("linear_num_key_heads") * f.need("linear_key_head_dim")
    n_heads, value_dim = f.need("linear_num_value_heads"), f.need("linear_value_head_dim")
    value = n_heads * value_dim
    convolved = 2 * key + value
    state = value * f.need("linear_key_head_dim") * _state_width(f)
    return Recurrent(
        n_heads=n_heads,
        projections=hidden * (convolved + 2 * value + 2 * n_heads),
        others=convolved * kernel + 2 * n_heads + value_dim,
        state_bytes=state + convolved * (kernel - 1) * _CONV_BYTES,
        qkv_width=convolved,
        out_width=value,
    )


def kimi_delta(f: Fields) -> Recurrent:
    """Build Kimi's delta attention: a decay per channel, gates of low rank."""
    hidden, linear = f.need("hidden_size"), f.section("linear_attn_config")
    n_heads = linear.maybe("num_heads") or f.need("linear_num_heads")
    head_dim = linear.maybe("head_dim") or f.need("linear_head_dim")
    kernel = linear.maybe("short_conv_kernel_size") or f.need("linear_conv_kernel_dim")
    inner = n_heads * head_dim
    return Recurrent(
        n_heads=n_heads,
        projections=hidden * (4 * inner + n_heads) + 2 * head_dim * inner,
        replicated=2 * head_dim * hidden,
        others=3 * inner * kernel + inner + n_heads + head_dim,
        state_bytes=inner * head_dim * 4 + 3 * inner * (kernel - 1) * _CONV_BYTES,
        out_width=inner,
    )


def lightning(f: Fields) -> Recurrent:
    """Build MiniMax's lightning attention, with one output gate."""
    n_heads = f.need("num_attention_heads")
    head_dim = f.maybe("head_dim") or f.need("hidden_size") // n_heads
    inner = n_heads * head_dim
    return Recurrent(
        n_heads=n_heads,
        projections=f.need("hidden_size") * 5 * inner,
        others=inner,
        state_bytes=inner * head_dim * 4,
        out_width=inner,
    )


def short_convolution(f: Fields) -> Recurrent:
    """Build the gated short convolution of LFM2."""
    hidden, kernel = f.need("hidden_size"), f.need("conv_L_cache")
    bias = f.flag("conv_bias")
    return Recurrent(
        n_heads=hidden,
        projections=4 * hidden * hidden,
        others=hidden * (kernel + 5 * bias),
        state_bytes=hidden * (kernel - 1) * _CONV_BYTES,
    )
