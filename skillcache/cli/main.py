"""The command line: one module per command, imported when it is asked for."""

import os
from importlib import import_module

import click

from skillcache.settings import require_folder

COMMANDS = {
    "install": "Add the hooks to Claude Code's settings.",
    "uninstall": "Take the hooks out of Claude Code's settings.",
    "doctor": "Check this installation and say how to mend what is wrong.",
    "demo": "Show in ten seconds what a session would see: runs and replays.",
    "help": "Read the reference: rules, settings, Redis, sessions and more.",
    "config": "Show the settings in force and where each comes from.",
    "rules": "List what is replayed, or explain one rule.",
    "status": "Say which checks hold for the content as it is now.",
    "stats": "Show hits, misses, the time saved and why commands ran.",
    "report": "Write a page to look at: time saved, reasons, sessions.",
    "statusline": "Print one line for Claude Code's status line.",
    "run": "Run a command of a script once for the same inputs.",
    "shellenv": "Print what a shell evaluates to have its commands answered.",
    "explain": "Say why a command would be answered from the cache or run.",
    "skill": "Check what a skill declares of its scripts, and propose it.",
    "observe": "Run a command and say what it reads that its key does not hold.",
    "suggest": "Say which repeated calls would have been worth a rule.",
    "sessions": "Show, export and forget what is recorded of sessions.",
    "note": "Add, list and remove notes on this project.",
    "agents": "Show the agents that work on this project.",
    "send": "Send a message to agents at work.",
    "inbox": "Print the messages for you.",
    "tail": "Show what happens in this project, as it happens.",
    "team": "Make the key of a team, change it, and say what it trusts.",
    "state": "Share small values between agents, scripts and machines.",
    "entries": "List, show, pin and remove stored results.",
    "invalidate": "Serve no more what is stored of a skill, tool, rule or project.",
    "clear": "Empty the cache.",
    "serve": "Answer the calls of the plugin: its mod starts this.",
    "plugin-path": "Lay out the plugin folder and print its path.",
}

# A module has the click command of its own name under `command`, and others under theirs, `-` written `_`.
_ELSEWHERE = {
    "inbox": "agents",
    "send": "agents",
    "state": "agents",
    "note": "sessions",
    "clear": "invalidate",
    "uninstall": "install",
    "plugin-path": "install",
    "shellenv": "install",
    "statusline": "status",
}
# These say what is wrong with our folder, or do without it.
_WITHOUT_FOLDER = ("doctor", "install", "uninstall", "run", "serve", "demo", "help")


class Lazy(click.Group):
    """Imports a command's module only when that command runs: `skillcache --help` needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"skillcache.cli.{_ELSEWHERE.get(cmd_name, cmd_name)}")
        command = getattr(module, cmd_name.replace("-", "_") if cmd_name in _ELSEWHERE else "command")
        assert isinstance(command, click.Command)  # noqa: S101 - the table above holds it
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises Untrusted."""
        name, command, rest = super().resolve_command(ctx, args)
        if name not in _WITHOUT_FOLDER and not {"-h", "--help"} & set(rest):
            require_folder(os.environ, os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd())
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("skillcache")
    except PackageNotFoundError:  # a checkout that is not installed
        number = "of this checkout"
    click.echo(f"skillcache {number}")
    ctx.exit()


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def group(ctx: click.Context) -> None:
    """Replays the results of repeated Claude Code tool calls."""
    from skillcache.cli.setup.client_environment import adopt  # not for the list of commands

    adopt(ctx.invoked_subcommand or "")
