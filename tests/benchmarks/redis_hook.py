"""A cache of the obvious kind, to compare with: a PreToolUse hook that asks Redis by the command and the commit.

It answers by refusing the call with the recorded text. Nothing of the worktree is looked at but the commit.
"""

import hashlib
import json
import os
import subprocess
import sys

import redis


def main() -> None:
    event = json.load(sys.stdin)
    store = redis.Redis.from_url(os.environ["HOOK_REDIS_URL"])
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, check=False).stdout.decode()
    text = json.dumps([event["tool_name"], event["tool_input"].get("command"), event["cwd"], commit])
    key = "hook:" + hashlib.sha256(text.encode()).hexdigest()
    if event["hook_event_name"] == "PostToolUse":
        store.set(key, json.dumps(event["tool_response"]), ex=3_600)
        return
    found = store.get(key)
    if found is not None:
        reason = json.loads(found)["stdout"]
        answer = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason}
        sys.stdout.write(json.dumps({"hookSpecificOutput": answer}))


main()
