"""Communities and API keys."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field

from api.schemas.common import Answer, Input, Moment, Name, example
from core.types import ApiKey, Community, Scope

_COMMUNITY = {"id": "com_4q6wk2m7c5x3", "name": "Harbor Commons", "context": ["harbor commons", "r/harborcommons"]}
_KEY = {
    "id": "key_7x2mq5c4w6k3",
    "name": "dashboard",
    "scopes": ["read", "write"],
    "created_at": "2026-11-20T10:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
_NEW_KEY = {**_KEY, "token": "lw_3q2-7wAAexampleAAexampleAAexampleAAexampleAA"}


class NewCommunity(Input):
    """A community to set up."""

    model_config = ConfigDict(
        json_schema_extra=example(name="Harbor Commons", context=["harbor commons", "r/harborcommons"])
    )

    name: Name = Field(description="What the community is called.")
    context: list[Name] = Field(
        default=[],
        max_length=100,
        description="How the community itself is called outside; gives matches their meaning.",
    )


class CommunityView(Answer):
    """A community."""

    model_config = ConfigDict(json_schema_extra=example(**_COMMUNITY))

    id: str = Field(description="The community's identifier.")
    name: str = Field(description="What it is called.")
    context: list[str] = Field(description="How it is called outside.")

    @classmethod
    def of(cls, community: Community) -> Self:
        """Return the community as it is shown."""
        return cls(id=community.id, name=community.name, context=list(community.context))


class NewKey(Input):
    """An API key to make."""

    model_config = ConfigDict(json_schema_extra=example(name="dashboard", scopes=["read", "write"]))

    name: Name = Field(description="What the key is for.")
    scopes: frozenset[Scope] = Field(
        min_length=1, description="What it may do. Nobody can give a scope that their own key lacks."
    )


class KeyView(Answer):
    """An API key, without its token."""

    model_config = ConfigDict(json_schema_extra=example(**_KEY))

    id: str = Field(description="The key's identifier, as the audit log names it.")
    name: str = Field(description="What the key is for.")
    scopes: list[Scope] = Field(description="What it may do.")
    created_at: Moment = Field(description="When it was made.")
    last_used_at: Moment | None = Field(description="When it was last used, where that is known.")
    revoked_at: Moment | None = Field(description="When it was revoked; null while it is good.")

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Return the key as it is shown."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            created_at=key.created_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )


class NewKeyView(KeyView):
    """An API key just made. Its token is shown this once: only a digest of it is kept."""

    model_config = ConfigDict(json_schema_extra=example(**_NEW_KEY))

    token: str | None = Field(
        None, description="What to send as `Authorization: Bearer …`. Null when the request was a repeat."
    )


class NewCommunityView(Answer):
    """A community just set up, and the key that its admin starts with."""

    model_config = ConfigDict(json_schema_extra=example(community=_COMMUNITY, key={**_NEW_KEY, "scopes": ["admin"]}))

    community: CommunityView = Field(description="The community.")
    key: NewKeyView = Field(description="Its first key, with the scope `admin`.")
