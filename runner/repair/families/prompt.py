"""What the server has against the prompt: classes, values and links. Definitions decide, not the log."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from codegen.catalog import COMBO, InputDefinition, load_catalog, packaged_versions
from codegen.convert.dynamic import find_input
from codegen.core_version import MODEL_SUFFIXES
from codegen.json_values import as_list, as_object
from codegen.lock_changes import PinPack, RenameModel, SetComfyUI, SetInput
from codegen.models.loaders import folder_of
from codegen.packs import folder_name
from codegen.packs.known import known_packs
from runner.repair.diagnosis import GiveUp, Question, Transient
from runner.repair.families.common import (
    REDEPLOY,
    ask_for_model,
    ask_for_pack,
    catalog_of,
    newer_cores,
)
from runner.repair.found import Found, Outcome, Step, outcome, shown
from runner.repair.rejections import Place, place, places_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codegen.catalog import Catalog

CONTROLS: Final = frozenset({"randomize", "fixed", "increment", "decrement"})
"""What the editor keeps beside a seed. As a value of another input it shows that all after it are shifted."""
NUMBERS: Final = frozenset({"INT", "FLOAT"})
WIDGETS: Final = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", COMBO})
EDITOR_ONLY: Final = frozenset({"Note", "MarkdownNote", "Reroute", "PrimitiveNode", "GetNode", "SetNode"})
"""Nodes that only the editor has, and that never reach a server from it."""
MOST_SHIFTED: Final = 9
UPLOAD_AGAIN: Final = "Correct it in the editor, save the workflow, and submit it again."
_ITEM: Final = re.compile(r"'((?:[^'\\]|\\.){0,300})'|\"((?:[^\"\\]|\\.){0,300})\"")
_LINK: Final = 2


def missing_class(found: Found) -> Outcome | None:
    """A class that is not there: a newer core has it, a pack has it, or somebody must say which."""
    kind = _class(found)
    if kind is None:
        return None
    versions = [version for version in packaged_versions() if kind in load_catalog(version)]
    if found.lock.comfyui.version not in versions and versions:
        later = [version for version in newer_cores(found) if version in versions]
        return outcome((SetComfyUI(version=(later or versions)[0]),), subject=kind, node=kind)
    if kind in EDITOR_ONLY:
        text = f"{kind} is a node of the editor, which no server has: the prompt was not made by the editor's export."
        return outcome(
            Question(text=text, answer="Save it with Workflow → Export (API), and submit that."),
            subject=kind,
            node=kind,
        )
    pinned = next((pin for pin in found.lock.packs if kind in pin.classes), None)
    if pinned is not None:
        text = (
            f"{pinned.repository} does not give the node {shown(kind)} at the commit that is pinned. Which commit does?"
        )
        question = ask_for_pack(kind, text, f"{pinned.repository}@<commit, 40 characters>")
        return outcome(question, subject=kind, node=kind, unsure=True)
    return outcome(*_pack_steps(found, kind), subject=kind, node=kind)


def _class(found: Found) -> str | None:
    """The class that a message names, which may be by its title or its id only; one of the prompt."""
    prompt = {node: as_object(entry) for node, entry in found.plan.prompt.items()}
    kinds = {str(entry.get("class_type")) for entry in prompt.values()}
    names = [found.groups.get(group, "").strip() for group in ("kind", "name")]
    for name in names:
        if name in kinds:
            return name
    if (node := found.groups.get("node", "")) in prompt:
        return str(prompt[node].get("class_type"))
    for entry in prompt.values():
        if as_object(entry.get("_meta")).get("title") in [name for name in names if name]:
            return str(entry.get("class_type"))
    return None


def _pack_steps(found: Found, kind: str) -> Iterator[Step]:
    for use in found.plan.packs:
        if kind in use.classes and use.trusted and use.commit:
            taken = {pin.name.lower() for pin in found.lock.packs}
            name = folder_name(use.repository, taken)
            yield (
                PinPack(
                    name=name, repository=use.repository, commit=use.commit, classes=use.classes, source=use.source
                ),
            )
    providers = known_packs().providers(kind)
    example = providers[0].url if providers else "https://github.com/owner/repository"
    named = f" It may be {', '.join(one.url for one in providers[:3])}." if providers else ""
    yield ask_for_pack(kind, f"Which pack has the node {shown(kind)}?{named}", example)


def value_not_in_list(found: Found) -> Outcome | None:
    """A file that is not where the loader looks, a value of another core, or one that nobody has."""
    name, value = found.groups["input"], found.groups["value"]
    at = place(found) or next(iter(places_with(found, name, value)), None)
    if at is None or str(at.inputs.get(name)) != value:
        return None
    choices = _choices(found)
    alike = _alike(value, choices)
    facts = {"subject": f"{at.class_type}.{name}={value}", "value": value, "input": name, "node": at.class_type}
    if _is_file(value):
        same = (SetInput(node=at.node, input=name, value=alike),) if alike is not None else ()
        return outcome(*([same] if same else []), *_file_steps(found, at, name, value, empty=not choices), facts=facts)
    versions = [
        version
        for version in packaged_versions()
        if version != found.lock.comfyui.version and _has_value(load_catalog(version), at, name, value)
    ]
    steps: list[Step] = [(SetComfyUI(version=version),) for version in versions[:1]]
    if alike is not None:
        steps.append((SetInput(node=at.node, input=name, value=alike),))
    some = f" It has: {', '.join(shown(one) for one in choices[:12])}." if choices else ""
    text = f"No ComfyUI that is known has the value {shown(value)} for {shown(name)} of the node {at.class_type}.{some}"
    return outcome(*steps, Question(text=text, answer=f"Choose one that it has. {UPLOAD_AGAIN}"), facts=facts)


def _is_file(value: str) -> bool:
    return value.lower().endswith(MODEL_SUFFIXES)


def _choices(found: Found) -> list[str]:
    """The list as the message has it; a long one it does not repeat."""
    listed = found.text[found.end : found.end + 6000].partition("\n")[0]
    if not listed.startswith("["):
        return []
    return [str(one or other) for one, other in _ITEM.findall(listed[1:])]


def _alike(value: str, choices: list[str]) -> str | None:
    """The one that is the same but for its folder, its spelling in upper and lower case, and its slashes."""

    def whole(text: str) -> str:
        return text.replace("\\", "/").lower()

    def last(text: str) -> str:
        return whole(text).rsplit("/", 1)[-1]

    for same in (whole, last):
        found = [one for one in choices if same(one) == same(value)]
        if len(found) == 1:
            return found[0]
    return None


def _file_steps(found: Found, at: Place, name: str, value: str, *, empty: bool) -> Iterator[Step]:
    folder = folder_of(at.class_type, name)
    wanted = value.replace("\\", "/")
    base = wanted.rsplit("/", 1)[-1].lower()
    pins = [pin for pin in found.lock.models if pin.file.rsplit("/", 1)[-1].lower() == base]
    right = folder or (pins[0].folder if pins else "checkpoints")
    for pin in pins:
        if (pin.folder, pin.file) != (right, wanted):
            yield (RenameModel(folder=pin.folder, file=pin.file, to_folder=right, to_file=wanted),)
    if any(pin.url for pin in pins):
        yield Transient(seconds=5.0, discard=tuple(f"{pin.folder}/{pin.file}" for pin in pins))
    why = "its list is empty" if empty else "it is not in its list"
    text = f"The node {at.class_type} has no file {shown(value)}: {why}. Where is that file?"
    yield ask_for_model(right, wanted, text)


def _has_value(catalog: Catalog, at: Place, name: str, value: str) -> bool:
    definition = catalog.get(at.class_type)
    declared = find_input(definition.inputs, name, at.inputs) if definition else None
    return declared is not None and value in (declared.choices or ())


def _declared(found: Found, at: Place, name: str) -> InputDefinition | None:
    catalog = catalog_of(found)
    definition = catalog.get(at.class_type) if catalog else None
    return find_input(definition.inputs, name, at.inputs) if definition else None


def clamp(found: Found) -> Outcome | None:
    """The nearest value that is allowed."""
    name, bound = found.groups.get("input", ""), found.groups["bound"]
    at = place(found)
    if at is None or name not in at.inputs:
        candidates = [
            (one, key)
            for key in ([name] if name else _names(found))
            for one in places_with(found, key, found.groups["value"])
        ]
        if not candidates:
            return None
        at, name = candidates[0]
    declared = _declared(found, at, name)
    whole = (declared.type == "INT") if declared else isinstance(at.inputs[name], int)
    try:
        number = float(bound)
    except ValueError:
        return None
    nearest: int | float = int(number) if whole and number.is_integer() else number
    return outcome(
        (SetInput(node=at.node, input=name, value=nearest),),
        subject=f"{at.node}.{name}",
        node=at.class_type,
        input=name,
        nearest=str(nearest),
    )


def _names(found: Found) -> list[str]:
    names = (name for node in found.plan.prompt.values() for name in as_object(as_object(node).get("inputs")))
    return list(dict.fromkeys(names))


def default_of_missing(found: Found) -> Outcome | None:
    """What the definition gives where nothing is given."""
    name = found.groups["input"]
    at = place(found)
    if at is None:
        return None
    declared = _declared(found, at, name)
    value = _default(declared)
    facts = {"subject": f"{at.node}.{name}", "node": at.class_type, "input": name}
    if value is not None:
        return outcome((SetInput(node=at.node, input=name, value=value),), facts=facts)
    steps: list[Step] = [(SetComfyUI(version=version),) for version in _cores_without(found, at, name)]
    text = (
        f"The node {at.class_type} ({at.node}) needs something in its input {shown(name)}, and nothing is linked to it."
    )
    return outcome(*steps, Question(text=text, answer=f"Link it in the editor. {UPLOAD_AGAIN}"), facts=facts)


def _default(declared: InputDefinition | None) -> Any:  # noqa: ANN401 - any JSON value
    if declared is None or declared.type not in WIDGETS:
        return None
    if "default" in declared.options and not isinstance(declared.options["default"], list | dict):
        return declared.options["default"]
    if declared.choices:
        return declared.choices[0] if isinstance(declared.choices[0], str | int | float) else None
    zero: dict[str, Any] = {"STRING": "", "BOOLEAN": False}
    low = declared.options.get("min")
    return zero.get(declared.type, low if isinstance(low, int | float) else None)


def _cores_without(found: Found, at: Place, name: str) -> list[str]:
    """Other cores whose definition does not ask for an input."""
    versions: list[str] = []
    for version in packaged_versions():
        definition = load_catalog(version).get(at.class_type)
        if definition is not None and version != found.lock.comfyui.version:
            declared = definition.input(name)
            if declared is None or not declared.required:
                versions.append(version)
    return versions[:1]


def not_a_number(found: Found) -> Outcome | None:
    """Values that are shifted against their inputs go back to them; another gets its default."""
    name = found.groups["input"]
    at = place(found)
    if at is None or name not in at.inputs:
        return None
    declared = _declared(found, at, name)
    facts = {"subject": f"{at.node}.{name}", "node": at.class_type, "input": name}
    steps: list[Step] = []
    if shifted := _unshifted(found, at, name):
        steps.append(shifted)
    default = _default(declared)
    if default is not None:
        steps.append((SetInput(node=at.node, input=name, value=default),))
    text = f"The input {shown(name)} of the node {at.class_type} ({at.node}) has a value that is no number."
    return outcome(*steps, Question(text=text, answer=UPLOAD_AGAIN), facts=facts)


def _unshifted(found: Found, at: Place, name: str) -> tuple[SetInput, ...]:
    """With the word for a seed's control taken out, the values after it move up by one. All must fit then."""
    catalog = catalog_of(found)
    definition = catalog.get(at.class_type) if catalog else None
    if definition is None or at.inputs.get(name) not in CONTROLS:
        return ()
    widgets = [
        one for one in definition.inputs if one.type in WIDGETS and not isinstance(at.inputs.get(one.name), list)
    ]
    names = [one.name for one in widgets]
    if name not in names:
        return ()
    after = widgets[names.index(name) :]
    values = [at.inputs.get(one.name) for one in after[1:]]
    last = _default(after[-1])
    changes: list[SetInput] = []
    for one, value in zip(after, [*values, last], strict=True):
        fitting = _fitting(value, one)
        if fitting is None:
            return ()
        changes.append(SetInput(node=at.node, input=one.name, value=fitting))
    return tuple(changes) if len(changes) <= MOST_SHIFTED else ()


