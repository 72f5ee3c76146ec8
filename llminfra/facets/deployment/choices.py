"""Words that fields of the deployment take: formats, and ways to get the hardware or the tokens."""

from typing import Final, Literal

# Stands for what a search is to choose.
AUTO: Final = "auto"
Precision = Literal[
    "fp32", "bf16", "fp16", "fp8", "fp8-mlp", "int8", "int4",
    "nvfp4", "mxfp4", "q8_0", "q6_k", "q5_k_m", "q5_k_s", "q5_1", "q5_0", "q4_k_m", "q4_k_s",
    "q4_1", "q4_0", "iq4_nl", "iq4_xs", "q3_k_l", "q3_k_m", "q3_k_s", "iq3_m", "iq3_s", "iq3_xs",
    "iq3_xxs", "q2_k", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s", "ud-q8_k_xl",
    "ud-q6_k_xl", "ud-q5_k_xl", "ud-q4_k_xl", "ud-q3_k_xl", "ud-q2_k_xl",
]  # fmt: skip
KvPrecision = Literal[
    "auto", "bf16", "fp16", "fp8", "int8", "nvfp4", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"
]
# The ways to get the hardware, or the tokens; reserved is one of two by its years.
OPTIONS: Final = (
    *("owned", "colocated", "reserved_1y", "reserved_3y", "on_demand", "monthly", "spot"),
    *("serverless", "dedicated_endpoint", "provisioned", "api_same_model", "api_frontier"),
)
Hosting = Literal[
    "auto", "owned", "colocated", "reserved", "reserved_1y", "reserved_3y", "on_demand", "monthly",
    "spot", "serverless", "dedicated_endpoint", "provisioned", "api_same_model", "api_frontier",
]  # fmt: skip
