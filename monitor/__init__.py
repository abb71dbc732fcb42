"""Runs it all: wiring, pipeline, scheduler, commands."""

import os

# The matrices here are so small that threads of their own make nothing faster, and on a busy machine much slower, as
# they wait for each other. NumPy's library asks for their number once, when it is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