def _fitting(value: Any, declared: InputDefinition) -> Any:  # noqa: ANN401 - any JSON value
    """The value as the input takes it, `None` if it does not."""
    if declared.type in NUMBERS:
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        low, high = declared.options.get("min"), declared.options.get("max")
        if (isinstance(low, int | float) and number < low) or (isinstance(high, int | float) and number > high):
            return None
        return int(number) if declared.type == "INT" else number
    if declared.type == COMBO:
        return value if value in (declared.choices or ()) else None
    wanted = bool if declared.type == "BOOLEAN" else str
    return value if isinstance(value, wanted) else None


def drop_link(found: Found) -> Outcome | None:
    """A link of another type than the input's is left out, if the input may be."""
    name = found.groups["input"]
    at = place(found)
    if at is None or len(as_list(at.inputs.get(name))) != _LINK:
        return None
    declared = _declared(found, at, name)
    facts = {"subject": f"{at.node}.{name}", "node": at.class_type, "input": name}
    text = f"The link into {shown(name)} of the node {at.class_type} ({at.node}) is of another type than the input."
    question = Question(text=text, answer=f"Link it anew; a bypassed node before it is the usual cause. {UPLOAD_AGAIN}")
    if declared is not None and not declared.required:
        return outcome((SetInput(node=at.node, input=name, value=None),), question, facts=facts)
    steps = [(SetComfyUI(version=version),) for version in _cores_where_links_fit(found)]
    return outcome(*steps, question, facts=facts)


