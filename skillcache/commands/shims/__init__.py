"""What stands in for programs in a shell: the shims' folder, the text of a shim, the preamble that a shell sources."""
