"""Packs and libraries that cannot be imported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from codegen.catalog import packaged_versions
from codegen.core_version import core_facts
from codegen.json_values import as_object
from codegen.lock_changes import (
    AddPackage,
    AddSystemPackage,
    ConstrainPackage,
    OverridePackage,
    RemovePack,
    RemovePackage,
    SetArguments,
    SetComfyUI,
    SetExcludeNewer,
    SetInput,
    SetPackLayout,
    SetPython,
)
from runner.repair.families.common import (
    ask_for_another_commit,
    held_torch,
    newer_cores,
    pack_in,
    pack_of,
    used_classes,
)
from runner.repair.found import Found, Outcome, Step, outcome, shown
from runner.repair.tables import canonical, distribution_of, known_distributions, modules

if TYPE_CHECKING:
    from codegen.lock import Argument
    from codegen.lock_changes import Change

CORE_MODULES: Final = frozenset(
    {
        "api_server", "app", "comfy", "comfy_api", "comfy_api_nodes", "comfy_config", "comfy_execution", "comfy_extras",
        "execution", "folder_paths", "latent_preview", "node_helpers", "nodes", "protocol", "server",
    }
)  # fmt: skip
"""What ComfyUI itself has. A pack that misses one of them was made for another version."""
ATTENTIONS: Final = frozenset({"sageattention", "flash_attn", "flash_attn_interface", "xformers", "sageattn3"})
SPEED_ARGUMENTS: Final[frozenset[Argument]] = frozenset({"--use-sage-attention", "--use-flash-attention"})
PLAIN_ATTENTION: Final = "sdpa"
"""What packs call the attention of torch itself, which is always there."""
_DISTRIBUTION: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_SITE: Final = re.compile(r"(?:site|dist)-packages[/\\]{1,2}([A-Za-z0-9_]{1,80})")
_IMPORTED: Final = re.compile(r"(?m)^[ \t]{0,40}(?:import|from) ([A-Za-z0-9_]{1,80})")
_NUMPY_ITSELF: Final = frozenset({"numpy", "torch", "importlib"})
MOST_CULPRITS: Final = 4


def library_layout(found: Found) -> Outcome | None:
    """Something that has no nodes of its own is put where other packs can import it."""
    pin = pack_in(found.groups.get("path", "") or found.line, found.lock)
    if pin is None:
        return None
    question = ask_for_another_commit(pin, found, f"{pin.repository} has no nodes at that commit. Which one has them?")
    return outcome((SetPackLayout(name=pin.name, layout="library"),), question, subject=pin.name, pack=pin.name)


def missing_module(found: Found) -> Outcome | None:
    """The distribution that has the module."""
    module = found.groups["module"].strip(".")
    top = module.partition(".")[0]
    table = modules()
    pin = pack_of(found)
    steps: list[Step] = []
    if module in table.removed:
        steps += map(_spelled, table.removed[module])
    elif top in table.removed_from_python:
        steps.append((SetPython(version=table.removed_from_python[top]),))
    elif top in CORE_MODULES:
        steps += [(SetComfyUI(version=version),) for version in newer_cores(found)[-1:]]
    elif top in ATTENTIONS and (plain := _plain_attention(found, top)):
        steps.append(plain)
    else:
        steps += _installed(found, module)
    if not steps:
        return None
    if pin is not None:
        text = f"{pin.repository} needs the module {shown(module)}, which cannot be had. Which commit works without?"
        steps.append(ask_for_another_commit(pin, found, text))
    return outcome(*steps, subject=module, module=module)


def missing_distribution(found: Found) -> Outcome | None:
    """Installed as it is called; what is called by its module is looked up as that."""
    name = known_distributions().get(canonical(found.groups["module"]))
    if name is None:
        return missing_module(found)
    return outcome((AddPackage(requirement=name),), subject=name, module=name)


def _installed(found: Found, module: str) -> list[Step]:
    top = module.partition(".")[0]
    other = pack_in(f"custom_nodes/{top}", found.lock)
    if other is not None and other is not pack_of(found):
        return [(SetPackLayout(name=other.name, layout="library"),)]
    name = distribution_of(module)
    if name is None and _is_of_a_pack(found) and _DISTRIBUTION.fullmatch(top):
        name = canonical(top)
    if name is None:
        return []
    add = (AddPackage(requirement=name),)
    return [*_core_drift(found), add] if found.evidence.stage == "boot" and pack_of(found) is None else [add]


def _is_of_a_pack(found: Found) -> bool:
    """Whether a pack of the lock is what asks for it: it is trusted with code in the app anyway."""
    return pack_of(found) is not None


def _core_drift(found: Found) -> list[Step]:
    """Packages as they were when the core was released."""
    version = found.lock.comfyui.version
    if version not in packaged_versions():
        return []
    return [(SetExcludeNewer(date=core_facts(version).exclude_newer),)]


def attention(found: Found) -> Outcome | None:
    """Nodes take torch's own attention instead; where no node says which, the package is installed."""
    module = found.groups.get("module", "sageattention").partition(".")[0].lower().replace("-", "_")
    plain = _plain_attention(found, module)
    name = distribution_of(module) or "sageattention"
    steps: list[Step] = [plain] if plain else []
    return outcome(*steps, (AddPackage(requirement=name),), subject=name, package=name)


