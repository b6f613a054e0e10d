"""Ask the real client what its permission rules do to a matrix of commands, and write the golden file.

    python -m tests.permissions.probe [--only deny] > tests/data/permission_matrix.json

Every command word is a stub that prints a line, so that nothing a row names does anything. One session of the client
plays all commands under one rule: deny and ask rules with permissions skipped, allow rules in the default mode.
The file holds for each rule one mark for each command: 1 for stopped, or for allowed under an allow rule.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from skillcache.probe.api import bash
from skillcache.probe.client import Client
from tests.e2e.client import VERSION, find_client
from tests.permissions.matrix import ALLOW, COMMANDS, DENY, FILE_COMMANDS, FILE_RULES, FILES, WORDS


def main() -> None:
    only = sys.argv[2] if sys.argv[1:2] == ["--only"] else None
    binary = find_client()
    if binary is None:
        raise SystemExit("no client: see tests/e2e/client.py")
    tables: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = _Place(Path(folder).resolve(), binary)
        for kind, rules, commands in (
            ("deny", DENY, COMMANDS),
            ("ask", DENY[:4], COMMANDS),
            ("allow", ["", *ALLOW], COMMANDS),
            ("deny_files", FILE_RULES, FILE_COMMANDS),
        ):
            if only in {None, kind}:
                played = {rule: place.play(kind, rule, commands) for rule in rules}
                marks = {
                    rule: "".join("01"[command in found] for command in commands) for rule, found in played.items()
                }
                tables[kind] = {"commands": commands, "rules": marks}
    json.dump({"client": VERSION, **tables}, sys.stdout, indent=1)
    sys.stdout.write("\n")


class _Place:
    """A project, a home and stubs for every command word."""

    def __init__(self, root: Path, binary: str) -> None:
        self.project = root / "project"
        self.home = root / "home"
        stubs = root / "stubs"
        for path in (self.project / "sub", self.home / "tmp", stubs):
            path.mkdir(parents=True)
        for name in FILES:
            path = self.home / name[2:] if name.startswith("~/") else self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("content\n")
        for word in WORDS:
            (stubs / word).write_text('#!/bin/sh\necho "ran $0"\n')
            (stubs / word).chmod(0o755)
        env = {"PATH": f"{stubs}:/usr/bin:/bin", "CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR": "1"}
        self.client = Client(binary, self.home, env)
        self.settings = root / "settings.json"

    def play(self, kind: str, rule: str, commands: list[str]) -> list[str]:
        """The commands that were stopped under a deny or ask rule, or that ran under an allow rule."""
        field = kind.partition("_")[0]
        self.settings.write_text(json.dumps({"permissions": {field: [rule] if rule else []}}))
        session = self.client.run(
            self.project,
            [
                bash(command.replace("@PROJECT@", str(self.project)).replace("@HOME@", str(self.home)))
                for command in commands
            ],
            settings=self.settings,
            mode="default" if field == "allow" else None,
        )
        results = session.results
        if not results:  # the rule took every tool away, and the client asked nothing that our script answers
            return [] if field == "allow" else commands
        stopped = []
        for command, result in zip(commands, results, strict=True):
            if result.is_error and not result.text.startswith("Exit code"):
                stopped.append(command)
            sys.stderr.write(f"{kind} {rule!r} {command!r} -> {result.is_error} {result.text[:110]!r}\n")
        return [command for command in commands if command not in stopped] if field == "allow" else stopped


if __name__ == "__main__":
    main()
