"""What only people can give: licences, keys, credits. The run stops and says what to do where."""

from __future__ import annotations

import re
from typing import Final

from codegen.json_values import as_object
from runner.repair.diagnosis import Question
from runner.repair.families.common import REDEPLOY, ask_for_model, catalog_of, model_in
from runner.repair.found import Found, Outcome, outcome, shown

_REPOSITORY: Final = re.compile(r"huggingface\.co/(?:api/models/)?(?P<repository>[\w.-]{1,96}/[\w.-]{1,96})")
_NAMED: Final = re.compile(
    r"(?:Access to model|model|Repo id|repository) ['\"`]?(?P<repository>[\w.-]{1,96}/[\w.-]{1,96})"
)
_CIVITAI: Final = re.compile(r"(?i)civitai")


def gated(found: Found) -> Outcome | None:
    """A model that is given only to those who have agreed to its licence, with a token of theirs."""
    around = found.line + "\n" + found.text[found.start : found.end + 600] + "\n" + found.before[-600:]
    pin = model_in(found.groups.get("file", ""), found.lock) or model_in(found.line, found.lock)
    place = f"{around}\n{pin.url}" if pin and pin.url else around
    match = _REPOSITORY.search(place) or _NAMED.search(place)
    repository = match["repository"].rstrip(".") if match else ""
    if _CIVITAI.search(place) and not repository:
        site, page, variable = "Civitai", "https://civitai.com", "CIVITAI_TOKEN"
    else:
        site, page, variable = "Hugging Face", f"https://huggingface.co/{repository or ''}", "HF_TOKEN"
    what = shown(f"{pin.folder}/{pin.file}" if pin else repository or "a model")
    text = f"{site} gives {what} only to accounts that have agreed to its licence, and the app has no token of one."
    answer = (
        f"1. Sign in at {shown(page)} and accept the licence. 2. Make a token that may read it, and put it as "
        f"{variable} into a Secret of the Modal workspace (https://modal.com/secrets). 3. Add the Secret's name to "
        f"access.secrets in app.lock.json of the branch, {REDEPLOY}."
    )
    if pin is None:
        return outcome(Question(text=text, answer=answer), subject=what, model=what)
    line = ask_for_model(pin.folder, pin.file, text).line
    elsewhere = f" Or name a copy that needs no licence: {line.example_answer}" if line else ""
    return outcome(Question(text=text, answer=answer + elsewhere, line=line), subject=what, model=what)


def partner_key(found: Found) -> Outcome | None:
    """A node that calls a paid service, with the account of whoever has deployed the app."""
    catalog = catalog_of(found)
    kinds = [str(as_object(node).get("class_type")) for node in found.plan.prompt.values()]
    partners = [kind for kind in kinds if catalog and (known := catalog.get(kind)) and known.api_node]
    named = ", ".join(shown(kind) for kind in dict.fromkeys(partners)) or "A node of the workflow"
    text = (
        f"{named} calls a paid service through Comfy's account, and the app has no key of one, or one without credits."
    )
    answer = (
        "1. Make a key at https://platform.comfy.org, with credits. 2. Put it as API_KEY_COMFY_ORG into a Secret of "
        "the Modal workspace (https://modal.com/secrets). 3. Add the Secret's name to access.secrets in app.lock.json "
        f"of the branch, {REDEPLOY}. Each call of the app then spends credits of that account."
    )
    return outcome(Question(text=text, answer=answer), subject="", node=named)
