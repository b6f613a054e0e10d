"""What can be told of a text before it is read."""


def may_run_script(text: str, cwd: str) -> bool:
    """Whether a command that begins in `cwd` may run a script of a skill: False for nearly every one."""
    return "skills/" in text or "/skills/" in cwd


def literal_of(pattern: str) -> str:
    """The longest run of the pattern's characters that must stand in what it matches."""
    return max(pattern.replace(":*", "*").replace("\\", "*").replace(" ", "*").split("*"), key=len)
