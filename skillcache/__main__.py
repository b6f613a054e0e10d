"""`skillcache` and `python -m skillcache`."""

import os
import sys

import click

from skillcache.cli import exits, group
from skillcache.errors import SkillcacheError, StoreError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; whatever went wrong is one line on standard error, never a traceback."""
    try:
        result = group.main(args=arguments, prog_name="skillcache", standalone_mode=False)
    except click.ClickException as fault:
        fault.show()
        return fault.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return exits.STOPPED
    except StoreError as fault:
        click.echo(f"skillcache: {_told(fault)}", err=True)
        return exits.FAILED
    except SkillcacheError as fault:
        click.echo(f"skillcache: {fault}", err=True)
        return exits.FAILED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        sys.stderr.close()
        return exits.FAILED
    except OSError as fault:
        place = fault.filename or ("this folder" if isinstance(fault, FileNotFoundError) else "")
        click.echo(f"skillcache: {f'{place}: ' if place else ''}{fault.strerror or fault}", err=True)
        return exits.FAILED
    return result if isinstance(result, int) else exits.OK


def _told(fault: StoreError) -> str:
    from skillcache.cli.trouble import sentence  # few commands meet it

    try:
        return sentence(fault, os.environ, os.getcwd())
    except OSError:  # the folder is gone
        return str(fault)


if __name__ == "__main__":
    sys.exit(main())
