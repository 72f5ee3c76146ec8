"""Draws figures in a process of its own: ``python -m llminfra.present.artist``.

The renderer keeps its whole process waiting while it draws. Here nobody waits: each line of the
standard input is a figure as JSON, each line of the output what a cell shows of it, or why not.
"""

import json
import os
import signal
import sys
from typing import IO, Any

from llminfra.errors import RenderError
from llminfra.present import drawings, vega
from llminfra.present.blocks import drawn


def reply(line: str) -> dict[str, Any]:
    """Draw the figure of a line.

    Examples
    --------
    >>> reply(json.dumps({"charts": json.dumps([{"mark": "rect"}, {"data": {"url": "x.csv"}}])}))
    {'error': 'chart data must be in the chart, got a link to x.csv; pass a table'}
    """
    try:
        return {"bundle": drawn(json.loads(line))._repr_mimebundle_()}
    except RenderError as error:
        return {"error": str(error)}
    except Exception as error:  # the one who asks learns it, and may ask for the next figure
        return {"error": f"chart could not be drawn: {type(error).__name__}: {error}"}


def main() -> None:
    """Answer line by line until the input ends, which it does when the other process is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    answers = _answers_alone()
    drawings.prune()
    vega.warm_up()
    for line in sys.stdin:
        answers.write(json.dumps(reply(line)) + "\n")
        answers.flush()


def _answers_alone() -> IO[str]:
    """Return standard output, which nothing else writes to from now on."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers


if __name__ == "__main__":
    main()
