"""Records drawn as HTML, one file a subject: pure functions, everything escaped."""
