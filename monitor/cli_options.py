"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

CommunityName = Annotated[
    str | None, typer.Option("--community", metavar="NAME", help="Which community; not needed where there is one.")
]
Given = Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Settings of its kind.")]
