"""Faults on demand, for requests and for deliveries; GitHub's rate limits."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.forge.routes import GitHubError

if TYPE_CHECKING:
    from tests.forge.access import Actor

PRIMARY_LIMIT = 5000  # requests an hour
CONTENT_CREATIONS_A_MINUTE = 80
POINTS_A_MINUTE = 900
POINTS_OF_A_WRITE = 5
_CREATIONS = re.compile(
    r"^POST /repos/[^/]+/[^/]+/(issues(/\d+/comments)?|pulls(/\d+/(reviews|comments|requested_reviewers))?)$"
)

Kind = Literal["error", "error-after", "slow", "hang", "secondary-limit", "primary-limit"]


@dataclass
class Fault:
    """Strikes requests whose "METHOD path" matches.

    error: answered `status` without effect; error-after: with its effect; slow: answered after `seconds`;
    hang: has its effect, but is never answered (for `seconds`); the limits: as GitHub words them, with `seconds` to wait.
    """

    match: str
    kind: Kind = "error"
    status: int = 502
    seconds: float = 1.0
    skip: int = 0  # so many matching requests pass first
    times: int = 1
    by: Literal["app", "anyone"] = "app"  # whose requests: by default those of the App under test only
    struck: int = 0

    def refusal(self) -> GitHubError:
        if self.kind == "secondary-limit":
            return secondary_limit(self.seconds)
        if self.kind == "primary-limit":
            return primary_limit(time.time() + self.seconds, self.status if self.status in (403, 429) else 403)
        return GitHubError(self.status, "Server Error")


@dataclass
class DeliveryFault:
    """Strikes webhook deliveries: dropped (logged as failed, never sent), sent twice, held back, or sent after the next one."""

    event: str  # "issues", or "issues.opened"; "*": any
    kind: Literal["drop", "duplicate", "delay", "reorder"]
    seconds: float = 1.0
    times: int = 1
    struck: int = 0


@dataclass
class Faults:
    requests: list[Fault] = field(default_factory=list)
    deliveries: list[DeliveryFault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(self, match: str, kind: Kind = "error", **options: object) -> Fault:
        """`forge.faults.request("POST .*/pulls$", "error-after")`."""
        fault = Fault(match, kind, **options)
        self.requests.append(fault)
        return fault

    def delivery(
        self, event: str, kind: Literal["drop", "duplicate", "delay", "reorder"], **options: object
    ) -> DeliveryFault:
        fault = DeliveryFault(event, kind, **options)
        self.deliveries.append(fault)
        return fault

    def clear(self) -> None:
        self.requests.clear()
        self.deliveries.clear()

    def strikes_request(self, method: str, path: str, actor: Actor) -> Fault | None:
        with self._lock:
            for fault in self.requests:
                if fault.struck >= fault.times or not re.search(fault.match, f"{method} {path}"):
                    continue
                if fault.by == "app" and actor.kind not in ("app", "installation"):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.struck += 1
                return fault
        return None

    def strikes_delivery(self, event: str, action: str | None) -> DeliveryFault | None:
        with self._lock:
            for fault in self.deliveries:
                if fault.struck < fault.times and fault.event in ("*", event, f"{event}.{action}"):
                    fault.struck += 1
                    return fault
        return None


def secondary_limit(seconds: float) -> GitHubError:
    return GitHubError(
        403,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
        "If you reach out to GitHub Support for help, please include the request ID.",
        headers={"retry-after": str(max(1, round(seconds)))},
    )


def primary_limit(reset: float, status: int = 403) -> GitHubError:
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-used": str(PRIMARY_LIMIT),
        "x-ratelimit-reset": str(round(reset)),
    }
    return GitHubError(status, "API rate limit exceeded for installation.", headers=headers)


@dataclass
class _Usage:
    window_end: float = 0.0
    used: int = 0
    creations: deque[float] = field(default_factory=deque)  # when
    points: deque[tuple[float, int]] = field(default_factory=deque)  # when, how many


class Limits:
    """Counts per actor; refuses only when `enforced`. GitHub does not say what creates content: here, what notifies people."""

    def __init__(self) -> None:
        self.enforced = False
        self.creations_a_minute = CONTENT_CREATIONS_A_MINUTE
        self.points_a_minute = POINTS_A_MINUTE
        self.most_creations_in_a_minute = 0
        """The highest that any installation reached, for a test to look at."""
        self._usage: dict[str, _Usage] = {}
        self._lock = threading.Lock()

    def refusal(self, actor: Actor, method: str, path: str) -> GitHubError | None:
        """What a request has earned; counts it where it is let through."""
        now = time.time()
        with self._lock:
            usage = self._usage_of(actor)
            while usage.creations and usage.creations[0] <= now - 60:
                usage.creations.popleft()
            while usage.points and usage.points[0][0] <= now - 60:
                usage.points.popleft()
            creates = bool(_CREATIONS.match(f"{method} {path}"))
            if self.enforced and usage.used >= PRIMARY_LIMIT:
                return primary_limit(usage.window_end)
            if self.enforced and creates and len(usage.creations) >= self.creations_a_minute:
                return secondary_limit(usage.creations[0] + 60 - now)
            if path != "/graphql":  # which is counted apart
                if self.enforced and sum(points for _, points in usage.points) >= self.points_a_minute:
                    return secondary_limit(usage.points[0][0] + 60 - now)
                usage.points.append((now, 1 if method in ("GET", "HEAD") else POINTS_OF_A_WRITE))
            if creates:
                usage.creations.append(now)
                if actor.kind == "installation":
                    self.most_creations_in_a_minute = max(self.most_creations_in_a_minute, len(usage.creations))
        return None

    def headers(self, actor: Actor, path: str, status: int) -> dict[str, str]:
        """The x-ratelimit headers of an answer. One that says "not modified" costs nothing."""
        with self._lock:
            usage = self._usage_of(actor)
            usage.used += status != 304
            return {
                "x-ratelimit-limit": str(PRIMARY_LIMIT),
                "x-ratelimit-remaining": str(max(0, PRIMARY_LIMIT - usage.used)),
                "x-ratelimit-used": str(usage.used),
                "x-ratelimit-reset": str(round(usage.window_end)),
                "x-ratelimit-resource": "graphql" if path == "/graphql" else "core",
            }

    def _usage_of(self, actor: Actor) -> _Usage:
        usage = self._usage.setdefault(_key(actor), _Usage())
        if time.time() >= usage.window_end:
            usage.window_end, usage.used = time.time() + 3600, 0
        return usage


def _key(actor: Actor) -> str:
    if actor.installation:
        return f"installation {actor.installation.id}"
    return actor.account.login if actor.account else actor.kind
