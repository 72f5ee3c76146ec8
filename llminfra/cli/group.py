"""Errors of commands as one line each, and their exit codes."""

import contextlib
import errno
import os
import sys
from typing import Any, Final

import click

from llminfra.errors import InvalidInput, LlmInfraError
from llminfra.publish.mirror import is_address

BAD_INPUT: Final = 2
# Click 8.2 raises it to print the help of a bare `llminfra`.
_HELP_WANTED: Final = getattr(click.exceptions, "NoArgsIsHelpError", ())
# A full disk, a full quota, a broken device.
DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class _BadInput(click.ClickException):
    """One line on standard error and exit code 2."""

    exit_code = BAD_INPUT

    def show(self, file: Any = None) -> None:
        """Print the line."""
        click.echo(f"Error: {self.message}", err=True)


class Group(click.Group):
    """Turns the package's errors into one line; anything else is a bug and shows itself."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Say in one line that the output cannot be written, on a full disk."""
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            with contextlib.suppress(OSError):  # nor does the end of the process write the rest
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
            sys.exit(1)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Say in one line what is wrong with the options."""
        try:
            return super().make_context(*args, **extra)
        except _HELP_WANTED:
            raise
        except click.UsageError as error:
            raise _wrong_usage(error) from None

    def invoke(self, context: click.Context) -> Any:
        """Say in one line what is wrong with the input, or with the work."""
        try:
            return super().invoke(context)
        except click.UsageError as error:
            raise _wrong_usage(error) from None
        except InvalidInput as error:
            raise _BadInput(str(error)) from None
        except LlmInfraError as error:
            raise click.ClickException(str(error)) from None


def _wrong_usage(error: click.UsageError) -> _BadInput:
    """Say on one line what Click says on several."""
    words = " ".join(error.format_message().split()).rstrip(".?")
    command = error.ctx.command_path if error.ctx else "llminfra"
    return _BadInput(f"{words}; see {command} --help")


class OutFolder(click.Path):
    """A folder, or an address that fsspec reads."""

    name = "folder or address"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the folder as text."""
        return value if is_address(str(value)) else str(super().convert(value, param, ctx))
