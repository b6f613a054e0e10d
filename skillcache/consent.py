"""Whether a replay may be allowed in the person's name: only what they have allowed before.

What they allowed once may be shown again. Files are put back unasked only where the script would run unasked, too, or
files may be edited.
"""

from skillcache import permissions, writer
from skillcache.call import Call
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.outcome import ASK_RULE, DENY_RULE

_EDITING = ("acceptEdits", "auto")  # modes in which files are edited without a question


def approved(call: Call, rewritten: str, entry: Entry, project: str) -> bool:
    """`rewritten`: what the client would run; `project`: the identity of this one.

    False where the client would have to ask. Raises Bypass when a rule of the person's stops the call.
    """
    rules = permissions.load(call.event.cwd, call.world.environ)
    verdict = rules.verdict(call.command)
    # The client judges the rewritten command as well: a rule against our `cat` would stop the call.
    return _approved(call, entry, project, verdict, rules.verdict(rewritten))


def approved_tool(call: Call, entry: Entry, project: str) -> bool:
    """The same for a call of another tool than Bash."""
    from skillcache.permissions import tools  # most calls are Bash lines

    rules = permissions.load(call.event.cwd, call.world.environ)
    return _approved(call, entry, project, tools.verdict(rules, call.event.tool, call.event.input))


def _approved(call: Call, entry: Entry, project: str, verdict: str | None, other: str | None = None) -> bool:
    for outcome, word in ((DENY_RULE, "deny"), (ASK_RULE, "ask")):
        if word in {verdict, other}:
            raise Bypass(outcome)
    mode = call.event.permission_mode
    if entry.files and mode == "plan":  # nothing is to be written yet, whatever the rules say
        return False
    if verdict == "allow" or mode == "bypassPermissions":
        return True
    recorded_here = writer.is_same_person(entry.writer) and entry.project == project
    return recorded_here and (not entry.files or mode in _EDITING)
