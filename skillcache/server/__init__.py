"""The resident core: one process for each process of the client, which answers the plugin's mod.

It listens on a unix socket and speaks HTTP/1.1, every message a JSON object. Where it listens it first says on its
standard output:

    {"protocol": 3, "socket": "/run/user/1000/skillcache/4711-98765"}

POST /call     a PreToolUse event. Answers
    {}                                      the call is not ours: run it
    {"follow": true}                        run it, and tell its end
    {"result": ..., "context": [text]}      its result, in the tool's own shape, and what to tell the model
    {"wait": seconds, "ticket": id}         not known yet: ask /wait, which answers within so many seconds
POST /wait     {"ticket": id}. Answers as /call does.
POST /ended    a PostToolUse or PostToolUseFailure event. Answers {} before what follows from it is done.
POST /stop     {}. Answers {}, and the server ends: the client's environment is another now.
POST /hello    {}. Answers {"protocol", "pid"}.

Its lanes, settings and stores are those of the hooks, so that both give the same answers. It ends with the client.
"""

PROTOCOL = 3  # raised with every change that a mod of another version would not understand
