"""What a report is made of, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from llminfra.names import distinct_name

Block = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """What to render: a notebook, its parameters, and where the files go.

    Parameters
    ----------
    notebook : Path
        The notebook file.
    out_dir : Path
        Folder for the outputs.
    parameters : mapping
        Values for the notebook's parameters cell; must be picklable.
    formats : tuple of str
        Any of `formats_available()`.
    stem : str
        Name of the files without extension; the notebook's name by default.
    title : str
        Title of the document; the notebook's own heading by default.
    collect : tuple of str
        Kinds of blocks to hand back from the executed notebook.
    kernel : str
        Name of the kernel; the notebook's own by default.
    timeout_s : float, optional
        Most seconds that one cell may take.
    probe : str
        Python expression to evaluate after the last cell, for plain data: `Result.probed`.
    engine : str
        ``llminfra``, which forks where it can, or ``stock``, papermill's own.
    preload : tuple of str
        What the process has loaded which forks.
    aside : mapping
        Further values for the notebook that alone are no reason to run it again.
    memory_gb : float, optional
        Most memory of a fork; by default that of the machine. [GB]
    index : str
        Link from the page to a list of all reports; none by default.
    siblings : tuple of (str, str)
        Title and link of each other report on the same case, for the page.
    """

    notebook: Path
    out_dir: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ("html",)
    stem: str = ""
    title: str = ""
    collect: tuple[str, ...] = ("answer", "notice", "provenance")
    kernel: str = ""
    timeout_s: float | None = None
    probe: str = ""
    engine: str = "llminfra"
    preload: tuple[str, ...] = ()
    aside: Mapping[str, Any] = field(default_factory=dict)
    memory_gb: float | None = None
    index: str = ""
    siblings: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "stem", distinct_name(self.stem or self.notebook.stem))


@dataclass(frozen=True)
class Result:
    """What became of a job.

    Parameters
    ----------
    job : Job
        The job.
    outputs : mapping
        Format → file name inside `job.out_dir`, for what this run wrote.
    error : str or None
        One line; None when every format was written.
    error_page : str or None
        File name of the page that shows cell and message.
    blocks : sequence of dict
        Blocks of the kinds in `job.collect`, in the notebook's order.
    probed : object
        What the job's probe gave; None where nothing was to be asked.
    is_unchanged : bool
        Whether an earlier run has made the files, of the same.
    remarks : sequence of str
        What in the notebook's words may not be meant, a line each.
    duration_s : float or None
        What cells and files took, when a file was last made; None where the time is fixed, as the
        bytes are then. [s]
    """

    job: Job
    outputs: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    error_page: str | None = None
    blocks: Sequence[Block] = ()
    probed: Any = None
    is_unchanged: bool = False
    remarks: Sequence[str] = ()
    duration_s: float | None = None

    @property
    def status(self) -> Literal["ok", "failed"]:
        """``ok`` when every format was written."""
        return "ok" if self.error is None else "failed"

    @property
    def problems(self) -> list[Block]:
        """Notices of level ``problem`` that the notebook raised: ``--strict`` looks here."""
        notices = (b for b in self.blocks if b.get("kind") == "notice")
        return [b for b in notices if b.get("level") == "problem"]

    @property
    def headline(self) -> str:
        """The answer that the report shows; nothing where it shows none."""
        answers = (b for b in self.blocks if b.get("kind") == "answer")
        return next((str(b.get("headline") or "") for b in answers), "")

    @property
    def rendered(self) -> str:
        """When the report says that it was made; nothing where it does not."""
        footers = (b for b in self.blocks if b.get("kind") == "provenance")
        return next((str(b.get("rendered") or "") for b in footers), "")

    @property
    def told(self) -> list[Mapping[str, str]]:
        """Code and message of the problems that the report says it is about, shown or not."""
        footers = (b for b in self.blocks if b.get("kind") == "provenance")
        return [problem for footer in footers for problem in footer.get("problems", ())]
