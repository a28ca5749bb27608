"""The App itself: its installations and their tokens, its webhook deliveries, and how it is made from a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.forge import views
from tests.forge.routes import Accepted, Call, Created, GitHubError, Page, invalid, not_found, route
from tests.forge.world import LEVELS

if TYPE_CHECKING:
    from tests.forge.forge import Forge
    from tests.forge.webhooks import Delivery
    from tests.forge.world import Installation


@route("GET /app", jwt=True)
def the_app(call: Call):
    return {**views.app(call.forge), "installations_count": len(call.forge.installations)}


@route("GET /apps/{slug}")
def public_app(call: Call):
    if call.params["slug"] != call.forge.slug:
        raise not_found()
    return views.app(call.forge)


@route("POST /app-manifests/{code}/conversions", person="anyone")
def convert_manifest(call: Call):
    """Called by nobody in particular: the code is the secret, good for once (web.py hands it out)."""
    manifest = call.forge.manifests.pop(call.params["code"], None)
    if manifest is None:
        raise not_found()
    forge = call.forge
    forge.hook_url = (manifest.get("hook_attributes") or {}).get("url", forge.hook_url)
    forge.permissions = {**manifest.get("default_permissions", {}), "metadata": "read"}
    forge.events = list(manifest.get("default_events", []))
    forge.app_name = manifest.get("name", forge.app_name)
    secrets = {"pem": forge.private_key, "webhook_secret": forge.webhook_secret, "client_secret": "0" * 40}
    return Created({**views.app(forge), **secrets})


@route("GET /app/installations", jwt=True)
def installations(call: Call):
    return [views.installation(call.forge, one) for one in call.forge.installations.values()]


@route("GET /app/installations/{id:int}", jwt=True)
def installation(call: Call):
    return views.installation(call.forge, _installation(call))


@route("GET /repos/{owner}/{repo}/installation", jwt=True)
def installation_of_repository(call: Call):
    found = call.forge.installation_for(call.repo)
    if found is None:
        raise not_found()
    return views.installation(call.forge, found)


@route("POST /app/installations/{id:int}/access_tokens", jwt=True)
def create_token(call: Call):
    given = _installation(call)
    if given.suspended_at:
        raise GitHubError(403, "This installation has been suspended")
    permissions = call.field("permissions", given.permissions)
    if any(
        LEVELS.index(level) > LEVELS.index(given.permissions.get(name, "none")) for name, level in permissions.items()
    ):
        raise GitHubError(422, "The permissions requested are not granted to this installation.")
    names, ids = set(call.field("repositories", [])), set(call.field("repository_ids", []))
    covered = call.forge.covered(given)
    chosen = [one for one in covered if one.name in names or one.id in ids]
    if len(chosen) < len(names | ids):
        raise GitHubError(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    narrowed = {one.full_name for one in chosen} if names or ids else None
    token, expires = call.forge.tokens.issue(given, permissions, narrowed)
    selection = "all" if given.selected is None and narrowed is None else "selected"
    answer = {
        "token": token,
        "expires_at": call.forge.at(expires),
        "permissions": permissions,
        "repository_selection": selection,
    }
    if narrowed is not None:
        answer["repositories"] = [views.repository(call.forge, one) for one in chosen]
    return Created(answer)


@route("DELETE /installation/token")
def revoke_token(call: Call):
    call.forge.tokens.revoke(call.headers["authorization"].partition(" ")[2])


@route("GET /installation/repositories")
def repositories_of_token(call: Call):
    given = call.actor.installation
    if given is None:
        raise GitHubError(403, "Resource not accessible by personal access token")
    reached = [one for one in call.forge.covered(given) if call.actor.reaches(one)]
    shown = [views.repository(call.forge, one, call.actor.user) for one in reached]
    return Page("repositories", shown, {"repository_selection": "all" if given.selected is None else "selected"})


def _installation(call: Call) -> Installation:
    found = call.forge.installations.get(call.params["id"])
    if found is None:
        raise not_found()
    return found


# Webhook deliveries


@route("GET /app/hook/config", jwt=True)
def hook_config(call: Call):
    return {"content_type": "json", "insecure_ssl": "0", "secret": "********", "url": call.forge.hook_url or ""}


@route("PATCH /app/hook/config", jwt=True)
def change_hook_config(call: Call):
    call.forge.hook_url = call.field("url", call.forge.hook_url)
    return hook_config(call)


@route("GET /app/hook/deliveries", jwt=True)
def deliveries(call: Call):
    """Newest first, by cursor: the Link header's `next` is all that a client may follow."""
    size = min(int(call.query.get("per_page", 30)), 100)
    newest = [one for one in reversed(call.forge.webhooks.deliveries) if not one.pending]
    if call.query.get("status") == "failure":
        newest = [one for one in newest if not one.ok]
    cursor = call.query.get("cursor", "")
    if cursor:
        if not cursor.startswith("v1_") or not cursor[3:].isdigit():
            raise invalid("HookDelivery", "cursor")
        newest = [one for one in newest if one.id <= int(cursor[3:])]
    return _cursored(call, newest, size)


def _cursored(call: Call, newest: list[Delivery], size: int):
    from starlette.responses import JSONResponse  # noqa: PLC0415 - the one answer with a Link of its own

    response = JSONResponse([_brief(call.forge, one) for one in newest[:size]])
    if len(newest) > size:
        response.headers["link"] = (
            f'<{call.forge.api_url}/app/hook/deliveries?per_page={size}&cursor=v1_{newest[size].id}>; rel="next"'
        )
    return response


def _brief(forge: Forge, given: Delivery) -> dict[str, Any]:
    return {
        "id": given.id,
        "guid": given.guid,
        "delivered_at": given.delivered_at,
        "redelivery": given.redelivery,
        "duration": given.seconds,
        "status": given.status,
        "status_code": given.status_code,
        "event": given.event,
        "action": given.action,
        "installation_id": given.installation_id,
        "repository_id": given.repository_id,
        "throttled_at": None,
    }


@route("GET /app/hook/deliveries/{id:int}", jwt=True)
def delivery(call: Call):
    given = _delivery(call)
    request = {"headers": given.request_headers, "payload": given.payload}
    response = {"headers": given.response_headers, "payload": given.response_body}
    return {**_brief(call.forge, given), "url": call.forge.hook_url or "", "request": request, "response": response}


@route("POST /app/hook/deliveries/{id:int}/attempts", jwt=True)
def redeliver(call: Call):
    call.forge.webhooks.redeliver(_delivery(call))
    return Accepted({})


def _delivery(call: Call) -> Delivery:
    for given in call.forge.webhooks.deliveries:
        if given.id == call.params["id"]:
            return given
    raise not_found()
