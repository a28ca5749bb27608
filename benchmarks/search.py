"""Fills a knowledge base with 10,000 entries and prints how long searches take, and how often they find what is there.

    uv run python benchmarks/search.py                 by words alone
    uv run --extra embeddings python benchmarks/search.py
    … --bare                                           entries without a sentence on what they do
    … --embedded 2000                                  where there is no time: the other entries are given the vectors
                                                       of some of these, which takes a search just as long
    … --entries 2000                                   a smaller knowledge base

644 entries are ComfyUI's own templates (`comfyui-workflow-templates-json`) with their titles, descriptions, nodes and
models. The others are what a large team would have beside them: the same graphs for other campaigns, lessons with
errors, and fixes. Questions on what workflows do were written by hand, in other words than the templates'; which
templates answer them is told by their titles. Everything happens in a temporary folder with an embedded Postgres.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if Path(sys.path[0]) == Path(__file__).parent:
    sys.path.pop(0)  # a script beside this one is called like a package of ours

import sqlalchemy as sa
from rich.console import Console
from rich.table import Table

from runner.database import Database
from runner.knowledge.document import ROOT
from runner.knowledge.embeddings import MiniLm, embedder_here
from runner.knowledge.finder import KnowledgeFinder
from runner.knowledge.meanings import use_vectors
from worktrees.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.knowledge.search import Found

REPO: Final = "benchmark"
AT_MOST_MS: Final = 100
SEEN: Final = 5
"""Hits that somebody looks at."""
MOST_ASKED: Final = 100
"""Questions of a kind."""
ON_A_PAGE: Final = 20
ROUNDS: Final = 3
DIMENSIONS: Final = 384
CAMPAIGNS = (
    "Spring campaign,Autumn catalogue,Jazz festival,Museum night,Bakery menu,Sneaker launch,City marathon,"
    "Tea packaging,Holiday mailing,Game jam,Book covers,Radio show,Garden fair,Chess club,Winter sale,"
    "Film evening,Bike repair shop,School yearbook,Harbour tour,Wine list,Science fair,Hotel lobby,"
    "Robot contest,Street food"
)
PIECES = (
    "hero banner,key visual,square teaser,background plate,thumbnail set,cover art,mood board,header,"
    "texture sheet,icon set,still life,group shot,night scene,skyline,close-up,pattern,end card,billboard,"
    "postcard,wallpaper"
)
MODULES = (
    "insightface,cv2,onnxruntime,xformers,sageattention,triton,ultralytics,segment_anything,groundingdino,"
    "mediapipe,librosa,soundfile,trimesh,pytorch3d,nvdiffrast,flash_attn,bitsandbytes,gguf,peft,diffusers,"
    "accelerate,einops,kornia,facexlib,gfpgan,basicsr,numba,scikit_image,piexif,matplotlib,colour_science,"
    "open3d,pymeshlab,rembg,timm,av,ftfy"
)
ERRORS = (
    "ModuleNotFoundError: No module named '{module}'",
    "ImportError: cannot import name 'load_{module}' from '{module}.core' (/root/custom_nodes/{pack}/core.py)",
    "RuntimeError: {module} was built for CUDA 11.8, and this machine has CUDA 12.{number}",
    "torch.cuda.OutOfMemoryError: Tried to allocate {number}.50 GiB while {module} was loading",
    "AttributeError: module '{module}' has no attribute 'version_{number}'",
    "ERROR: Could not find a version that satisfies the requirement {module}=={number}.2 (from versions: none)",
)
QUESTIONS: tuple[tuple[str, str], ...] = (
    ("cut out the subject and make the backdrop transparent", r"remove (video )?background|background removal"),
    ("upscale a portrait", r"portrait (enhanc|upscal)|upscale.*portrait|crystal upscaler"),
    ("make a blurry low resolution photo sharp", r"image upscale|upscaler|enhanc"),
    ("turn a photo into a 3D model", r"image[- ]to[- ](3d|model|mesh)|3d model from|multiview to model"),
    ("make a song with singing from lyrics", r"text to (song|music)|music 3"),
    ("read a text aloud in a human voice", r"text[- ]to[- ]speech|to speech|\btts\b"),
    ("imitate the voice of somebody", r"voice (clon|design|convers)"),
    ("smoother slow motion by adding frames", r"frame interpolation"),
    ("paint over a part of a picture", r"\binpaint|eraser|object removal"),
    ("extend a picture beyond its borders", r"outpaint|expand"),
    ("talking head from a photo and a sound file", r"talking|lip[- ]?sync|audio[- ]driven|s2v|dub"),
    ("how far away things are in a photograph", r"depth"),
    ("change the lighting of a photo", r"relight|light migration"),
    ("let a customer wear our clothes virtually", r"try[- ]?on|outfit|cloth"),
    ("bring a still image to life", r"image[- ]to[- ]video|i2v|animate"),
    ("film between a first and a last picture", r"first[- ].*last|flf2v|start.*end"),
    ("follow the edges of a drawing", r"scribble|sketch|canny|line ?art"),
    ("stick figure decides how the person stands", r"pose"),
    ("graphics that scale without loss, from a prompt", r"svg|vector"),
    ("copy the movements of a dancer onto a character", r"motion (transfer|control)|animate|character replacement"),
    ("split a picture into editable layers", r"layer"),
    ("noises for a silent clip", r"sound effect|foley|sfx|video to audio|audio"),
    ("mask objects by naming them", r"segmentation|\bsam"),
    ("360 degree view of a room", r"panorama|360"),
    ("see the object from other camera angles", r"angle|camera|orbit|multiview|views"),
    ("film clip from a written description", r"text[- ]to[- ]video|t2v"),
    ("low polygon asset for games", r"p1|smart topolog|low[- ]?poly"),
    ("splats instead of a mesh", r"splat"),
    ("colours of a surface without shadows", r"albedo"),
    ("swap an actor in a clip for another one", r"character replacement|recast|face ?swap"),
    ("put my product into somebody's hand", r"hand|product"),
    ("combine several photos into one", r"multi|reference|composit|collage|fusion|edit"),
    ("turn a drawing into a realistic picture", r"realis|real|anime to|edit"),
    ("music without vocals for a film", r"music"),
    ("make an existing clip sharper and larger", r"video (upscale|enhance)"),
)
LATER_QUESTIONS: tuple[tuple[str, str], ...] = (
    ("enlarge an old family snapshot", r"upscale|enhanc|restor"),
    ("erase a stranger from a holiday photo", r"inpaint|eraser|object removal|remov"),
    ("movie scene from a script", r"text[- ]to[- ]video|t2v"),
    ("make a photograph move", r"image[- ]to[- ]video|i2v|animate"),
    ("speak in several voices", r"dialogue|text[- ]to[- ]speech|tts|voice"),
    ("jingle for an advert", r"music|song"),
    ("printable figurine from a snapshot", r"image[- ]to[- ](3d|model|mesh)"),
    ("isolate a person from the wall behind", r"background|matte|matting|segment"),
    ("continue a clip after its end", r"extend|continu"),
    ("turn a doodle into art", r"sketch|scribble|line ?art|drawing"),
    ("replace the dress of a model", r"try[- ]?on|outfit|cloth"),
    ("describe what is in a picture", r"caption|image[- ]to[- ]text|vision|understand|describe"),
    ("distance map of a scene", r"depth"),
    ("write down what somebody says", r"speech[- ]to[- ]text|transcri"),
    ("logo as scalable curves", r"svg|vector"),
    ("make a cartoon out of a photo", r"anime|cartoon|style"),
    ("avatar that says my words", r"avatar|talking|lip|s2v"),
    ("bigger canvas around a picture", r"outpaint|expand"),
    ("skeleton of a person from a photo", r"pose"),
    ("paint a mesh with a texture", r"textur"),
    ("turn around a product", r"orbit|angle|camera|turn|360"),
    ("higher resolution for a film", r"video.*(upscale|enhance)|upscale.*video"),
    ("background tune for a clip", r"soundtrack|video to (audio|music)|music"),
    ("find things in an image by name", r"\bsam|segment|detect"),
    ("transfer the look of a painting", r"style"),
    ("fewer triangles", r"topolog|decimat|remesh"),
    ("several views of a character", r"turnaround|multi-?view|sheet|views"),
    ("film with a given final frame", r"last|end|flf"),
)
"""Written down before anybody had tried how they are answered; `runner/knowledge/synonyms.py` was not changed after."""

_GIVE: Final = """
WITH known AS (
    SELECT row_number() OVER (ORDER BY entry) AS place, embedder, meaning, count(*) OVER () AS all_known
    FROM flowberth.knowledge_meaning JOIN flowberth.knowledge_entry ON id = entry
    WHERE knowledge_entry.repo = :repo AND path LIKE '%/zz-campaign-%'
), missing AS (
    SELECT id, row_number() OVER (ORDER BY id) AS place FROM flowberth.knowledge_entry
    WHERE repo = :repo AND NOT EXISTS (SELECT FROM flowberth.knowledge_meaning WHERE entry = id)
)
INSERT INTO flowberth.knowledge_meaning (entry, embedder, repo, meaning)
SELECT id, embedder, :repo, meaning FROM missing JOIN known ON known.place = 1 + missing.place % all_known
"""


@dataclass(frozen=True)
class Asked:
    """A question, and the files that answer it."""

    kind: str
    text: str
    answers: frozenset[str]


@dataclass(frozen=True)
class Error:
    """A failure that somebody had."""

    text: str
    """In the knowledge base."""
    pasted: str
    """By somebody who has the same in another place."""
    module: str


@dataclass(frozen=True)
class Template:
    """One of ComfyUI's own."""

    name: str
    title: str
    description: str
    classes: tuple[str, ...]
    models: tuple[str, ...]


