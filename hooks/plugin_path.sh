#!/bin/sh
# Lays out the plugin from a checkout that nobody has installed, and prints its folder: the repository's own marketplace
# starts this. It looks for a Python of 3.11 or later; without one the plugin is a line at a session's start that says so.
hooks=${0%/*}
# A virtual environment is gone with its project: what it was made from stays.
fits='import sys, sqlite3; print(getattr(sys, "_base_executable", None) or sys.executable); sys.exit(sys.version_info < (3, 11))'

# $1: a folder. Without links, and a blank where there is none.
real() {
	(CDPATH='' cd -- "$1" 2>/dev/null && pwd -P) || echo ' '
}

# $1: where somebody works. The outermost repository that holds it, else itself. One that holds the home is the person's.
ground_of() {
	place=$(real "$1")
	top='' is_begun=''
	while [ "${place#[/ ]}" ]; do
		if [ ! "$is_begun" ] || [ -e "$place/.git" ]; then
			case "$home/" in
			"$place"/*) ;;
			*) top=$place ;;
			esac
		fi
		is_begun=1
		place=${place%/*}
	done
	echo "$top"
}

# $1: a folder without links. Whether it lies where strangers' files are.
is_theirs() {
	for ground in "$here" "$project"; do
		[ "$ground" ] || continue
		case "$1/" in
		"$ground"/*) return 0 ;;
		esac
	done
	return 1
}

# $1: a command or path.
take() {
	python=$("$1" -I -S -c "$fits" 2>/dev/null) && [ -x "$python" ] && ! is_theirs "$(real "${python%/*}")"
}

# Nothing of a project is started: of PATH those folders count that lie elsewhere, virtual environments last.
find_python() {
	home=$(real "${HOME:-/}")
	here=$(ground_of .)
	project=$(ground_of "${CLAUDE_PROJECT_DIR:-.}")
	plain='' made=''
	set -f
	IFS=:
	for folder in $PATH; do
		folder=${folder%/}
		case "$folder" in
		/*) is_theirs "$(real "$folder")" && continue ;;
		*) continue ;;
		esac
		if [ -e "${folder%/*}/pyvenv.cfg" ]; then
			made="$made:$folder"
		else
			plain="$plain:$folder"
		fi
	done
	unset IFS
	set +f
	PATH=$plain$made
	PATH=${PATH#:}
	PATH=${PATH:-/nowhere} # none at all would be the folder that we are in
	for name in python3 python3.14 python3.13 python3.12 python3.11; do
		take "$name" && return
	done
	found=$(uv python find --no-project '>=3.11' 2>/dev/null) && take "$found"
}

path=$PATH
if find_python; then
	PATH=$path
	exec "$python" -I -S "$hooks/plugin_path.py"
fi
PATH=$path

set -e
cache=${XDG_CACHE_HOME:-$HOME/.cache}
folder=$cache/skillcache
place=${SKILLCACHE_HOME:-}
while [ "$place" ] && [ ! -d "$place" ]; do place=${place%/*}; done
if [ "${SKILLCACHE_HOME#/}" != "${SKILLCACHE_HOME:-}" ] && ! is_theirs "$(real "${place:-/}")"; then
	folder=$SKILLCACHE_HOME
fi
folder=$folder/plugin/no-python
mkdir -p "$folder/.claude-plugin" "$folder/hooks"

# $1: a file, which is given what is read, in one step: another session may start at this moment.
put() {
	cat >"$1.$$"
	mv -f "$1.$$" "$1"
}

put "$folder/.claude-plugin/plugin.json" <<'END'
{"name": "skillcache", "description": "Does nothing yet: it found no Python of 3.11 or later."}
END
put "$folder/hooks/hooks.json" <<'END'
{"hooks": {"SessionStart": [{"matcher": "startup", "hooks": [{"type": "command", "command": "printf '%s' '{\"systemMessage\": \"skillcache does nothing here: it needs Python 3.11 or later, and found none. Install one (for example: uv python install 3.12), then start Claude Code twice.\"}'"}]}]}}
END
printf '%s\n' "$folder"
