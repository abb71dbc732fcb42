"""How GitHub's REST API is asked (docs.github.com/rest)."""

from __future__ import annotations

from pydantic import SecretStr

API_URL = "https://api.github.com"


def api_headers(token: SecretStr, *, accept: str = "application/vnd.github+json") -> dict[str, str]:
    """Return the headers of a request: the version of the API, and who asks where there is a token."""
    headers = {"Accept": accept, "X-GitHub-Api-Version": "2022-11-28"}
    if token.get_secret_value():
        headers["Authorization"] = f"Bearer {token.get_secret_value()}"
    return headers
