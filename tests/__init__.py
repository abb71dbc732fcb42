import monitor  # noqa: F401  settles how many threads NumPy takes, before anything imports it