def _plain_attention(found: Found, module: str) -> tuple[Change, ...]:
    """In the place of that one alone: others may be there."""
    kind = next((kind for kind in ("flash", "xformers") if kind in module), "sage")
    changes: list[Change] = []
    for node, entry in found.plan.prompt.items():
        for name, value in as_object(as_object(entry).get("inputs")).items():
            if "attention" in name.lower() and isinstance(value, str) and kind in value.lower():
                changes.append(SetInput(node=node, input=name, value=PLAIN_ATTENTION))
    ours: tuple[Argument, ...] = tuple(
        one for one in found.lock.comfyui.arguments if one in SPEED_ARGUMENTS and kind in one
    )
    if ours:
        changes.append(SetArguments(remove=ours))
    return tuple(changes[:10])


def removed_name(found: Found) -> Outcome | None:
    """A version of a library that has what is imported from it."""
    module, name = found.groups["module"].strip("."), found.groups["name"]
    top = module.partition(".")[0]
    table = modules().removed
    entries = table.get(f"{module}:{name}") or table.get(f"{top}:{name}") or table.get(module)
    pin = pack_of(found)
    steps: list[Step] = [_spelled(entry) for entry in entries or ()]
    if f"{module}:{name}" == "cv2.ximgproc:guidedFilter" or module == "cv2.ximgproc":
        steps.append((AddPackage(requirement="opencv-contrib-python-headless"),))
    if top in CORE_MODULES:
        steps += [(SetComfyUI(version=version),) for version in newer_cores(found)[-1:]]
    if not steps:
        return None
    if pin is not None:
        text = f"{pin.repository} does not fit the libraries of the app ({shown(name)}). Which commit does?"
        steps.append(ask_for_another_commit(pin, found, text))
    return outcome(*steps, subject=f"{module}:{name}", module=module, name=name)


def removed_attribute(found: Found) -> Outcome | None:
    """As `removed_name`, for `module 'a' has no attribute 'b'`."""
    module, name = found.groups.get("module", "numpy"), found.groups["name"]
    if module == "numpy" and name in {"float", "int", "bool", "object", "complex", "str"}:
        return outcome((ConstrainPackage(requirement="numpy<1.24"),), subject=f"{module}:{name}", unsure=True)
    if module == "numpy" and name in modules().removed_from_numpy:
        bound = "numpy<2"
        older = [(ConstrainPackage(requirement=bound),), (OverridePackage(requirement=bound),)]
        return outcome(*older, facts={"subject": f"{module}:{name}", "module": module})
    if module == "pkgutil":  # setuptools before 66 on Python 3.12
        return outcome(
            (OverridePackage(requirement="setuptools>=69"),),
            (SetPython(version="3.11"),),
            subject=f"{module}:{name}",
        )
    return removed_name(found)


