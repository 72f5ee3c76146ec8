"""What the sections of a multimodal configuration leave to their class, and what is no decoder."""

from typing import Any, Final

# Files write what differs from the class alone; a configuration of a model by itself says all.
CLASS_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "llama": {
        "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 2048,
    },
    "mistral": {
        "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 14336,
        "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
        "max_position_embeddings": 131072, "sliding_window": 4096,
    },
    "qwen2": {
        "vocab_size": 151936, "hidden_size": 4096, "intermediate_size": 22016,
        "num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 32768,
    },
    "gemma": {
        "vocab_size": 256000, "hidden_size": 3072, "intermediate_size": 24576,
        "num_hidden_layers": 28, "num_attention_heads": 16, "num_key_value_heads": 16,
        "head_dim": 256, "max_position_embeddings": 8192,
    },
    "gemma2": {
        "vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216,
        "num_hidden_layers": 26, "num_attention_heads": 8, "num_key_value_heads": 4,
        "head_dim": 256, "max_position_embeddings": 8192, "sliding_window": 4096,
    },
    "phi3": {
        "vocab_size": 32064, "hidden_size": 3072, "intermediate_size": 8192,
        "num_hidden_layers": 32, "num_attention_heads": 32, "max_position_embeddings": 4096,
    },
}  # fmt: skip
_TEXT: Final = "an encoder of text"
_PAIR: Final = "an encoder with a decoder"
_IMAGE: Final = "an encoder of images"
ENCODERS: Final[dict[str, str]] = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "modernbert", "distilbert"), _TEXT),
    **dict.fromkeys(("electra", "deberta", "deberta-v2", "nomic_bert", "mpnet", "new"), _TEXT),
    **dict.fromkeys(("t5", "mt5", "bart", "mbart", "marian", "m2m_100", "t5gemma"), _PAIR),
    **dict.fromkeys(("whisper", "speech_to_text", "seamless_m4t"), _PAIR),
    **dict.fromkeys(("clip", "siglip", "vit", "dinov2", "dinov3_vit", "sam"), _IMAGE),
}
