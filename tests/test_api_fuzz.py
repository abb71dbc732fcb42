"""The real API against its own description, with made-up and malformed requests of every kind."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from alerting.planning import LONGEST_TEST
from tests.conftest import REPOSITORY
from tests.programs import LEAKWATCH, running

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_no_request_breaks_the_api_or_its_description(tmp_path: Path) -> None:
    with running("demo", folder=tmp_path, environment={"TMPDIR": str(tmp_path)}) as program:
        address, key = program.wait_for(
            lambda text: (found := re.search(r"(http://\S+)/v1/incidents\s+Key\s+(lw_\S+)", text)) and found.groups()
        )
        outcome = subprocess.run(
            [
                LEAKWATCH.parent / "schemathesis", "run", f"{address}/openapi.json",
                "--header", f"Authorization: Bearer {key}",
                "--checks", CHECKS, "--phases", "examples,fuzzing", "--max-examples", "10",
                "--seed", "7", "--workers", "2", "--no-color",
                # A test of a destination is answered when it was tried, or after this time.
                "--request-timeout", str(LONGEST_TEST.total_seconds() + 5),
            ],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "SCHEMATHESIS_HOOKS": "tests.schemathesis_hooks"},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    generated = re.search(r"(\d+) generated, (\d+) passed", outcome.stdout)
    assert generated is not None, outcome.stdout
    assert generated[1] == generated[2]
    assert int(generated[1]) > 200
