"""`skillcache` and `python -m skillcache`."""

import errno
import os
import re
import sys
from shlex import quote

import click

from skillcache.cli import bare, output
from skillcache.cli.main import COMMANDS, group
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
        _tell(_told_of_system(fault))
        return output.FAILED
    return result if isinstance(result, int) else output.OK


def _tell(what: str) -> None:
    """Paths are a project's, and a server words its own refusals: neither speaks to the terminal."""
    click.echo(f"skillcache: {legible(with_next(what))}", err=True)


# How a line tells what to type next; `cd` is no program, and yet typed.
_PROGRAMS = "cd|chmod|df|docker|ls|pip|python3?|redis-cli|rm|sudo|unset"
_TYPED = re.compile(rf"/skillcache:|(?:^|[ `(])(?:skillcache (?:{'|'.join(COMMANDS)})|(?:{_PROGRAMS}) )")


def with_next(what: str) -> str:
    """`what`, and what to type next where it does not say so itself: whoever words it knows better than we do here."""
    return what if _TYPED.search(what) else f"{what.rstrip('.')}. Check with: skillcache doctor"


def _told_of_system(fault: OSError) -> str:
    place = str(fault.filename or "")
    if not place:
        gone = isinstance(fault, FileNotFoundError)
        return f"this folder: {fault.strerror}. Go to one that is there: cd ~" if gone else str(fault.strerror or fault)
    said = f"{place}: {fault.strerror or fault}"
    if fault.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"{said}. Make room there: df -h {quote(os.path.dirname(place) or '.')}"
    if fault.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{said}. See whose it is: ls -ld {quote(place)}"
    return said


def _told(fault: StoreError) -> str:
    from skillcache.cli.output import sentence

    try:
        return sentence(fault, os.environ, os.getcwd())
    except OSError:  # the folder is gone
        return str(fault)


if __name__ == "__main__":
    sys.exit(main())
