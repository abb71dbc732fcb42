"""Pages for people: made here from templates that escape everything, without scripts and without anything from
elsewhere."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from alerting.messages import heading, message
from core.types import Incident, IncidentState, Notice

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = (_TEMPLATES / "style.css").read_text()
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; "
    f"style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Robots-Tag": "noindex, nofollow",
}
_environment = Environment(
    loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, auto_reload=False
)
# The one thing that is not escaped: our own, and of the hash that the policy names.
_environment.globals["style"] = Markup(_STYLE)  # noqa: S704

_STATES = {
    IncidentState.RESOLVED: "This incident is closed: it was dealt with.",
    IncidentState.DISMISSED: "This incident is closed: it was found to be a false alarm.",
}


def incident_page(incident: Incident, notice: Notice, *, status: int = 200) -> HTMLResponse:
    """Return the page of the incident as the notice tells it, with a button to acknowledge it as long as nobody has."""
    if incident.state is IncidentState.ACKNOWLEDGED:
        outcome: str | None = f"Acknowledged by {incident.assignee or 'a moderator'}."
    else:
        outcome = _STATES.get(incident.state)
    return _page(
        "incident.html",
        status,
        title=heading(notice),
        lines=message(notice, is_headed=False),
        outcome=outcome,
        may_acknowledge=outcome is None,
    )


def refusal_page(sentence: str, *, status: int) -> HTMLResponse:
    """Return the page that says in one sentence why there is nothing else to see."""
    return _page("refused.html", status, title="Leakwatch", sentence=sentence)


def _page(template: str, status: int, **content: object) -> HTMLResponse:
    return HTMLResponse(_environment.get_template(template).render(**content), status, headers=_HEADERS)
