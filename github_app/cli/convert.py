"""`flowberth convert`: from the format that ComfyUI saves to the one its API takes."""

from __future__ import annotations

import json as jsonlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from github_app.cli import terminal
from github_app.cli.failures import CommandError, ExitCode, Failure, explain
from github_app.cli.options import Core, Json  # noqa: TC001 - typer reads the annotations
from github_app.cli.output import Output, finding_lines, print_json
from github_app.cli.workflow_file import STDIN, read_workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from codegen.model import Conversion, JsonObject, Workflow

    Converter: TypeAlias = Callable[[Workflow], tuple[str, Conversion]]
    """Gives the core version that was decided on, and what it makes of the workflow."""

SUFFIXES = (".json", ".png")
"""What is taken out of a folder."""

EXAMPLES = """\b
Examples:
  flowberth convert poster.json                        print the API prompt
  flowberth convert poster.json -o poster.api.json     write it to a file
  flowberth convert saved/ -o prompts/                 a whole folder
  flowberth convert a.json --object-info http://127.0.0.1:8188
                                                       with the nodes that a
                                                       running ComfyUI knows
"""


@dataclass(frozen=True)
class Converted:
    """One file that went well."""

    source: str
    core: str
    conversion: Conversion
    output: Path | None = None

    def as_json(self) -> JsonObject:
        """With the prompt only if it was not written to a file."""
        findings = [finding.model_dump(mode="json") for finding in self.conversion.findings]
        facts: JsonObject = {"file": self.source, "core": self.core, "nodes": len(self.conversion.prompt)}
        if self.output is None:
            return {**facts, "prompt": self.conversion.prompt, "findings": findings}
        return {**facts, "output": str(self.output), "findings": findings}


def convert(
    *,
    workflow: Annotated[
        list[str],
        typer.Argument(metavar="WORKFLOW...", help="Files, or folders with *.json and *.png files; - for stdin."),
    ],
    object_info: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE|URL",
            help="Node definitions from ComfyUI's GET /object_info: a file (may be .gz), or the URL of a running "
            "ComfyUI. May be repeated: later ones win, and all win over the packaged ones.",
        ),
    ] = None,
    core: Core = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="File to write; a folder for several workflows."),
    ] = None,
    json: Json = False,
) -> None:
    """Convert workflows saved from ComfyUI to API prompts.

    The result is what ComfyUI's own "Export (API)" gives: subgraphs unpacked, bypassed and muted nodes gone, reroutes
    and primitives resolved. With several files, a bad one is reported and the others are still converted (exit code 2).
    """
    out = Output(as_json=json)
    sources = _sources(workflow)
    converter = _converter(object_info or [], core)
    if len(sources) == 1 and not _is_folder(output) and not any(Path(name).is_dir() for name in workflow):
        _single(out, sources[0], converter, output)
    else:
        _several(out, sources, converter, output)


