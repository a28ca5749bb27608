"""Options that several commands share, so that they read and behave the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

GPUS = ("T4", "L4", "A10", "L40S", "A100-40GB", "A100-80GB", "RTX-PRO-6000", "H100", "H200", "B200")
"""`codegen.lock.Gpu`, spelled out here because reading it there would load pydantic for `--help`; a test compares."""

WorkflowArgument = Annotated[
    str,
    typer.Argument(metavar="WORKFLOW", help="File with the workflow: JSON, or a PNG that ComfyUI wrote; - for stdin."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]
Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Name of the app: a-z, 0-9 and -. By default from title or file name."),
]
Core = Annotated[
    str | None,
    typer.Option("--core", metavar="VERSION", help="ComfyUI version, such as 0.33.0. By default the workflow decides."),
]
GpuName = Annotated[
    str | None,
    typer.Option("--gpu", metavar="GPU", help=f"Modal GPU: {', '.join(GPUS)}. By default the smallest that fits."),
]
LookUp = Annotated[
    bool,
    typer.Option(
        "--look-up",
        help="Ask Hugging Face, Civitai, GitHub and the Comfy registry about its models and packs. "
        "Without it, nothing leaves this machine.",
    ),
]
Repo = Annotated[
    Path | None, typer.Option("--repo", metavar="DIR", help="Repository; by default the one of the current folder.")
]
Base = Annotated[
    str | None,
    typer.Option("--base", metavar="BRANCH", help="Branch the pull request is for. By default the one checked out."),
]
ComfyUI = Annotated[
    str | None,
    typer.Option(
        "--comfyui",
        metavar="URL|PATH",
        help="ComfyUI to run the workflow on: the URL of a running one, or the folder of a checkout. "
        "By default the stand-in engine, which simulates models.",
    ),
]
Offline = Annotated[
    bool,
    typer.Option("--offline", help="Look nothing up about models and packs: no sizes, licences and commits."),
]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the app serving when the run has ended.")]
