"""The pages and files beside the API: attachments, raw files, gists' files, and the page that makes an App of a manifest."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import secrets
import time
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse, Response

from tests.forge.routes import Call, GitHubError, not_found, route

SIGNED_SECONDS = 300


def _signature(call: Call, path: str, expires: str) -> str:
    return hmac.new(call.forge.webhook_secret.encode(), f"{path} {expires}".encode(), hashlib.sha256).hexdigest()


@route("GET /user-attachments/files/{id:int}/{name}", web=True)
@route("GET /user-attachments/assets/{name}", web=True)
def attachment(call: Call):
    """A redirect to a signed address, for anyone, if the repository is public; else only for a browser that is signed in: no token helps."""
    found = call.forge.attachments.get(call.path)
    if found is None or found.repository.private:
        raise not_found()
    expires = str(int(time.time()) + SIGNED_SECONDS)
    signed = f"/objects{call.path}?X-Amz-Expires={expires}&X-Amz-Signature={_signature(call, call.path, expires)}"
    return RedirectResponse(call.forge.web_url + signed, 302)


@route("GET /objects/{path:path}", web=True)
def signed_object(call: Call):
    """The storage behind attachments. Like the real one, it refuses a request that carries a token."""
    path, expires = f"/{call.params['path']}", call.query.get("X-Amz-Expires", "0")
    if "authorization" in call.headers:
        raise GitHubError(400, "Only one auth mechanism allowed")
    if (
        not hmac.compare_digest(_signature(call, path, expires), call.query.get("X-Amz-Signature", ""))
        or int(expires) < time.time()
    ):
        raise GitHubError(403, "AccessDenied")
    return Response(call.forge.attachments[path].data, media_type="application/octet-stream")


@route("GET /{owner}/{repo}/raw/{path:path}", web=True)
def raw(call: Call):
    """`/owner/name/raw/REF/PATH` (REF may hold slashes, `refs/heads/` in front of it too)."""
    if call.repo.private and call.actor.kind == "anonymous":
        raise not_found()
    parts = call.params["path"].removeprefix("refs/heads/").split("/")
    for cut in range(1, len(parts)):
        commit = call.repo.git.commit_of("/".join(parts[:cut]))
        if commit and call.repo.git.ask("cat-file", "-e", f"{commit}:{'/'.join(parts[cut:])}"):
            return Response(call.repo.git.file(commit, "/".join(parts[cut:])), media_type="text/plain; charset=utf-8")
    raise not_found()


@route("GET /{owner}/{repo}/blob/{path:path}", web=True)
def blob(call: Call):
    """A page, not the file: programs that follow a permalink must make something else of it."""
    if call.repo.private:
        raise not_found()
    return HTMLResponse(
        f"<!DOCTYPE html><title>{html.escape(call.params['path'])} at {html.escape(call.repo.full_name)}</title>"
    )


@route("GET /gist/{id}/raw/{name}", web=True)
def gist_file(call: Call):
    found = call.forge.gists.get(call.params["id"])
    if found is None or call.params["name"] not in found.files:
        raise not_found()
    return Response(found.files[call.params["name"]].encode(), media_type="text/plain; charset=utf-8")


@route("POST /settings/apps/new", web=True)
@route("POST /organizations/{org}/settings/apps/new", web=True)
def new_app(call: Call):
    """The person has agreed: back to the manifest's `redirect_url` with a code."""
    form = parse_qs(call.raw.decode())
    manifest = json.loads(form["manifest"][0])
    code = secrets.token_hex(20)
    call.forge.manifests[code] = manifest
    state = call.query.get("state") or form.get("state", [""])[0]
    return RedirectResponse(f"{manifest['redirect_url']}?code={code}&state={state}", 302)
