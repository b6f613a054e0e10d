"""`skillcache skill propose`."""

import os
import shlex

import click

from skillcache.cli import trouble
from skillcache.cli.format import unified
from skillcache.cli.skill.block import Placed, place
from skillcache.cli.skill.proposal import Proposal
from skillcache.cli.skill.proposal import propose as proposed
from skillcache.core import files
from skillcache.core.errors import SkillcacheError
from skillcache.core.git import find_root
from skillcache.rules.skills.manifest import FILE
from skillcache.sessions.text import legible

_CAP = 16 << 20  # bytes of a SKILL.md
_CAUTION = (
    "It is right for scripts that only report and write files, and wrong for those that are run for what they do."
)


@click.command()
@click.option("--write", "writes", is_flag=True, help="Put the block into SKILL.md, and change nothing else in it.")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
def propose(writes: bool, folder: str) -> int:
    """Print what a skill could declare of its scripts.

    That is the block metadata.skillcache of its SKILL.md, as that file is indented and quoted, by what its scripts
    visibly do and the commands that its text shows. Nothing is run: read it before you take it, and try it with
    skillcache skill check.
    """
    folder = os.path.abspath(folder)
    path = os.path.join(folder, FILE)
    before = _read(path)
    proposal = proposed(folder)
    if not proposal.scripts:
        raise SkillcacheError(f"{folder} holds no script: there is nothing to declare")
    placed = place(before, os.path.basename(folder), proposal.fields)
    if not writes:
        click.echo("\n".join(_said(placed, proposal, folder)))
        return trouble.OK
    _write(_inside(path, folder), before, placed.text)
    click.echo(unified(path, before, placed.text), nl=False)
    if proposal.left:
        click.echo("\n".join(_by_hand(proposal)))
    click.echo(f"\n{legible(path)} declares it now. Try it with:\n  {_trial(proposal, folder)}")
    return trouble.OK


def _said(placed: Placed, proposal: Proposal, folder: str) -> list[str]:
    lines = [*placed.block.splitlines(), "", "Why:"]
    for field in proposal.fields:
        lines += [f"  {field.name}: {legible(why)}" for why in field.why]
    return [
        *lines,
        *_by_hand(proposal),
        "",
        _CAUTION,
        f"Put it in with: skillcache skill propose --write {legible(shlex.quote(folder))}",
    ]


def _by_hand(proposal: Proposal) -> list[str]:
    return ["", "By hand:", *(f"  {legible(each)}" for each in proposal.left)] if proposal.left else []


def _trial(proposal: Proposal, folder: str) -> str:
    found = proposal.shown
    command = next((each for each in found if each.given), found[0]).spelled if found else "COMMAND"
    return legible(f"skillcache skill check {shlex.quote(folder)} -- {command}")


def _read(path: str) -> str:
    """Raises SkillcacheError and OSError."""
    try:
        return files.load(path, _CAP).decode("utf-8")
    except FileNotFoundError:
        raise SkillcacheError(f"{os.path.dirname(path)} is no folder of a skill: there is no {FILE} in it") from None
    except UnicodeDecodeError:
        raise SkillcacheError(f"{path} is no UTF-8: write it anew as that") from None


def _inside(path: str, folder: str) -> str:
    """Where the file is, be it through a link. Raises SkillcacheError where that is elsewhere than the skill."""
    real, own = os.path.realpath(path), os.path.realpath(folder)
    if not any(real.startswith(f"{top}/") for top in (own, find_root(own) or own)):
        raise SkillcacheError(f"{path} leads to {real}, outside the skill and its worktree: write into that yourself")
    return real


def _write(real: str, before: str, after: str) -> None:
    """Whole or not at all. Raises SkillcacheError and OSError."""
    new = f"{real}.skillcache-{os.getpid()}"
    try:
        with open(new, "x", encoding="utf-8", newline="") as file:
            file.write(after)
        os.chmod(new, os.stat(real).st_mode & 0o7777)
        if _read(real) != before:
            raise SkillcacheError(f"{real} was changed meanwhile: try again")
        os.replace(new, real)
    finally:
        if os.path.lexists(new):
            os.unlink(new)
