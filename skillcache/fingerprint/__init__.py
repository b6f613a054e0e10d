"""What a result depends on, captured: the content of the project, its packages, the tools, the environment."""
