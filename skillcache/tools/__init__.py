"""The way of one tool call, from its event to its answer and its record; what is special of each tool."""
