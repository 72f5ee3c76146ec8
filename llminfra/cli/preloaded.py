"""How jobs run, and what their forks find loaded: apart, as the process that forks starts first."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from llminfra.publish.fork.lane import LATER

_REPORTS: Final = (
    "llminfra.evaluate:make_ready",
    "llminfra.present.names",
    *(f"llminfra.present.{name}" for name in ("charts", "curves", "maps", "magics", "shares")),
    *(f"llminfra.present.{name}_charts" for name in ("board", "cash", "driver", "versus")),
    *("llminfra.present.scatter", "llminfra.search.fit", "llminfra.present.render:templates"),
    "llminfra.present.vega:specified_once",
    f"{LATER}llminfra.present.rehearsal:rehearse",
)
_MATPLOTLIB: Final = "matplotlib_inline.backend_inline"  # as much as all else that is not ours


def preloaded(notebooks: Iterable[Path]) -> tuple[str, ...]:
    """Return the modules that forks find loaded: what reports need, and what a notebook names."""
    plots = any(b"matplotlib" in path.read_bytes() for path in notebooks)
    return (*_REPORTS, _MATPLOTLIB) if plots else _REPORTS


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
