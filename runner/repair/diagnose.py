"""From what went wrong to its cause: the signatures that ship, over the evidence of one attempt."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from codegen.core_version import MODEL_SUFFIXES
from codegen.errors import PatchRefused
from codegen.json_values import as_object
from codegen.lock_patch import LONGEST_REASON, LockPatch, apply
from runner.repair.diagnosis import Diagnosis, GiveUp, LearnedFix, Question, Remedy
from runner.repair.evidence import STAGES, Evidence, normalise
from runner.repair.found import Found, Outcome, shown
from runner.repair.needles import may_match
from runner.repair.rejections import told_rejections
from runner.repair.signatures import Signature, compiled, resolver, signatures

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from codegen.lock import Gpu
    from codegen.plan import Plan

MOST_PLACES: Final = 30
"""Of one pattern in one text that are looked at: a log repeats itself."""
LONGEST_QUOTE: Final = 400
SHORTEST_MASKED: Final = 20
"""Characters of a text of the workflow that are blotted out in logs. A shorter one holds no message."""
MOST_MASKED: Final = 500
SPENT: Final = GiveUp(why="the failure is there although what repairs it is in the lock already")
"""Where all that a signature knows has been done: another one may still say more."""
UNMATCHED: Final = "unmatched"
"""Stands for a signature where a failure has none."""
_ERROR_LINE: Final = re.compile(r"(?m)^[ \t]*(?:[\w.]{0,100}(?:Error|Exception|Failure)|error|fatal)\b:?[^\n]{0,300}")
_VARYING: Final = re.compile(r"0x[0-9a-fA-F]+|[0-9a-f]{8,}|\d+(?:\.\d+)*|/[^\s'\":]+")


def diagnose(
    evidence: tuple[Evidence, ...],
    *,
    plan: Plan,
    learned: tuple[LearnedFix, ...] = (),
    gpus: Collection[Gpu] | None = None,
) -> Diagnosis | None:
    """The cause of an attempt's failure that is dealt with first; `None` if no signature knows it.

    Of several causes that of the earliest stage comes first, as it costs least to try, then the one whose signature
    has the lowest rank. What has repaired the same failure before (`learned`) is the first remedy. Every patch in the
    diagnosis can be applied to the plan's lock.
    """
    texts = [_Text(one, plan, gpus) for one in evidence]
    spent: Diagnosis | None = None
    for stage in STAGES:
        present = [text for text in texts if text.evidence.stage == stage]
        for signature in signatures():
            if present and stage in signature.stages:
                for text in present:
                    diagnosis = _first(signature, text, learned)
                    if diagnosis is not None and diagnosis.remedy != SPENT:
                        return diagnosis
                    spent = spent or diagnosis
    return spent or _learned_only(evidence, plan, learned, gpus)


def fingerprint(evidence: Iterable[Evidence]) -> str:
    """What a failure without a signature is remembered by: its last error, without numbers and paths."""
    for one in reversed(tuple(evidence)):
        errors = _ERROR_LINE.findall(normalise(one.text))
        if errors:
            return _VARYING.sub("_", " ".join(str(errors[-1]).split()))[:200]
    return ""


class _Text:
    """A text of the evidence as it is searched."""

    def __init__(self, evidence: Evidence, plan: Plan, gpus: Collection[Gpu] | None) -> None:
        self.evidence = evidence
        text = normalise(evidence.text)
        told = told_rejections(evidence, text)
        self.text = _masked(f"{told}\n{text}" if told else text, plan)
        self.lowered = self.text.lower()
        self._plan = plan
        self._gpus = gpus

    def found(self, match: re.Match[str]) -> Found:
        """A place in it."""
        return Found(
            groups={name: value for name, value in match.groupdict().items() if value is not None},
            text=self.text,
            start=match.start(),
            end=match.end(),
            evidence=self.evidence,
            plan=self._plan,
            gpus=self._gpus,
        )


def _masked(text: str, plan: Plan) -> str:
    """Without sentences of the workflow itself, which logs quote: what a prompt says is no message."""
    for sentence in _sentences(plan):
        if sentence in text:
            text = text.replace(sentence, "…")
    return text


def _sentences(plan: Plan) -> list[str]:
    found: dict[str, None] = {}
    for node in plan.prompt.values():
        values = [*as_object(node.get("inputs")).values(), as_object(node.get("_meta")).get("title")]
        for value in values:
            if isinstance(value, str) and not value.lower().endswith(MODEL_SUFFIXES):
                for form in (value, repr(value)[1:-1], *value.splitlines()):
                    form = normalise(form).strip()  # noqa: PLW2901 - as the log has it
                    if len(form) >= SHORTEST_MASKED and " " in form:
                        found[form] = None
                if len(found) >= MOST_MASKED:
                    return list(found)
    return list(found)


def _first(signature: Signature, text: _Text, learned: tuple[LearnedFix, ...]) -> Diagnosis | None:
    """At the first place that the signature has something to say about that is not done yet, else at the first."""
    spent: Diagnosis | None = None
    for pattern in signature.patterns:
        if not may_match(pattern, text.lowered):
            continue
        for match in islice(compiled(pattern).finditer(text.text), MOST_PLACES):
            diagnosis = _diagnosed(signature, text.found(match), learned)
            if diagnosis is not None and diagnosis.remedy != SPENT:
                return diagnosis
            spent = spent or diagnosis
    return spent


def _diagnosed(signature: Signature, found: Found, learned: tuple[LearnedFix, ...]) -> Diagnosis | None:
    result = resolver(signature)(found) if signature.resolver else _from_data(signature, found.groups)
    if result is None:
        return None
    names = {**found.groups, **result.facts}
    cause = _filled(signature.cause, names)[:LONGEST_REASON]
    subject = shown(_filled(signature.subject, names) if result.subject is None else result.subject)
    remedies = list(_remedies(result, cause, found))
    known = [
        fix.patch
        for fix in learned
        if fix.signature == signature.id and fix.details in {"", subject} and _applicable(fix.patch, found)
    ]
    all_of_them: list[Remedy] = [*known, *(one for one in remedies if one not in known)]
    if not all_of_them:
        all_of_them.append(SPENT)
    return Diagnosis(
        signature=signature.id,
        subject=subject,
        cause=cause,
        remedy=all_of_them[0],
        otherwise=tuple(all_of_them[1:]),
        unsure=(signature.unsure or result.unsure or all_of_them[0] == SPENT) and not known,
        quote=found.line.strip()[:LONGEST_QUOTE],
        stage=found.evidence.stage,
        learned=bool(known),
    )


def _remedies(result: Outcome, cause: str, found: Found) -> Iterator[Remedy]:
    for step in result.steps:
        if not isinstance(step, tuple):
            yield step
            continue
        with suppress(ValidationError):
            patch = LockPatch(changes=step, because=cause)
            if _applicable(patch, found):
                yield patch


def _applicable(patch: LockPatch, found: Found) -> bool:
    try:
        apply(found.lock, patch, gpus=found.gpus, prompt=found.plan.prompt)
    except PatchRefused:
        return False
    return True


def _from_data(signature: Signature, groups: Mapping[str, str]) -> Outcome | None:
    steps: list[Any] = []
    if signature.patch:
        changes = [{name: _deep_filled(value, groups) for name, value in each.items()} for each in signature.patch]
        with suppress(ValidationError):  # a name that no lock would take
            steps.append(LockPatch.model_validate({"changes": changes, "because": "-"}).changes)
    if signature.transient:
        steps.append(signature.transient)
    if signature.question:
        steps.append(
            Question(text=_filled(signature.question.text, groups), answer=_filled(signature.question.answer, groups))
        )
    if end := signature.give_up_step():
        steps.append(end)
    return Outcome(steps=tuple(steps)) if steps else None


def _deep_filled(value: Any, groups: Mapping[str, str]) -> Any:  # noqa: ANN401 - TOML
    if isinstance(value, str):
        return value.format_map(groups)
    if isinstance(value, list):
        return tuple(_deep_filled(one, groups) for one in value)  # pyright: ignore[reportUnknownVariableType] - TOML
    return value


def _filled(template: str, names: Mapping[str, str]) -> str:
    """A sentence of ours with names of others'; those that are not known are told as such."""
    return template.format_map(_Names({name: shown(value) for name, value in names.items()}))


class _Names(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"some {key}"


def _learned_only(
    evidence: tuple[Evidence, ...], plan: Plan, learned: tuple[LearnedFix, ...], gpus: Collection[Gpu] | None
) -> Diagnosis | None:
    """What has repaired a failure that has no signature, when the same is there again."""
    mark = fingerprint(evidence) if learned else ""
    for fix in learned:
        if mark and fix.signature == UNMATCHED and fix.details == mark:
            with suppress(PatchRefused):
                apply(plan.lock, fix.patch, gpus=gpus, prompt=plan.prompt)
                return Diagnosis(
                    signature=UNMATCHED,
                    subject=mark,
                    cause=fix.patch.because,
                    remedy=fix.patch,
                    quote=mark,
                    stage=evidence[-1].stage,
                    learned=True,
                )
    return None
