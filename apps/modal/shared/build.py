"""The steps of an app's image that are more than one plain command: `python build.py STEP …`, inside the image.

A step ends well only when everything in it did: what prints an error and ends with 0 fails the build, too. This file is
copied into the image by itself, so that nothing else of the runtime has a say in whether layers are built anew, and
needs nothing but Python, git and uv.

    checkout       a pack's repository, at a commit that one of its branches or tags has
    core           the requirements of ComfyUI; the torch that comes with them is held from then on
    dependencies   what ComfyUI, all packs and the app require, resolved together, and installed

What a pack's `install.py` would do is not done: it installs what nobody has pinned over what was resolved, and
downloads what nobody has verified.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

TORCH = ("torch", "torchvision", "torchaudio")
"""They fit only together, and only to the driver: no pack may bring another."""
PLACE = Path("/root/flowberth-build")
"""For what one step leaves to the next."""
HELD = "torch.txt"
APP_DAY = "2026-11-20"
"""When the runtime's own requirements were resolved: they may be newer than the day of an old ComfyUI's lock."""
FAR_DAY = "2999-12-31"
"""After every release."""
ERRORS = re.compile(
    r"An error occurred while installing|^\s*ERROR\b|^\s*error:|^fatal:|\[ERROR\]|Traceback \(most recent call last\)"
    r"|Failed to build|No solution found when resolving",
    re.IGNORECASE,
)
"""What says that something went wrong, whatever the exit code."""
MOST_BYTES = 1 << 20
"""Of a file of requirements."""
MOST_FILES = 20
"""Of those that refer to others."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class StepFailed(Exception):  # noqa: N818 - reads as the sentence that is shown
    """The step cannot be done."""


def run(*command: str, quiet: bool = False) -> str:
    """Run a command with its output passed on line by line.

    Raises:
        StepFailed: it ends with another code than 0, or says that something went wrong.
    """
    if not quiet:
        say(f"$ {' '.join(command)}")
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(_ESCAPES.sub("", line.rstrip()))
            if not quiet:
                say(lines[-1])
    wrong = next((line for line in lines if ERRORS.search(line)), None)
    if process.returncode:
        why = wrong or (lines[-1] if lines else "it said nothing")
        raise StepFailed(f"{command[0]} ended with {process.returncode}: {why}")
    if wrong is not None:
        raise StepFailed(f"{command[0]} ended as if all were well, but said: {wrong}")
    return "\n".join(lines)


def say(line: str) -> None:
    """Print at once: the build's log is read while it goes on."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def checkout(url: str, folder: Path, commit: str) -> None:
    """Clone a pack's repository.

    The host of a repository also gives commits that only a fork of it has; those are refused.

    Raises:
        StepFailed: no branch or tag of it has the commit.
    """
    git = ("git", "-C", str(folder), "-c", "advice.detachedHead=false")
    run("git", "clone", "--quiet", "--filter=blob:none", "--no-checkout", "--", url, str(folder))
    try:
        found = run(*git, "for-each-ref", "--count=1", "--contains", commit, "refs/remotes", "refs/tags", quiet=True)
    except StepFailed:  # git does not know it at all
        found = ""
    if not found:
        raise StepFailed(f"no branch or tag of {url} has {commit}")
    run(*git, "checkout", "--quiet", "--detach", commit)
    if (folder / ".gitmodules").is_file():
        run(*git, "submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1")
    if (folder / "install.py").is_file():
        say(f"{folder.name}/install.py is not run; what it would install belongs into the lock's dependencies.packages")


def core(requirements: Path, bounds: Bounds, place: Path) -> None:
    """Install what ComfyUI itself needs, and hold the torch that it brings.

    Raises:
        StepFailed: it cannot be resolved, or installed.
    """
    resolved = bounds.resolve(place, "core", [requirements], [])
    bounds.install(resolved)
    held = [f"{name}=={found}" for name in TORCH if (found := bounds.installed(name))]
    (place / HELD).write_text("".join(f"{line}\n" for line in held))
    say(f"held from here on: {', '.join(held) or 'nothing'}")


def dependencies(requirements: Path, packs: list[Path], asked: Asked, bounds: Bounds, place: Path) -> None:
    """Resolve everything together, and install it.

    Raises:
        StepFailed: there is no solution, or it cannot be installed.
    """
    files = [requirements]
    for pack in packs:
        own = place / "requirements" / f"{pack.name}.txt"  # named in what the resolver says
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text("".join(f"{line}\n" for line in pack_requirements(pack)))
        files.append(own)
    held = place / HELD
    alone = bounds.resolve(place, "app", [], asked.app, day=APP_DAY)
    newer = _names(alone) - _names(place / "core.txt")
    days = dict.fromkeys(sorted(newer), APP_DAY) | dict.fromkeys(_pinned(asked.packages), FAR_DAY)
    bounds.install(bounds.resolve(place, "all", files, [*asked.app, *asked.packages], held=held, days=days))
    for name, pinned in (line.split("==") for line in held.read_text().split()):
        if bounds.installed(name) != pinned:
            raise StepFailed(f"{name} {pinned} was held, and {bounds.installed(name)} is installed")


def libraries(folders: list[Path], site: Path) -> None:
    """Put packs without nodes of their own on Python's path: what is in them, in their `src`, and they themselves."""
    lines = [str(path) for folder in folders for path in (folder, folder / "src", folder.parent) if path.is_dir()]
    (site / "flowberth-libraries.pth").write_text("".join(f"{line}\n" for line in dict.fromkeys(lines)))