def other_core_for_links(found: Found) -> Outcome | None:
    """A core whose nodes have the outputs that are linked to."""
    steps: list[Step] = [(SetComfyUI(version=version),) for version in _cores_where_links_fit(found)]
    at = place(found)
    where = f" ({at.class_type}, node {at.node})" if at else ""
    text = (
        f"The server fails while it checks the prompt{where}: "
        "a node has other inputs or outputs than it was saved with."
    )
    question = Question(text=text, answer=f"Replace that node by a new one in the editor. {UPLOAD_AGAIN}")
    return outcome(*steps, question, subject=at.node if at else "", unsure=not steps)


def _cores_where_links_fit(found: Found) -> list[str]:
    """Another core, if the links lead to slots that the nodes of the lock's own core do not have."""
    now = found.lock.comfyui.version
    if now in packaged_versions() and _links_fit(found, load_catalog(now)):
        return []
    return [one for one in packaged_versions() if one != now and _links_fit(found, load_catalog(one))][:1]


def _links_fit(found: Found, catalog: Catalog) -> bool:
    prompt = {node: as_object(entry) for node, entry in found.plan.prompt.items()}
    foreign = {kind for pin in found.lock.packs for kind in pin.classes}
    for entry in prompt.values():
        kind = str(entry.get("class_type"))
        if kind not in catalog and kind not in foreign:
            return False
        for value in as_object(entry.get("inputs")).values():
            link = as_list(value)
            if len(link) != _LINK or str(link[0]) not in prompt:
                continue
            source = catalog.get(str(prompt[str(link[0])].get("class_type")))
            if source is not None and not (isinstance(link[1], int) and 0 <= link[1] < len(source.outputs)):
                return False
    return True


def missing_file(found: Found) -> Outcome | None:
    """A picture or another file that the workflow loads: people have it."""
    name = found.groups["file"]
    at = place(found)
    where = f" for the node {at.class_type} ({at.node})" if at else ""
    text = f"The file {shown(name)}{where} is not in the app: a workflow names its files, but does not bring them."
    answer = (
        "Make that node an input of the app (in the editor: App mode, or give the node a title that begins with "
        f"“Input”), so that callers send the file. {UPLOAD_AGAIN} Or name a file that the app has, {REDEPLOY}."
    )
    return outcome(Question(text=text, answer=answer), subject=name, file=name)


def ignored_outputs(_: Found) -> Outcome | None:
    """What is left when a part of the prompt was refused, and nothing says why in a form that is known."""
    return outcome(GiveUp(why="ComfyUI refuses a part of the prompt: see its log"), subject="", unsure=True)
