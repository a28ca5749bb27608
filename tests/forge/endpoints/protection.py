"""Branch protection and rulesets: how a person sets them (rules.py says what they refuse)."""

from __future__ import annotations

from typing import Any

from tests.forge import rules
from tests.forge.routes import Call, Created, GitHubError, not_found, route
from tests.forge.world import Protection, Ruleset

_PROTECTION = "/repos/{owner}/{repo}/branches/{branch:path}/protection"


@route(f"PUT {_PROTECTION}", app="administration:write", person="admin")
def protect(call: Call):
    branch = call.params["branch"]
    if call.repo.git.tip(branch) is None:
        raise GitHubError(404, "Branch not found")
    checks, reviews = call.field("required_status_checks"), call.field("required_pull_request_reviews")
    contexts = [*(checks or {}).get("contexts", []), *(one["context"] for one in (checks or {}).get("checks", []))]
    call.repo.protections[branch] = Protection(
        branch=branch,
        contexts=list(dict.fromkeys(contexts)),
        approvals=None if reviews is None else reviews.get("required_approving_review_count", 1),
        enforce_admins=bool(call.field("enforce_admins")),
        strict=bool((checks or {}).get("strict")),
        force_pushes=bool(call.field("allow_force_pushes")),
    )
    return protection(call)


@route(f"GET {_PROTECTION}", app="administration:read", person="admin")
def protection(call: Call):
    given = call.repo.protections.get(call.params["branch"])
    if given is None:
        raise GitHubError(404, "Branch not protected")
    url = f"{call.forge.api_url}{call.path}"
    shown: dict[str, Any] = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": given.enforce_admins},
        **{
            name: {"enabled": False}
            for name in (
                "required_linear_history",
                "block_creations",
                "required_conversation_resolution",
                "lock_branch",
                "allow_fork_syncing",
                "allow_deletions",
            )
        },
        "allow_force_pushes": {"enabled": given.force_pushes},
        "required_signatures": {"url": f"{url}/required_signatures", "enabled": False},
    }
    if given.contexts:
        checks = [{"context": name, "app_id": None} for name in given.contexts]
        where = {"url": f"{url}/required_status_checks", "contexts_url": f"{url}/required_status_checks/contexts"}
        shown["required_status_checks"] = {
            **where,
            "strict": given.strict,
            "contexts": given.contexts,
            "checks": checks,
        }
    if given.approvals is not None:
        flags = dict.fromkeys(
            ("dismiss_stale_reviews", "require_code_owner_reviews", "require_last_push_approval"), False
        )
        where = {"url": f"{url}/required_pull_request_reviews"}
        shown["required_pull_request_reviews"] = {**where, **flags, "required_approving_review_count": given.approvals}
    return shown


@route(f"DELETE {_PROTECTION}", app="administration:write", person="admin")
def unprotect(call: Call):
    if call.repo.protections.pop(call.params["branch"], None) is None:
        raise GitHubError(404, "Branch not protected")


@route("POST /repos/{owner}/{repo}/rulesets", app="administration:write", person="admin")
def create_ruleset(call: Call):
    include = call.field("conditions", {}).get("ref_name", {}).get("include", ["~DEFAULT_BRANCH"])
    made = Ruleset(call.forge.next_id(), call.required("name", "Ruleset"), include, call.field("rules", []))
    call.repo.rulesets[made.id] = made
    return Created(_shown(call, made))


@route("GET /repos/{owner}/{repo}/rulesets")
def rulesets(call: Call):
    return [_shown(call, one) for one in call.repo.rulesets.values()]


@route("DELETE /repos/{owner}/{repo}/rulesets/{id:int}", app="administration:write", person="admin")
def delete_ruleset(call: Call):
    if call.repo.rulesets.pop(call.params["id"], None) is None:
        raise not_found()


@route("GET /repos/{owner}/{repo}/rules/branches/{branch:path}")
def rules_of_branch(call: Call):
    source = {"ruleset_source_type": "Repository", "ruleset_source": call.repo.full_name}
    return [
        {**rule, **source, "ruleset_id": ruleset.id}
        for ruleset, rule in rules.applying(call.repo, call.params["branch"])
    ]


def _shown(call: Call, given: Ruleset) -> dict[str, Any]:
    conditions = {"ref_name": {"include": given.include, "exclude": []}}
    facts = {
        "id": given.id,
        "name": given.name,
        "target": "branch",
        "source_type": "Repository",
        "source": call.repo.full_name,
    }
    return {**facts, "enforcement": "active", "conditions": conditions, "rules": given.rules}
