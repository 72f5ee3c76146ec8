"""``python -m llminfra.cli``: the command where no script is on the path."""

from llminfra.cli import main

main()
