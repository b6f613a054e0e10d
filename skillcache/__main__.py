"""`skillcache` and `python -m skillcache`."""

import os
import sys

import click

from skillcache.cli import bare, output
from skillcache.cli.main import group
from skillcache.core.outcomes import SkillcacheError, StoreError
from skillcache.sessions.text import legible


def main(arguments: list[str] | None = None) -> int:
    """Run one command; whatever went wrong is one line on standard error, never a traceback."""
    try:
        result = group.main(args=arguments, prog_name="skillcache", standalone_mode=False)
    except click.ClickException as fault:
        fault.show()
        return fault.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return output.STOPPED
    except StoreError as fault:
        _tell(_told(fault))
        return output.FAILED
    except SkillcacheError as fault:
        _tell(str(fault))
        return output.FAILED
    except ModuleNotFoundError as fault:
        if fault.name not in bare.PACKAGES:
            raise
        click.echo(bare.needs(fault), err=True)
        return output.FAILED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return output.FAILED
    except OSError as fault:
        place = fault.filename or ("this folder" if isinstance(fault, FileNotFoundError) else "")
        _tell(f"{f'{place}: ' if place else ''}{fault.strerror or fault}")
        return output.FAILED
    return result if isinstance(result, int) else output.OK


def _tell(what: str) -> None:
    """Paths are a project's, and a server words its own refusals: neither speaks to the terminal."""
    click.echo(f"skillcache: {legible(what)}", err=True)


def _told(fault: StoreError) -> str:
    from skillcache.cli.output import sentence

    try:
        return sentence(fault, os.environ, os.getcwd())
    except OSError:  # the folder is gone
        return str(fault)


if __name__ == "__main__":
    sys.exit(main())
