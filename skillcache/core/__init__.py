"""What knows nothing of caching: files, git, processes, JSON, outcomes, credentials in text."""
