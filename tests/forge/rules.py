"""Branch protection and rulesets: what they refuse to a push, to an API write and to a merge."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.forge.access import Actor
    from tests.forge.forge import Forge
    from tests.forge.world import Protection, Pull, Repository, Ruleset

BY_PULL_REQUEST = "Changes must be made through a pull request."
NO_FORCE = "Cannot force-push to this branch"
PASSED = ("success", "neutral", "skipped")


def for_push(forge: Forge, repository: Repository, actor: Actor) -> list[dict[str, Any]]:
    """The rules that hold for a pusher, as the pre-receive hook reads them."""
    found: list[dict[str, Any]] = []
    for protection in repository.protections.values():
        if _bypasses(protection, repository, actor):
            continue
        head = "error: GH006: Protected branch update failed for {ref}."
        reason = "protected branch hook declined"
        ref = f"refs/heads/{protection.branch}"
        lines = _wanted_before_push(protection)
        if lines:
            found.append(
                {"ref": ref, "on": ["update"], "lines": [head, "", *(f"- {line}" for line in lines)], "reason": reason}
            )
        if not protection.force_pushes:
            found.append({"ref": ref, "on": ["force"], "lines": [head, "", f"- {NO_FORCE}"], "reason": reason})
        found.append(
            {"ref": ref, "on": ["delete"], "lines": [head, "", "- Cannot delete this branch"], "reason": reason}
        )
    for ruleset in repository.rulesets.values():
        if actor.user.login in ruleset.bypass:
            continue
        kinds = {rule["type"]: rule.get("parameters", {}) for rule in ruleset.rules}
        for ref in _patterns(ruleset, repository):
            for kind, (on, words) in _RULESET_ON_PUSH.items():
                if kind in kinds:
                    head = "error: GH013: Repository rule violations found for {ref}."
                    where = f"Review all repository rules at {forge.web_url}/{repository.full_name}/rules?ref={quote(ref, safe='')}"
                    reason = "push declined due to repository rule violations"
                    found.append({"ref": ref, "on": on, "lines": [head, where, "", f"- {words}", ""], "reason": reason})
    return found


_RULESET_ON_PUSH = {
    "pull_request": (["update"], BY_PULL_REQUEST),
    "required_status_checks": (["update"], "Required status checks are expected."),
    "non_fast_forward": (["force"], NO_FORCE),
    "creation": (["create"], "Cannot create ref due to creations being restricted."),
    "deletion": (["delete"], "Cannot delete this branch"),
    "update": (["update"], "Cannot update this protected ref."),
    "required_signatures": (["create", "update"], "Commits must have verified signatures."),
}


def against_write(repository: Repository, actor: Actor, branch: str, *, signed: bool = False) -> str | None:
    """Why the API would refuse to put a commit on a branch; None where it would not."""
    protection = repository.protections.get(branch)
    if protection and not _bypasses(protection, repository, actor) and (lines := _wanted_before_push(protection)):
        return lines[0]
    for kind in _ruleset_kinds(repository, actor, branch):
        if kind in ("pull_request", "required_status_checks", "update") or (
            kind == "required_signatures" and not signed
        ):
            return f"Repository rule violations found\n\n{_RULESET_ON_PUSH[kind][1]}\n\n"
    return None


def against_merge(repository: Repository, pull: Pull, actor: Actor | None) -> list[str]:
    """What still stands between a pull request and its merge, in GitHub's words. `actor` None: for nobody in particular."""
    found: list[str] = []
    protection = repository.protections.get(pull.base_ref)
    if protection and not (actor and _bypasses(protection, repository, actor)):
        found += _missing_checks(repository, pull, protection.contexts)
        if protection.approvals is not None:
            found += _missing_approvals(repository, pull, protection.approvals)
    for kind, parameters in _ruleset_kinds(repository, actor, pull.base_ref).items():
        if kind == "required_status_checks":
            found += _missing_checks(
                repository, pull, [check["context"] for check in parameters["required_status_checks"]]
            )
        if kind == "pull_request":
            found += _missing_approvals(repository, pull, parameters.get("required_approving_review_count", 0))
    return found


def check_states(repository: Repository, sha: str) -> dict[str, str]:
    """The latest state of each check and commit status by name: success, failure or pending."""
    states: dict[str, str] = {}
    for status in repository.statuses.get(sha, []):
        states[status["context"]] = {"success": "success", "pending": "pending"}.get(status["state"], "failure")
    for run in repository.checks(sha):
        done = "success" if run.conclusion in PASSED else "failure"
        states[run.name] = done if run.status == "completed" else "pending"
    return states


def applying(repository: Repository, branch: str) -> list[tuple[Ruleset, dict[str, Any]]]:
    """The rules of rulesets for a branch."""
    ref = f"refs/heads/{branch}"
    return [
        (ruleset, rule)
        for ruleset in repository.rulesets.values()
        if any(fnmatch.fnmatchcase(ref, pattern) for pattern in _patterns(ruleset, repository))
        for rule in ruleset.rules
    ]


def _ruleset_kinds(repository: Repository, actor: Actor | None, branch: str) -> dict[str, Any]:
    login = actor.user.login if actor else None
    return {
        rule["type"]: rule.get("parameters", {})
        for ruleset, rule in applying(repository, branch)
        if login not in ruleset.bypass
    }


def _patterns(ruleset: Ruleset, repository: Repository) -> list[str]:
    special = {"~ALL": "refs/heads/*", "~DEFAULT_BRANCH": f"refs/heads/{repository.default_branch}"}
    return [special.get(pattern, pattern.replace("**/*", "*")) for pattern in ruleset.include]


def _bypasses(protection: Protection, repository: Repository, actor: Actor) -> bool:
    return actor.kind == "person" and repository.role(actor.user) == "admin" and not protection.enforce_admins


def _wanted_before_push(protection: Protection) -> list[str]:
    lines = [BY_PULL_REQUEST] if protection.approvals is not None else []
    return lines + [f'Required status check "{name}" is expected.' for name in protection.contexts]


def _missing_checks(repository: Repository, pull: Pull, names: list[str]) -> list[str]:
    states = check_states(repository, pull.head_sha)
    words = {
        "pending": 'Required status check "{}" is in progress.',
        "failure": 'Required status check "{}" is failing.',
    }
    return [
        words.get(states.get(name, ""), 'Required status check "{}" is expected.').format(name)
        for name in names
        if states.get(name) != "success"
    ]


def _missing_approvals(repository: Repository, pull: Pull, wanted: int) -> list[str]:
    last: dict[str, str] = {}
    for review in pull.reviews:
        if review.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and repository.role(review.user) in (
            "write",
            "maintain",
            "admin",
        ):
            last[review.user.login] = review.state
    if "CHANGES_REQUESTED" in last.values():
        return ["Changes have been requested."]
    if list(last.values()).count("APPROVED") < wanted:
        reviews = "approving review is" if wanted == 1 else "approving reviews are"
        return [f"At least {wanted} {reviews} required by reviewers with write access."]
    return []
