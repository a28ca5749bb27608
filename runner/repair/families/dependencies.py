"""Python packages that cannot be had together, or at all."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from codegen.catalog import packaged_versions
from codegen.core_version import core_facts
from codegen.lock_changes import (
    AddPackage,
    AddSystemPackage,
    ConstrainPackage,
    OverridePackage,
    RemovePackage,
    SetExcludeNewer,
    SetPython,
)
from codegen.lock_packages import TORCH
from codegen.lock_patch import PYTHONS
from runner.repair.diagnosis import GiveUp
from runner.repair.families.common import ask_for_another_commit, held_torch, pack_in, version_key
from runner.repair.found import Found, Outcome, Step, outcome
from runner.repair.tables import canonical, distribution_of, modules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codegen.lock_changes import Change

EXPLANATION: Final = 8000
"""Characters after a resolver's first line that belong to what it says."""
_BOUND: Final = r"(?:[<>=!~]=?=?[ \t]?[\w.*+!]{1,40}(?:,[ \t]?| and (?=[<>=!~]))?){1,6}"
_DEMAND: Final = re.compile(
    r"(?:depends? on|requires?|requested|\(constraint\))(?: \(constraint\))? (?P<name>[A-Za-z0-9][\w.-]{0,80})"
    rf"(?:\[[^\]]{{0,80}}\])?[ \t]?\(?(?P<bounds>{_BOUND})"
)
_AND: Final = re.compile(rf"(?: and|,) (?P<name>[A-Za-z0-9][\w.-]{{0,80}})(?:\[[^\]]{{0,80}}\])?(?P<bounds>{_BOUND})")
_CLAUSE: Final = re.compile(r"(===?|!=|<=|>=|<|>|~=)[ \t]?([A-Za-z0-9][A-Za-z0-9.*+_-]*)")
_PYTHON: Final = re.compile(rf"Python ?(?P<bounds>{_BOUND})")
_ONLY: Final = re.compile(
    rf"(?:no versions? of|only) (?P<name>[A-Za-z0-9][\w.-]{{0,80}}?)(?:\[[^\]]{{0,80}}\])?(?P<bounds>{_BOUND})"
)
_PUBLISHED: Final = re.compile(r"published (?:at|on) (?P<day>\d{4}-\d\d-\d\d)")
_FILTERED: Final = re.compile(r"`?(?P<name>[A-Za-z0-9][\w.-]{0,80})`? was filtered by `?exclude-newer")
_COLLECTED: Final = re.compile(r"(?m)^[ \t]{0,8}(?:Collecting|Processing) ([A-Za-z0-9][\w.-]{0,80})")
"""What pip was at when it failed."""
_NEEDS_TORCH: Final = re.compile(r"No module named ['\"]torch['\"]")
"""A build that imports torch is isolated from the app's, and no other Python helps it."""
_UNPICKED: Final = re.compile(r"(?:\.dev0|\.\*)$")


def conflict(found: Found) -> Outcome | None:
    """One version of what several ask for in versions that exclude each other: the newest that is asked for."""
    said = " ".join(found.text[found.start : found.start + EXPLANATION].split())
    by_name: dict[str, list[str]] = {}
    for pattern in (_DEMAND, _AND, _ONLY):
        for match in pattern.finditer(said):
            bounds = by_name.setdefault(canonical(match["name"]), [])
            spelled = _spelled(match["bounds"])
            if spelled and spelled not in bounds:
                bounds.append(spelled)
    python = [clause for bounds in by_name.pop("python", []) for clause in [bounds]]
    python += [_spelled(match["bounds"]) for match in _PYTHON.finditer(said)]
    steps = [*_later_day(found, said)]
    disputed = [name for name, bounds in by_name.items() if len(bounds) > 1 and _excluding(bounds)]
    wanted = disputed or [name for name, bounds in by_name.items() if bounds]
    for name in wanted[:3]:
        steps += _settled(found, name, by_name[name], only=not disputed)
    if re.search(r"(?:[Pp]ython (?:version|ABI|tag)|[Cc]urrent Python)", said) or not wanted:
        steps = [*steps[:1], *_pythons(found, python), *steps[1:]] if steps else _pythons(found, python)
    if not steps:
        return None
    name = (wanted or ["python"])[0]
    return outcome(
        *steps, GiveUp(why=f"no versions of {name} and what needs it fit together"), subject=name, package=name
    )