def _spelled(entry: str) -> tuple[Change, ...]:
    """A step as the table writes it."""
    changes: list[Change] = []
    for part in entry.split():
        if part.startswith("-"):
            changes.append(RemovePackage(name=part[1:]))
        elif re.search(r"[<>=!~]", part):
            changes.append(ConstrainPackage(requirement=part))
        else:
            changes.append(AddPackage(requirement=part))
    return tuple(changes)


def numpy_binary(found: Found) -> Outcome | None:
    """Libraries that were built against another numpy: newer ones of them, never an older numpy."""
    if found.groups.get("expected") == "96":  # built against numpy 2, and numpy is older
        culprits = _culprits(found)
        return outcome(
            (OverridePackage(requirement="numpy>=2"),), subject="numpy", package=", ".join(culprits) or "numpy"
        )
    culprits = _culprits(found) or ["opencv-python"]
    if any(name.startswith("opencv") for name in culprits):
        culprits += [name for name in modules().numpy_2 if name.startswith("opencv") and name not in culprits]
    bounds = [f"{name}>={modules().numpy_2[name]}" for name in culprits if name in modules().numpy_2]
    changes = tuple(OverridePackage(requirement=bound) for bound in bounds[:8])
    return outcome(changes, subject=culprits[0], package=culprits[0]) if changes else None


def _culprits(found: Found) -> list[str]:
    """Distributions in the traceback that have compiled code, the innermost first."""
    around = found.before[-6000:] + found.text[found.start : found.end + 3000]
    names = [str(name) for name in (*_SITE.findall(around), *_IMPORTED.findall(around))]
    found_names: dict[str, None] = {}
    for name in reversed(names):
        distribution = "opencv-python" if name == "cv2" else distribution_of(name) or canonical(name)
        if name not in _NUMPY_ITSELF and distribution in modules().numpy_2:
            found_names[distribution] = None
    return list(found_names)[:MOST_CULPRITS]


def torch_trio(found: Found) -> Outcome | None:
    """Torch and what is built against it, as of one day."""
    return outcome(held_torch(found.lock.dependencies.exclude_newer), subject="torch")


def core_drift(found: Found) -> Outcome | None:
    """Everything as of the core's day, with torch as of then too."""
    return outcome(*_core_drift(found), held_torch(found.lock.dependencies.exclude_newer), subject="torch")


def shared_object(found: Found) -> Outcome | None:
    """The package of Debian that has a library."""
    name = re.sub(r"\.so.*$", ".so", found.groups["so"])
    package = modules().shared_objects.get(name)
    if package is None:
        return None
    steps: list[Step] = [(AddSystemPackage(name=package),)]
    if name == "libGL.so":
        steps.append((RemovePackage(name="opencv-python"), AddPackage(requirement="opencv-python-headless")))
    return outcome(*steps, subject=name, library=name, package=package)


def missing_program(found: Found) -> Outcome | None:
    """The package of Debian that has a program."""
    program = found.groups["program"].rsplit("/", 1)[-1]
    package = modules().headers.get(program)
    return outcome((AddSystemPackage(name=package),), subject=program, program=program) if package else None


def failed_pack(found: Found) -> Outcome | None:
    """A pack that is not needed is left out; of another a commit that works is asked for."""
    pin = pack_in(found.groups.get("path", "") or found.line, found.lock)
    if pin is None:
        return None
    if pin.classes and not used_classes(pin, found):
        return outcome((RemovePack(name=pin.name),), subject=pin.name, pack=pin.name)
    text = f"{pin.repository} cannot be loaded at the commit that is pinned. Which commit of it works?"
    return outcome(ask_for_another_commit(pin, found, text), subject=pin.name, pack=pin.name, unsure=True)
