"""The text that every Bash call of a session sources, for bash (3.2 and later) and zsh.

It starts no process and cannot fail: with `set -e`, `set -u` and `noclobber`, with a person's aliases and functions,
in a folder that is gone. A definition is spelled `function NAME {`, since in `NAME() {` an alias of that name would be
replaced as the text is read.
"""

from skillcache.shims.script import BY_PATH, quote

# The one line in the client's file: the same however often it is written, and nothing where our file is gone.
LINE = "if [ -r {path} ]; then . {path}; fi 2>/dev/null || :\n"

_TEXT = """# skillcache: commands that were run before on the same content are answered by the stand-ins in this folder.
_skillcache_shims={folder}
case $PATH in
"$_skillcache_shims:"* | "$_skillcache_shims") ;;
*)
    PATH=:$PATH:
    PATH=${{PATH//":$_skillcache_shims:"/:}}
    PATH=${{PATH#:}}
    PATH=$_skillcache_shims:${{PATH%:}}
    ;;
esac
export PATH
export SKILLCACHE_CALL=$$
case ${{BASH_EXECUTION_STRING-}}${{ZSH_EXECUTION_STRING-}} in
*"# fresh' < /dev/null"*) export SKILLCACHE_FRESH=1 ;;
esac
"""
# `activate` of a virtual environment puts itself first on PATH, and then calls this.
_ACTIVATION = """if ! alias hash >/dev/null 2>&1 && ! typeset -f hash >/dev/null 2>&1; then
    function hash {
        builtin hash "$@" || return
        case $PATH in
        "$_skillcache_shims:"*) ;;
        *) PATH=$_skillcache_shims:$PATH ;;
        esac
    }
fi
"""
_SPELLED = """function {name} {{
    if [ -x {name} ]; then {shim} {name} "$@"; else command {name} "$@"; fi
}}
"""
# A name that a shell takes for a function's without quotes.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-")


def preamble(folder: str, spellings: tuple[str, ...] = ()) -> bytes:
    """`folder`: of the shims; `spellings`: programs that are called by these paths. Raises ValueError."""
    if ":" in folder:
        raise ValueError("PATH cannot hold a folder with a colon")
    text = _TEXT.format(folder=quote(folder)) + _ACTIVATION
    shim = quote(f"{folder}/{BY_PATH}")
    text += "".join(_SPELLED.format(name=name, shim=shim) for name in spellings if _PLAIN.issuperset(name))
    return (text + ":\n").encode("utf-8", "surrogateescape")


def line(path: str) -> bytes:
    """What the client's file is to hold. `path`: of the preamble."""
    return LINE.format(path=quote(path)).encode("utf-8", "surrogateescape")
