#!/bin/sh
# Lays out the plugin from a checkout that nobody has installed, and prints its folder: the repository's own marketplace
# starts this. It looks for a Python of 3.11 or later; without one the plugin is a line at a session's start that says so.
hooks=${0%/*}
# A virtual environment is gone with its project: what it was made from stays.
fits='import sys, sqlite3; print(getattr(sys, "_base_executable", None) or sys.executable); sys.exit(sys.version_info < (3, 11))'

# $1: a command or path.
take() {
	python=$("$1" -I -S -c "$fits" 2>/dev/null) && [ -x "$python" ]
}

find_python() {
	for name in python3 python3.14 python3.13 python3.12 python3.11; do
		take "$name" && return
	done
	found=$(uv python find --no-project '>=3.11' 2>/dev/null) && take "$found"
}

if find_python; then
	exec "$python" -I -S "$hooks/plugin_path.py"
fi

set -e
cache=${XDG_CACHE_HOME:-$HOME/.cache}
folder=${SKILLCACHE_HOME:-$cache/skillcache}/plugin/no-python
mkdir -p "$folder/.claude-plugin" "$folder/hooks"
cat >"$folder/.claude-plugin/plugin.json" <<'END'
{"name": "skillcache", "description": "Does nothing yet: it found no Python of 3.11 or later."}
END
cat >"$folder/hooks/hooks.json" <<'END'
{"hooks": {"SessionStart": [{"matcher": "startup", "hooks": [{"type": "command", "command": "printf '%s' '{\"systemMessage\": \"skillcache does nothing here: it needs Python 3.11 or later, and found none. Install one (for example: uv python install 3.12), then start Claude Code twice.\"}'"}]}]}}
END
printf '%s\n' "$folder"
