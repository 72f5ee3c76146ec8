"""Low-rank adapters: how many parameters one adapter of a rank adds to a rank of the engine."""

from llminfra.architecture.groups import ceil_div
from llminfra.architecture.layers import Dense, Gqa, Layer, Mixer, Mla, Mlp


def adapter_parameters(
    layers: tuple[Layer, ...], hidden_size: int, *, lora_rank: int, tensor_parallel: int = 1
) -> int:
    r"""Parameters of one adapter on one tensor parallel rank [1].

    Parameters
    ----------
    layers : tuple of Layer
        The layers of the rank.
    hidden_size : int
        Width of the residual stream. [value]
    lora_rank : int
        Rank of the two factors. [1]
    tensor_parallel : int
        Ranks that share the sliced sides of the matrices. [accelerator]

    Notes
    -----
    .. math:: P = r \\sum_m (i_m + o_m)

    over the matrices m of attention and dense MLP with i inputs and o outputs. The side that
    tensor parallel slices is divided, the other is on every rank. Experts, recurrent layers and
    embeddings are not adapted, as is usual.

    References
    ----------
    Hu et al. (2021), LoRA: low-rank adaptation of large language models.

    Examples
    --------
    Rank 16 on Llama 3.1 8B is 41.9 M parameters:

    >>> layer = Layer(mixer=Gqa(n_heads=32, n_kv_heads=8, head_dim=128),
    ...               mlp=Dense(intermediate_size=14336), count=32)
    >>> adapter_parameters((layer,), 4096, lora_rank=16)
    41943040
    """
    total = 0
    for layer in layers:
        for part in (layer.mixer, layer.mlp):
            whole, sliced = _widths(part, hidden_size)
            total += layer.count * (whole + ceil_div(sliced, tensor_parallel))
    return lora_rank * total


def _widths(part: Mixer | Mlp | None, hidden: int) -> tuple[int, int]:
    """Sides of the adapted matrices that are on every rank, and those that are sliced."""
    if isinstance(part, Gqa):
        value = part.n_heads * (part.value_dim or part.head_dim)
        key_value = part.n_kv_heads * (part.head_dim + (part.value_dim or part.head_dim))
        return 4 * hidden, part.n_heads * part.head_dim + key_value + value
    if isinstance(part, Mla):
        query = part.n_heads * (part.nope_dim + part.rope_dim)
        key_value = part.n_heads * (part.nope_dim + part.value_dim)
        latent = part.kv_lora_rank + part.rope_dim
        whole = 2 * hidden + latent + part.kv_lora_rank + hidden
        whole += hidden + 2 * part.q_lora_rank if part.q_lora_rank else 0
        return whole, query + key_value + part.n_heads * part.value_dim
    if isinstance(part, Dense):
        matrices = 3 if part.gated else 2
        return matrices * hidden, matrices * part.intermediate_size
    return 0, 0