class Bounds:
    """What may be installed."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._day: str = given.exclude_newer
        self._constraints: list[str] = given.constraint
        never = (f'{name} ; python_version < "0"' for name in given.exclude)  # true of no Python
        self._overrides: list[str] = [*given.override, *never]
        self._python: str = given.python

    def resolve(
        self,
        place: Path,
        name: str,
        files: list[Path],
        packages: list[str],
        *,
        held: Path | None = None,
        day: str | None = None,
        days: dict[str, str] | None = None,
    ) -> Path:
        """The file with the exact version of everything, none newer than the day, or the package's own."""
        place.mkdir(parents=True, exist_ok=True)
        asked = _written(place / f"{name}.in", packages)
        command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python", self._python]
        command += ["--output-file", str(place / f"{name}.txt"), "--exclude-newer", day or self._day]
        for package, own in (days or {}).items():
            command += ["--exclude-newer-package", f"{package}={own}"]
        command += ["--constraint", str(_written(place / "constraints.txt", self._constraints))]
        command += ["--override", str(_written(place / "overrides.txt", self._overrides))]
        command += [] if held is None else ["--constraint", str(held)]
        run(*command, str(asked), *map(str, files))
        say((place / f"{name}.txt").read_text())
        return place / f"{name}.txt"

    def install(self, resolved: Path) -> None:
        """Into the image's Python."""
        run(
            *("uv", "pip", "install", "--python", self._python, "--break-system-packages"),
            *("--no-deps", "--requirement", str(resolved)),
        )

    def installed(self, name: str) -> str | None:
        """The version of a distribution."""
        found = run("uv", "pip", "freeze", "--quiet", "--python", self._python, quiet=True)
        pins = dict(line.split("==") for line in found.splitlines() if line.count("==") == 1)
        return pins.get(name)


@dataclass(frozen=True)
class Asked:
    """Packages beside those of ComfyUI and the packs."""

    app: list[str]
    """The runtime's own."""
    packages: list[str]


def _written(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def _names(resolved: Path) -> set[str]:
    found = (re.match(r"([a-z0-9-]+)==", line) for line in resolved.read_text().splitlines())
    return {match[1] for match in found if match}


def _pinned(packages: list[str]) -> list[str]:
    """Whoever names a version wants that, however new it is."""
    return [_NAME.findall(package)[0] for package in packages if "==" in package]


def pack_requirements(pack: Path) -> list[str]:
    """What a pack asks for, as it can be resolved with the rest.

    Options are left out: a pack does not say where packages come from. So is torch, in whatever version: it is held.
    """
    return _lines((pack / "requirements.txt").resolve(), pack.resolve(), set())


def _lines(path: Path, root: Path, read: set[Path]) -> list[str]:
    """Of a file, and of those that it names, each once."""
    if not path.is_file() or not path.is_relative_to(root) or path in read or len(read) == MOST_FILES:
        return []
    read.add(path)
    with path.open("rb") as file:
        data = file.read(MOST_BYTES)
    text = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig", "replace")
    found: list[str] = []
    for raw in text.replace("\\\n", " ").replace("\\\r\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", _ESCAPES.sub("", raw)).strip()
        if nested := re.fullmatch(r"(?:-r|--requirement)[ =]?\s*(\S+)", line):
            found += _lines((path.parent / nested[1]).resolve(), root, read)
        elif line.startswith("-"):
            say(f"{root.name}: left out {line!a}")
        elif line:
            asked = line.partition(" --")[0].strip()  # hashes
            name = _NAME.match(asked)
            if name and re.sub(r"[-_.]+", "-", name[0]).lower() in TORCH:
                say(f"{root.name}: {asked!a} stays what ComfyUI has")
            else:
                found.append(asked)
    return found


def main(arguments: list[str]) -> int:
    """Do the step that the command line says."""
    given = _parser().parse_args(arguments)
    try:
        if given.step == "checkout":
            checkout(given.url, given.folder, given.commit)
        elif given.step == "core":
            core(given.requirements, Bounds(given), given.place)
        else:
            dependencies(given.requirements, given.pack, Asked(given.app, given.package), Bounds(given), given.place)
            libraries(given.library, Path(given.site))
    except (StepFailed, OSError) as error:
        say(f"error: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", allow_abbrev=False)
    steps = parser.add_subparsers(dest="step", required=True)
    one = steps.add_parser("checkout", allow_abbrev=False)
    one.add_argument("url")
    one.add_argument("folder", type=Path)
    one.add_argument("--commit", required=True)
    for name in ("core", "dependencies"):
        one = steps.add_parser(name, allow_abbrev=False)
        one.add_argument("requirements", type=Path)
        one.add_argument("--exclude-newer", required=True)
        one.add_argument("--constraint", action="append", default=[])
        one.add_argument("--override", action="append", default=[])
        one.add_argument("--exclude", action="append", default=[])
        one.add_argument("--python", default=sys.executable)
        one.add_argument("--place", type=Path, default=PLACE)
        if name == "dependencies":
            one.add_argument("--pack", action="append", type=Path, default=[])
            one.add_argument("--library", action="append", type=Path, default=[])
            one.add_argument("--site", default=next((path for path in sys.path if path.endswith("site-packages")), "."))
            one.add_argument("--app", action="append", default=[])
            one.add_argument("--package", action="append", default=[])
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