def _sources(names: list[str]) -> list[str]:
    sources: list[str] = []
    for name in names:
        folder = Path(name)
        if name == STDIN or not folder.is_dir():
            sources.append(name)
            continue
        files = sorted(str(file) for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
        if not files:
            raise CommandError(f"{name}: holds no {' and no '.join('*' + suffix for suffix in SUFFIXES)} file")
        sources += files
    return sources


def _is_folder(output: Path | None) -> bool:
    return output is not None and output.is_dir()


def _converter(object_info: list[str], core: str | None) -> Converter:
    """How to convert a workflow. Definitions from outside are read once, for all files.

    What a server answers is complete and stands alone, unless a core is asked for too; definitions of single packs are
    laid over a core that ships.
    """
    from codegen.catalog import load_catalog, packaged_versions  # noqa: PLC0415 - only when converting
    from codegen.convert import convert as convert_workflow  # noqa: PLC0415
    from codegen.core_version import choose_core  # noqa: PLC0415

    base = load_catalog(core or packaged_versions()[-1])
    if not object_info:

        def as_the_workflow_needs(workflow: Workflow) -> tuple[str, Conversion]:
            choice, _ = choose_core(workflow, core)
            found = choice.conversion
            return choice.pin.version, found.model_copy(update={"findings": found.findings + choice.findings})

        return as_the_workflow_needs
    from github_app.cli.object_info import is_complete, read_object_info  # noqa: PLC0415 - only when asked for

    given = read_object_info(object_info[0])
    for place in object_info[1:]:
        given = given.overlay(read_object_info(place))
    catalog = given if core is None and is_complete(given) else base.overlay(given)
    return lambda workflow: (catalog.version, convert_workflow(workflow, catalog))


def _convert(source: str, converter: Converter) -> Converted:
    from codegen.parse import parse_workflow  # noqa: PLC0415 - only when converting

    file = read_workflow(source)
    core, conversion = converter(parse_workflow(file.data, filename=file.filename))
    return Converted(source, core, conversion)


def _single(out: Output, source: str, converter: Converter, output: Path | None) -> None:
    done = _convert(source, converter)
    if output is not None:
        done = _write(done, output, sources=[source])
    if not out.as_json:
        for line in finding_lines(done.conversion.findings):
            terminal.stderr().print(line)
    if output is None:
        # The prompt itself is the result: `flowberth convert x.json > prompt.json` must give a usable file.
        print_json(done.as_json() if out.as_json else done.conversion.prompt)
    else:
        out.result(done.as_json(), lambda console: console.print(_written(done)))


def _several(out: Output, sources: list[str], converter: Converter, folder: Path | None) -> None:
    if folder is None:
        raise CommandError("several workflows need -o DIR, a folder for the results")
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"-o {folder}: is not a folder, but several workflows were given")
    folder.mkdir(parents=True, exist_ok=True)
    results: list[Converted | tuple[str, Failure]] = []
    taken: dict[str, str] = {}
    console = terminal.stdout()
    for source in sources:
        result = _into(folder, source, converter, sources, taken)
        results.append(result)
        if not out.as_json:
            console.print(_written(result) if isinstance(result, Converted) else _refused(*result))
    failed = sum(1 for result in results if not isinstance(result, Converted))
    out.result(
        {"files": [_result_json(result) for result in results], "converted": len(results) - failed, "failed": failed},
        lambda console: console.print(f"{len(results) - failed} converted, {failed} failed"),
    )
    if failed:
        raise typer.Exit(ExitCode.BAD_INPUT)


def _into(
    folder: Path, source: str, converter: Converter, sources: list[str], taken: dict[str, str]
) -> Converted | tuple[str, Failure]:
    name = output_name(source)
    if name in taken:
        refusal = CommandError(f"{source}: {name} has been written for {taken[name]}", hint="Rename one of the two.")
        return source, explain(refusal)
    try:
        done = _write(_convert(source, converter), folder / name, sources=sources)
    except Exception as error:  # noqa: BLE001 - one bad file must not keep the others from being converted
        return source, explain(error)
    taken[name] = source
    return done


def output_name(source: str) -> str:
    """`x.ui.json`, `x.json` and `x.png` all become `x.json`."""
    name = "workflow.json" if source == STDIN else Path(source).name
    for suffix in (*SUFFIXES, ".ui"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return name + ".json"


def _write(done: Converted, path: Path, *, sources: list[str]) -> Converted:
    if any(source != STDIN and path.exists() and path.samefile(source) for source in sources if Path(source).exists()):
        raise CommandError(f"-o {path}: would overwrite a workflow that was given", hint="Choose another place.")
    text = jsonlib.dumps(done.conversion.prompt, indent=2, ensure_ascii=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandError(f"-o {path}: cannot be written: {error.strerror}") from None
    return Converted(done.source, done.core, done.conversion, path)


def _written(done: Converted) -> Text:
    findings = f", {len(done.conversion.findings)} findings" if done.conversion.findings else ""
    return Text(f"{done.source} → {done.output} ({len(done.conversion.prompt)} nodes{findings})")


def _refused(source: str, failure: Failure) -> Text:
    return Text("Error: ", style="bold red").append(
        terminal.one_line(failure.message if source in failure.message else f"{source}: {failure.message}"),
        style="default not bold",
    )


def _result_json(result: Converted | tuple[str, Failure]) -> JsonObject:
    if isinstance(result, Converted):
        return result.as_json()
    source, failure = result
    return {"file": source, "error": failure.as_json()}
