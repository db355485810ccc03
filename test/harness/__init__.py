"""Private servers for the tests, the demo and the benchmark: every server is started from here, and ended by its pid."""