def templates() -> list[Template]:
    """All of the package."""
    folder = files("comfyui_workflow_templates_json") / "templates"
    listed = json.loads((folder / "index.json").read_text())
    found: list[Template] = []
    for each in (template for category in listed for template in category["templates"]):
        graph = json.loads((folder / f"{each['name']}.json").read_text())
        nodes = list(_nodes(graph))
        found.append(
            Template(
                name=each["name"],
                title=each["title"],
                description=each["description"],
                classes=tuple(
                    sorted({node["type"] for node in nodes if not re.fullmatch(r"[0-9a-f-]{36}", node["type"])})
                ),
                models=tuple(sorted({f"{model['directory']}/{model['name']}" for model in _models(nodes)})),
            )
        )
    return found


def _nodes(graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from graph.get("nodes", [])
    for inner in graph.get("definitions", {}).get("subgraphs", []):
        yield from inner.get("nodes", [])


def _models(nodes: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield from node.get("properties", {}).get("models") or []


def entry(template: Template, *, name: str, title: str, about: str) -> str:
    """As a deployment writes it."""
    front = {
        "format": 1,
        "name": name,
        "title": title,
        "tested": "2026-05-04",
        "engine": "comfyui",
        "passed": True,
        "comfyui": "0.33.0",
        "gpu": "L4",
        "cost": {"call": 0.0012, "basis": "estimate"},
        "classes": list(template.classes),
        "models": [{"folder": model.partition("/")[0], "file": model.partition("/")[2]} for model in template.models],
    }
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    nodes = [f"- `{name}`" for name in template.classes]
    told = [
        "- Engine: ComfyUI 0.33.0",
        "- Hardware: L4, 4 cores, 16 GiB",
        "- Cost of a call: $0.0012",
        "",
        "## Nodes",
        "",
    ]
    return "\n".join(["---", *lines, "---", "", f"# {title}", "", about, "", *told, *nodes, ""])


def fill(root: Path, count: int, *, bare: bool) -> list[Asked]:
    """Write so many entries; what can be asked of them."""
    chance = random.Random(7)  # noqa: S311 - the same each time
    real = templates()
    folder = root / ROOT
    for inner in ("patterns", "learnings/fixes"):
        (folder / inner).mkdir(parents=True)
    errors = list(_errors(chance))
    chance.shuffle(errors)
    fixes, lessons = errors[: count // 40], errors[count // 40 : count // 40 + count // 20]
    asked = [*_write_fixes(folder, fixes), *_write_lessons(folder, lessons)]
    campaigns = count - len(real) - len(fixes) - len(lessons)
    having = _write_workflows(folder, real, campaigns, chance, bare=bare)
    asked += _identifiers(having, chance)
    asked += [*_purposes("what it does", QUESTIONS, real), *_purposes("the same, later", LATER_QUESTIONS, real)]
    by_kind: dict[str, list[Asked]] = {}
    for each in asked:
        by_kind.setdefault(each.kind, []).append(each)
    return [each for some in by_kind.values() for each in chance.sample(some, min(len(some), MOST_ASKED))]


def _write_fixes(folder: Path, errors: list[Error]) -> Iterator[Asked]:
    for number, error in enumerate(errors):
        path = f"learnings/fixes/{number:016x}.json"
        patch = {"changes": [{"kind": "add-package", "requirement": error.module}]}
        fix = {"signature": "module-missing", "details": error.text, "patch": patch}
        (folder / path).write_text(json.dumps(fix))
        yield Asked("an error", error.pasted, frozenset({path}))


def _write_lessons(folder: Path, errors: list[Error]) -> Iterator[Asked]:
    for page in range(0, len(errors), ON_A_PAGE):
        path = f"learnings/errors-{page:04}.md"
        here = errors[page : page + ON_A_PAGE]
        sections = [f"## {error.module}, case {page + at}\n\n`{error.text}`\n" for at, error in enumerate(here)]
        (folder / path).write_text("# Common errors\n\n" + "\n".join(sections))
        yield from (Asked("an error", error.pasted, frozenset({path})) for error in here)


def _write_workflows(
    folder: Path, real: list[Template], campaigns: int, chance: random.Random, *, bare: bool
) -> dict[str, set[str]]:
    """The templates, and the same graphs under other titles; which files have an identifier."""
    having: dict[str, set[str]] = {}

    def write(template: Template, name: str, title: str, about: str = "") -> None:
        path = f"patterns/{name}.md"
        (folder / path).write_text(entry(template, name=name, title=title, about=about))
        for identifier in (*template.classes, *template.models):
            having.setdefault(identifier, set()).add(path)

    for template in real:
        write(template, template.name, template.title, "" if bare else template.description)
    for number, template in zip(range(campaigns), cycle(real), strict=False):
        title = f"{chance.choice(CAMPAIGNS.split(','))}: {chance.choice(PIECES.split(','))} {number}"
        write(template, f"zz-campaign-{number}", title)  # indexed behind the templates, and so embedded behind them
    return having


def _purposes(kind: str, questions: Iterable[tuple[str, str]], real: list[Template]) -> Iterator[Asked]:
    for text, pattern in questions:
        titled = (each for each in real if re.search(pattern, each.title, re.IGNORECASE))
        answers = frozenset(f"patterns/{each.name}.md" for each in titled)
        assert answers, text
        yield Asked(kind, text, answers)


def _identifiers(having: dict[str, set[str]], chance: random.Random) -> Iterator[Asked]:
    models = [name for name in having if "/" in name]
    for kind, known in (("a node", having.keys() - models), ("a model", models)):
        for identifier in chance.sample(sorted(known), MOST_ASKED):
            text = identifier.rpartition("/")[2]
            yield Asked(kind, text.rpartition(".")[0] or text, frozenset(having[identifier]))


def _errors(chance: random.Random) -> Iterator[Error]:
    for at in range(60):
        for module in MODULES.split(","):
            named = f"{module}_{chance.choice(('ops', 'core', 'utils', 'nodes', 'ext'))}{at}" if at else module
            text = chance.choice(ERRORS).format(
                module=named, number=chance.randint(1, 40), pack=f"ComfyUI-{module.title()}"
            )
            yield Error(
                text, f"!!! Exception during processing !!! {re.sub('/root', '/workspace/ComfyUI', text)}", named
            )


def committed(root: Path) -> Snapshot:
    """All of it in one commit."""
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Fill")):
        identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@example.invalid")
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    return Snapshot.at(root, "HEAD")


def given(database: Database) -> int:
    """Entries without a vector get that of another campaign; how many did."""
    with database.begin() as connection:
        use_vectors(connection)
        return connection.execute(sa.text(_GIVE), {"repo": REPO}).rowcount


def seconds(times: list[float], share: float) -> str:
    """A percentile, in milliseconds."""
    return f"{sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000:.1f}"


def hit(asked: Asked, found: Found) -> bool:
    """Whether one of the first hits is an answer."""
    return any(each.path.removeprefix(f"{ROOT}/") in asked.answers for each in found.hits[:SEEN])


def measure(console: Console, label: str, finder: KnowledgeFinder, asked: list[Asked]) -> float:
    """Print a table; the slowest percentile in milliseconds. Of several rounds a question's fastest counts."""
    finder.search(REPO, "warm up")
    table = Table(title=label, box=None)
    for column in ("question on", "questions", f"found in the first {SEEN}", "p50 ms", "p99 ms"):
        table.add_column(column, justify="left" if column == "question on" else "right")
    times: dict[str, list[float]] = {}
    hits: dict[str, list[bool]] = {}
    for each in asked:
        hits.setdefault(each.kind, []).append(hit(each, finder.search(REPO, each.text)))
        taken: list[float] = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            finder.search(REPO, each.text)
            taken.append(time.perf_counter() - start)
        times.setdefault(each.kind, []).append(min(taken))
    for kind, some in hits.items():
        rate = f"{sum(some) / len(some):.0%}"
        table.add_row(kind, str(len(some)), rate, seconds(times[kind], 0.5), seconds(times[kind], 0.99))
    everything = [taken for some in times.values() for taken in some]
    table.add_row("all", str(len(asked)), "", seconds(everything, 0.5), seconds(everything, 0.99))
    console.print(table)
    return float(seconds(everything, 0.99))


def compare_indexes(console: Console, database: Database, asked: list[Asked]) -> None:
    """How an approximate index would do beside the comparison of all vectors."""
    embedder = MiniLm()
    wanted = embedder.embed([each.text for each in asked])
    exact_times: list[float] = []
    index_times: list[float] = []
    kept: list[float] = []
    query = (
        f"SELECT entry FROM flowberth.knowledge_meaning WHERE repo = '{REPO}' "  # noqa: S608 - constants
        f"ORDER BY (meaning::vector({DIMENSIONS})) <=> CAST(:wanted AS vector) LIMIT 60"
    )

    def nearest(connection: sa.Connection, vector: list[float], times: list[float]) -> list[int]:
        start = time.perf_counter()
        found = list(connection.scalars(sa.text(query), {"wanted": str(vector)}))
        times.append(time.perf_counter() - start)
        return found

    with database.begin() as connection:
        use_vectors(connection)
        exact = [nearest(connection, vector, exact_times) for vector in wanted]
        start = time.perf_counter()
        connection.execute(
            sa.text(
                "CREATE INDEX hnsw ON flowberth.knowledge_meaning USING hnsw "
                f"((meaning::vector({DIMENSIONS})) vector_cosine_ops)"
            )
        )
        built = time.perf_counter() - start
        connection.execute(
            sa.text("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL hnsw.ef_search = 100")
        )
        for vector, right in zip(wanted, exact, strict=True):
            there = nearest(connection, vector, index_times)
            kept.append(len(set(there) & set(right)) / len(right))
        connection.rollback()
    console.print(
        "The 60 nearest vectors: "
        f"comparing all, p50 {seconds(exact_times, 0.5)} ms, p99 {seconds(exact_times, 0.99)} ms; "
        f"HNSW, p50 {seconds(index_times, 0.5)} ms, p99 {seconds(index_times, 0.99)} ms, built in {built:.1f} s, "
        f"finds {sum(kept) / len(kept):.1%} of them"
    )


def main() -> int:
    """Exit code 1: a search took too long."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--embedded", type=int, metavar="N", help="embed only N entries")
    parser.add_argument("--bare", action="store_true", help="entries have no sentence on what they do")
    options = parser.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "data") as database:
        (root := Path(folder) / "repository").mkdir()
        asked = fill(root, options.entries, bare=options.bare)
        snapshot = committed(root)
        words = KnowledgeFinder(database, None)
        start = time.perf_counter()
        done = words.index.rebuild(REPO, snapshot)
        console.print(
            f"{done.entries:,} entries of {done.files:,} files indexed in {time.perf_counter() - start:.1f} s"
        )
        start = time.perf_counter()
        words.index.refresh(REPO, snapshot)
        console.print(f"nothing changed: {(time.perf_counter() - start) * 1000:.0f} ms")
        slowest = measure(console, "by words", words, asked)
        embedder = embedder_here()
        if embedder is None:
            console.print("The extra `embeddings` is not installed: nothing is searched by meaning.")
        else:
            both = KnowledgeFinder(database, embedder)
            start = time.perf_counter()
            both.index.refresh(REPO, snapshot, most_embedded=options.embedded)
            console.print(
                f"embedded in {time.perf_counter() - start:.0f} s; {given(database)} were given another one's vector"
            )
            slowest = max(slowest, measure(console, "by words and meaning", both, asked))
            compare_indexes(console, database, asked)
    return int(slowest > AT_MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
