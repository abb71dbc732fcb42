"""The caller's community, and setting up others."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.auth import Operator, Reader, audit_entry, new_token
from api.idempotency import keep_instead
from api.schemas.common import Items
from api.schemas.communities import CommunityView, NewCommunity, NewCommunityView, NewKeyView
from api.services import Given
from core.ids import new_id
from core.types import ApiKey, Community, Scope

router = APIRouter(prefix="/v1/communities", tags=["communities"])


@router.get("", summary="List the communities of this key")
async def list_communities(given: Given, key: Reader) -> Items[CommunityView]:
    """Answers the one community that the key belongs to."""
    return Items(items=[CommunityView.of(await given.store.community(key.community_id))])


@router.post("", status_code=201, summary="Set up a community")
async def create_community(sent: NewCommunity, request: Request, given: Given, key: Operator) -> NewCommunityView:
    """Makes a community and its first key, with the scope `admin`. The key's token is shown this once."""
    community = Community(id=new_id("com"), name=sent.name, context=tuple(sent.context))
    token, digest = new_token()
    first = ApiKey(
        id=new_id("key"),
        community_id=community.id,
        name="first key",
        scopes=frozenset({Scope.ADMIN}),
        digest=digest,
        created_at=given.clock.now(),
    )
    audit = audit_entry(given, key, "community.created", community.id)
    await given.store.add_community(community, [first], audit=audit)
    given.changed()
    answer = NewCommunityView(community=CommunityView.of(community), key=NewKeyView.of(first))
    keep_instead(request, answer.model_dump_json())
    return answer.model_copy(update={"key": answer.key.model_copy(update={"token": token})})
