"""Whether a replay may be given in the person's name: only what they have allowed before may be shown again."""

from skillcache import permissions, writer
from skillcache.call import Call
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.outcome import ASK_RULE, DENY_RULE
from skillcache.permissions import tools


def approved(call: Call, entry: Entry, project: str) -> bool:
    """`project`: the identity of this one.

    False where the client would have to ask. Raises Bypass when a rule of the person's stops the call.
    """
    rules = permissions.load(call.event.cwd, call.world.environ)
    verdict = tools.verdict(rules, call.event.tool, call.event.input)
    for outcome, word in ((DENY_RULE, "deny"), (ASK_RULE, "ask")):
        if verdict == word:
            raise Bypass(outcome)
    if verdict == "allow" or call.event.permission_mode == "bypassPermissions":
        return True
    return writer.is_same_person(entry.writer) and entry.project == project
