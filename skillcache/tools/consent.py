"""Whether a replay may be given in the person's name: only what they have allowed before may be shown again."""

from skillcache.cache import writer
from skillcache.claude import permissions
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import ASK_RULE, DENY_RULE
from skillcache.stores.entry import Entry
from skillcache.tools.call import Call


def approved(call: Call, entry: Entry, project: str) -> bool:
    """`project`: the identity of this one.

    False where the client would have to ask. Raises Bypass when a rule of the person's stops the call.
    """
    rules = permissions.load(call.event.cwd, call.world.environ)
    verdict = permissions.verdict(rules, call.event.tool, call.event.input)
    for outcome, word in ((DENY_RULE, "deny"), (ASK_RULE, "ask")):
        if verdict == word:
            raise Bypass(outcome)
    if verdict == "allow" or call.event.permission_mode == "bypassPermissions":
        return True
    return writer.is_same_person(entry.writer) and entry.project == project
