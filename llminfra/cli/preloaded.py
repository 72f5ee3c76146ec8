"""How jobs run, and what their forks find loaded: apart, as the process that forks starts first."""

from dataclasses import dataclass
from typing import Final

PRELOADED: Final = (
    "llminfra.evaluate:make_ready",
    "llminfra.present.names",
    *(f"llminfra.present.{name}" for name in ("charts", "curves", "maps", "magics", "shares")),
    *(f"llminfra.present.{name}_charts" for name in ("board", "cash", "driver", "versus")),
    *("llminfra.present.scatter", "llminfra.search.fit"),
)


@dataclass(frozen=True)
class Choices:
    """How jobs are run, which changes nothing of what they say.

    Parameters
    ----------
    kernel : str
        Kernel of all notebooks; their own by default.
    timeout_s : float, optional
        Most seconds of one cell.
    engine : str
        ``llminfra`` or ``stock``.
    memory_gb : float, optional
        Most memory of one notebook. [GB]
    """

    kernel: str = ""
    timeout_s: float | None = None
    engine: str = "llminfra"
    memory_gb: float | None = None
