"""Names by which the notebook's kernel and the process that renders it understand each other."""

from typing import Final

BLOCK_MIME: Final = "application/vnd.llminfra.block+json"
# Set for a kernel whose charts are drawn by the process that runs it, while it goes on computing.
DRAWS_LATER: Final = "LLMINFRA_DRAWS_LATER"
# Part of a figure block that holds the charts until they are drawn.
UNDRAWN: Final = "charts"