def _later_day(found: Found, said: str) -> list[Step]:
    """A package that was published after the lock's date bound."""
    filtered = _FILTERED.search(said)
    if filtered is None:
        return []
    published = _PUBLISHED.search(said)
    days = [core_facts(version).exclude_newer for version in packaged_versions()]
    if published:
        days.append(date.fromisoformat(published["day"]) + timedelta(days=1))
        return [(SetExcludeNewer(date=days[-1]),)]
    later = [day for day in sorted(days) if day > found.lock.dependencies.exclude_newer]
    return [(SetExcludeNewer(date=day),) for day in later[:1]]


def _settled(found: Found, name: str, bounds: list[str], *, only: bool) -> list[Step]:
    if name in TORCH:
        return [held_torch(found.lock.dependencies.exclude_newer)]
    if name in modules().aliases:
        return _aliased(name)
    ranked = sorted((one for one in bounds if _lowest(one)), key=lambda one: _lowest(one) or (), reverse=True)
    steps: list[Step] = []
    if ranked and not only:
        steps.append((OverridePackage(requirement=f"{name}{ranked[0]}"),))
    steps.append((OverridePackage(requirement=f"{name}>=0"),))
    return steps


def _excluding(bounds: list[str]) -> bool:
    """Whether some version that one asks for is too new for another, as far as numbers tell."""
    lowest = [low for one in bounds if (low := _lowest(one))]
    for one in bounds:
        for operator, version in _CLAUSE.findall(one):
            key = version_key(version)
            if (operator in {"<", "<=", "==", "===", "~="}) and any(
                low > key or (operator == "<" and low == key) for low in lowest
            ):
                return True
    exact = {version for one in bounds for operator, version in _CLAUSE.findall(one) if operator in {"==", "==="}}
    return len(exact) > 1


def _lowest(bounds: str) -> tuple[int, ...] | None:
    keys = [
        version_key(version)
        for operator, version in _CLAUSE.findall(bounds)
        if operator in {">=", ">", "==", "===", "~="}
    ]
    return max(keys, default=None)


def _spelled(bounds: str) -> str:
    """As a lock takes it."""
    clauses = [
        (operator.replace("===", "=="), _UNPICKED.sub("", version)) for operator, version in _CLAUSE.findall(bounds)
    ]
    return ",".join(
        f"{operator}{version.rstrip('.')}" for operator, version in clauses if re.match(r"[A-Za-z0-9]", version)
    )


def _pythons(found: Found, bounds: Iterable[str]) -> list[Step]:
    """Another Python: the newest that all allow, or the next older ones."""
    now = found.lock.dependencies.python
    limits = [clause for one in bounds for clause in _CLAUSE.findall(one)]
    # what uv says of the Python that is there has the form Python>=3.12, too
    uppers = [version_key(version) for operator, version in limits if operator in {"<", "<="}]
    lowers = [version_key(version) for operator, version in limits if operator in {">=", ">"}]
    older = [one for one in reversed(PYTHONS) if version_key(one) < version_key(now)]
    newer = [one for one in PYTHONS if version_key(one) > version_key(now)]
    if uppers and any(version_key(now) >= upper for upper in uppers):
        fitting = [
            one for one in older if all(version_key(one) < upper for upper in uppers if upper <= version_key(now))
        ]
        return [(SetPython(version=one),) for one in fitting[:1]]
    if lowers and any(version_key(now) < low for low in lowers):
        fitting = [one for one in newer if all(version_key(one) >= low for low in lowers)]
        return [(SetPython(version=one),) for one in fitting[:1]]
    return [(SetPython(version=one),) for one in older[:2]]


