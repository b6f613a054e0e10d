"""Every Redis key name; nothing else spells one.

The layout (names are public; other languages may read them):

    skill_cache:{name}:{digest}          entry of tool or skill {name}              string, TTL
    team:cache:{team}:{name}:{digest}    the same, shared in a team                 string, TTL
    skill_cache_gen:{name}               generation; raised by an invalidation      integer
    skill_session:{session_id}           session state                              hash, TTL
    skill_session:{session_id}:log       what happened, newest last                 stream, capped, TTL
    skill_sessions:{project}             sessions of a project by last activity     sorted set
    agent_comm:{agent_id}                live channel of an agent                   pub/sub
    agent_comm:{agent_id}:inbox          its durable inbox                          stream
    skillcache:{kind}:{id}               small records: pending calls, claims,      string, TTL
                                         quarantines, counters, agent registry

A user of an access list needs `~skill_cache* ~skillcache:* ~team:cache:* ~skill_session* ~agent_comm:*`.
The embedded store takes the same keys, so that a key means one thing in both.
"""


def entry_key(name: str, digest: str, team: str | None = None) -> str:
    if team is None:
        return f"skill_cache:{name}:{digest}"
    return f"team:cache:{team}:{name}:{digest}"


def generation_key(name: str) -> str:
    return f"skill_cache_gen:{name}"


def record_key(kind: str, id_: str) -> str:
    return f"skillcache:{kind}:{id_}"
