"""API keys of the caller's community."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.auth import Admin, audit_entry, new_token, require
from api.idempotency import keep_instead
from api.schemas.common import Identifier, Items
from api.schemas.communities import KeyView, NewKey, NewKeyView
from api.services import Given
from core.ids import new_id
from core.types import ApiKey

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post("", status_code=201, summary="Make a key")
async def create_key(sent: NewKey, request: Request, given: Given, key: Admin) -> NewKeyView:
    """Makes a key. Its token is shown this once; a key can give no scope that it lacks itself."""
    for scope in sent.scopes:
        require(key, scope)
    token, digest = new_token()
    made = ApiKey(
        id=new_id("key"),
        community_id=key.community_id,
        name=sent.name,
        scopes=sent.scopes,
        digest=digest,
        created_at=given.clock.now(),
    )
    await given.store.add_api_key(made, audit=audit_entry(given, key, "key.created", made.id))
    answer = NewKeyView.of(made)
    keep_instead(request, answer.model_dump_json())
    return answer.model_copy(update={"token": token})


@router.get("", summary="List the keys")
async def list_keys(given: Given, key: Admin) -> Items[KeyView]:
    """Answers all keys of the community, revoked ones too, without their tokens."""
    return Items(items=[KeyView.of(one) for one in await given.store.api_keys(key.community_id)])


@router.delete("/{key_id}", status_code=204, summary="Revoke a key")
async def revoke_key(key_id: Identifier, given: Given, key: Admin) -> None:
    """Makes the key good for nothing, at once. A key can revoke itself."""
    audit = audit_entry(given, key, "key.revoked", key_id)
    await given.store.revoke_api_key(key.community_id, key_id, given.clock.now(), audit=audit)
