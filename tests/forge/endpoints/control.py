"""What only a browser can do at GitHub, and what only a test may do: under `/_forge/`, without a token, always by POST of JSON."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.forge import views
from tests.forge.routes import Call, Created, not_found, route

if TYPE_CHECKING:
    from tests.forge.world import Installation


@route("GET /_forge/settings", web=True)
def settings(call: Call):
    return call.forge.settings()


@route("POST /_forge/settings", web=True)
def change_settings(call: Call):
    """hook_url; enforce_limits; token_seconds (how long new tokens are really good for)."""
    forge = call.forge
    forge.tokens.lifetime_seconds = call.field("token_seconds", forge.tokens.lifetime_seconds)
    forge.hook_url = call.field("hook_url", forge.hook_url)
    forge.limits.enforced = call.field("enforce_limits", forge.limits.enforced)
    return {}


@route("POST /_forge/people", web=True)
def add_person(call: Call):
    """login -> its token."""
    return Created({"token": call.forge.account(call.body["login"]).token})


@route("POST /_forge/repositories", web=True)
def add_repository(call: Call):
    """full_name, private, files {path: text}, roles {login: role}."""
    made = call.forge.repository(
        call.body["full_name"],
        files=call.field("files"),
        private=call.field("private", False),
        roles=call.field("roles"),
    )
    return Created(views.repository(call.forge, made))


@route("POST /_forge/attachments", web=True)
def attach(call: Call):
    """repository, name, and data (base64) -> the address that GitHub would put into the text."""
    return Created(
        {"url": call.forge.attach(call.body["repository"], call.body["name"], base64.b64decode(call.body["data"]))}
    )


@route("POST /_forge/gists", web=True)
def add_gist(call: Call):
    """login, files {name: text}."""
    gist = call.forge.gist(call.body["login"], call.body["files"])
    return Created({"id": gist.id, "url": f"{call.forge.web_url}/gist/{gist.id}"})


# Installing


@route("POST /_forge/installations", web=True)
def install(call: Call):
    """owner, repositories (full names; left out: all)."""
    return Created({"id": call.forge.install(call.body["owner"], call.field("repositories"), tell=True).id})


@route("DELETE /_forge/installations/{id:int}", web=True)
def uninstall(call: Call):
    forge, given = call.forge, _installation(call)
    forge.uninstall(given)


@route("POST /_forge/installations/{id:int}/suspend", web=True)
def suspend(call: Call):
    call.forge.suspend(_installation(call))
    return {}


@route("POST /_forge/installations/{id:int}/unsuspend", web=True)
def unsuspend(call: Call):
    call.forge.unsuspend(_installation(call))
    return {}


@route("POST /_forge/installations/{id:int}/repositories", web=True)
def select(call: Call):
    """repositories: the full names that shall be covered from now on."""
    call.forge.select(_installation(call), set(call.body["repositories"]))
    return {}


def _installation(call: Call) -> Installation:
    found = call.forge.installations.get(call.params["id"])
    if found is None:
        raise not_found()
    return found


# Pressing


@route("POST /_forge/press", web=True)
def press(call: Call):
    """A check's own button: repository, check_run, identifier, login."""
    run = call.forge.repo(call.body["repository"]).check_runs[call.body["check_run"]]
    call.forge.press(call.body["repository"], run, call.body["identifier"], by=call.body["login"])
    return {}


# Faults


@route("POST /_forge/faults/requests", web=True)
def fault(call: Call):
    """The fields of faults.Fault."""
    call.forge.faults.request(**call.body)
    return Created({})


@route("POST /_forge/faults/deliveries", web=True)
def delivery_fault(call: Call):
    """The fields of faults.DeliveryFault."""
    call.forge.faults.delivery(**call.body)
    return Created({})


@route("POST /_forge/faults/clear", web=True)
def clear_faults(call: Call):
    call.forge.faults.clear()
    return {}


@route("POST /_forge/tokens/expire", web=True)
def expire_tokens(call: Call):
    call.forge.tokens.expire()
    return {}


@route("POST /_forge/events", web=True)
def send_event(call: Call):
    """event, payload, guid: any event, signed and delivered as it is."""
    call.forge.webhooks.send(call.body["event"], call.body["payload"], call.field("guid"))
    return Created({})


# Looking


@route("GET /_forge/log", web=True)
def log(call: Call):
    return {"requests": [vars(entry) for entry in call.forge.log], "violations": call.forge.violations}


@route("GET /_forge/deliveries", web=True)
def deliveries(call: Call):
    def brief(one: Any) -> dict[str, Any]:
        return {
            "id": one.id,
            "guid": one.guid,
            "event": one.event,
            "action": one.action,
            "status": one.status,
            "redelivery": one.redelivery,
            "seconds": one.seconds,
        }

    return {"deliveries": [brief(one) for one in call.forge.webhooks.deliveries]}