def unavailable(found: Found) -> Outcome | None:  # noqa: PLR0911 - one case for each reason
    """A package that no index has by that name, or not in that version."""
    name = canonical(found.groups["name"])
    there = found.groups.get("there", "")
    versions = [one.strip() for one in there.split(",") if re.match(r"\s*\d", one)]
    facts = {"subject": name, "package": name}
    if name in TORCH:
        return outcome(held_torch(found.lock.dependencies.exclude_newer), facts=facts)
    if name == "python":
        return outcome(*_pythons(found, [found.groups.get("bounds", "")]), facts=facts)
    if versions:
        newest = max((one for one in versions if re.fullmatch(r"[\d.]+", one)), key=version_key, default="0")
        return outcome(
            (OverridePackage(requirement=f"{name}=={newest}" if newest != "0" else f"{name}>=0"),),
            *_pythons(found, []),
            facts=facts,
        )
    alias = distribution_of(found.groups["name"])
    if name in modules().aliases:
        return outcome(*_aliased(name), facts=facts)
    if alias and canonical(alias) != name:
        return outcome((RemovePackage(name=name), AddPackage(requirement=alias)), facts=facts)
    if "no version" in found.text[found.start : found.end + 40] or found.groups.get("bounds"):
        steps: list[Step] = [*_later_day(found, found.text[found.start : found.start + EXPLANATION])]
        return outcome(*steps, (OverridePackage(requirement=f"{name}>=0"),), (RemovePackage(name=name),), facts=facts)
    return outcome((RemovePackage(name=name),), facts=facts)


def python_of_package(found: Found) -> Outcome | None:
    """A Python that the package supports."""
    steps = _pythons(found, [found.groups["bounds"]])
    return outcome(*steps, subject=found.groups["bounds"]) if steps else None


def install_failed(found: Found) -> Outcome | None:
    """An installer that says it has failed, whatever its exit code is; nothing before tells the cause."""
    name = found.groups["name"]
    pin = pack_in(f"custom_nodes/{name.rsplit('/', 1)[-1].split('@')[0]}", found.lock)
    if pin is None:
        return outcome(GiveUp(why="an installation failed: see the build log"), subject=name, unsure=True)
    text = f"{pin.repository} cannot be installed at the commit that is pinned. Which commit of it can?"
    return outcome(ask_for_another_commit(pin, found, text), subject=pin.name, unsure=True)


def _aliased(name: str) -> list[Step]:
    alias = modules().aliases[name]
    add: tuple[Change, ...] = (AddPackage(requirement=alias),) if alias else ()
    return [(RemovePackage(name=name), *add)]


def wanted_version(found: Found) -> Outcome | None:
    """What a library says at its import that it needs, held when everything is resolved together."""
    name = canonical(found.groups["name"])
    bounds = _spelled(found.groups["bounds"])
    if not bounds:
        return None
    steps: list[Step] = (
        [held_torch(found.lock.dependencies.exclude_newer)]
        if name in TORCH
        else [
            (ConstrainPackage(requirement=f"{name}{bounds}"),),
            (OverridePackage(requirement=f"{name}{bounds}"),),
        ]
    )
    return outcome(*steps, subject=name, package=name, bounds=bounds)


def build_failed(found: Found) -> Outcome | None:
    """What building from source lacks; a package that only makes something faster is left out."""
    around = found.text[max(0, found.start - 3000) : found.end + EXPLANATION]
    said = found.groups.get("name", "").strip("`'\"") or next(iter(reversed(_COLLECTED.findall(found.before))), "")
    name = canonical(re.split(r"[=<>!~@ ]", said)[0])
    facts = {"subject": name, "package": name}
    steps: list[Step] = []
    if name in modules().optional:
        steps.append((RemovePackage(name=name),))
    system = [package for key, package in modules().headers.items() if _is_missing(key, around)]
    steps += [(AddSystemPackage(name=package),) for package in dict.fromkeys(system)]
    if re.search(r"(?:pkgutil|ImpImporter|distutils|Python\.h|longintrepr|PyUnicode|_PyLong|use_2to3)", around):
        steps += _pythons(found, [])[:1]
    if name in modules().aliases:
        steps += _aliased(name)
    if not steps and not _NEEDS_TORCH.search(around):
        steps += _pythons(found, [])[:1]
    steps.append(GiveUp(why=f"{name or 'a package'} cannot be built in the app's image: see the build log"))
    return outcome(*steps, unsure=len(steps) > 1 and not system and name not in modules().optional, facts=facts)


def _is_missing(key: str, text: str) -> bool:
    word = re.escape(key)
    return (
        re.search(
            rf"fatal error: {word}: No such file|command ['\"]?(?:/usr/bin/)?{word}['\"]? failed: No such file"
            rf"|(?:^|[\s:'\"`]){word}['\"`]?: (?:command )?not found|No such file or directory: ['\"]{word}['\"]"
            rf"|(?i:unable to find|could not find|can't find|cannot find|requires|need) (?:a )?['\"`]?{word}\b"
            rf"|(?i:{word})['\"`]? (?:is not installed|must be installed|is required|not found)",
            text,
        )
        is not None
    )
