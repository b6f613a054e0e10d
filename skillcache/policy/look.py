"""What can be told of a text before it is read."""


def may_run_script(text: str, *folders: str) -> bool:
    """Whether a command may run a script of a skill: False for nearly every one. `folders`: names of where it runs."""
    return "skills/" in text or any("/skills/" in f"{folder}/" for folder in folders)


def literal_of(pattern: str) -> str:
    """The longest run of the pattern's characters that must stand in what it matches."""
    return max(pattern.replace(":*", "*").replace("\\", "*").replace(" ", "*").split("*"), key=len)
