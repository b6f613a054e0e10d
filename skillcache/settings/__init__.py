"""What is set: the table of settings, the files and variables in force, and whether our folder may be trusted."""
