// The playground: a form made from /schema, a job made from the form, its progress and its outputs.

import { byId, call, events, hasKey, make, parse, useKey } from "./dom.js";
import { makeField } from "./fields.js";
import { figure, forget } from "./results.js";
import { asCurl, asJavaScript, asPython, json } from "./snippets.js";

const TICK = 100; // milliseconds between two looks at the clock

let fields = [];
let outputs = {}; // what the interface says of them, by name
let running = null;
let clock = 0;

async function open() {
  const answer = await call("schema");
  byId("key-field").hidden = answer.status !== 401;
  if (answer.status === 401) byId("key").focus();
  if (!answer.ok) return;
  const schema = parse(await answer.text());
  byId("name").textContent = document.title = schema.title ?? "Playground";
  fields = Object.entries(schema.properties ?? {}).map(([name, spec]) => makeField(name, spec, (schema.required ?? []).includes(name)));
  outputs = schema.$defs?.outputs?.properties ?? {};
  byId("fields").replaceChildren(...fields.map((field) => field.element));
  byId("generate").disabled = false;
  const health = await (await call("health")).json();
  const badge = byId("engine");
  badge.hidden = false;
  badge.classList.toggle("warn", health.status !== "ok" || health.engine === "stand-in");
  badge.textContent = health.status !== "ok" ? health.title : health.engine === "stand-in" ? "stand-in engine: models are simulated" : `ComfyUI ${health.engine_version}`;
}

function collect() {
  const values = {};
  const files = {};
  for (const field of fields) {
    const file = field.file();
    const value = field.value();
    if (file) files[field.name] = file;
    else if (value !== undefined) values[field.name] = value;
  }
  return { values, files };
}

function request({ values, files }) {
  if (!Object.keys(files).length) return { body: json(values), headers: { "Content-Type": "application/json" } };
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) form.append(name, String(value));
  for (const [name, file] of Object.entries(files)) form.append(name, file);
  return { body: form };
}

async function generate() {
  reset();
  try {
    const answer = await call("generate?wait=0&preview=1", { method: "POST", ...request(collect()) });
    const body = await answer.json();
    if (!body.job || body.type) return showProblem(body);
    running = body.job;
    byId("cancel").hidden = false;
    for await (const { event, data } of events(await call(`jobs/${running}/events?preview=1`))) {
      if (event === "preview") showPreview(data.image);
      else {
        showProgress(data);
        if (data.problem) showProblem(data.problem);
        else if (data.state === "succeeded") await showResult(data);
      }
    }
  } catch (error) {
    showProblem({ title: "The connection to the app broke", detail: String(error.message ?? error) });
  } finally {
    clearInterval(clock);
    running = null;
    byId("generate").disabled = false;
    byId("cancel").hidden = byId("progress").hidden = true;
  }
}

function reset() {
  forget();
  for (const field of fields) field.blame(null);
  byId("outputs").replaceChildren();
  byId("facts").replaceChildren();
  byId("problem").hidden = byId("empty").hidden = byId("preview").hidden = true;
  byId("bar").removeAttribute("value");
  byId("doing").textContent = byId("elapsed").textContent = byId("told").textContent = "";
  byId("generate").disabled = true;
  byId("progress").hidden = false;
  const began = performance.now();
  clock = setInterval(() => { byId("elapsed").textContent = `${((performance.now() - began) / 1000).toFixed(1)} s`; }, TICK);
}

function showProgress({ state, position, progress }) {
  const step = progress.total ? ` · ${progress.step} of ${progress.total}` : "";
  const doing = state === "queued" ? `Waiting, ${position} ahead` : progress.title ?? "Starting";
  if (state !== "queued") byId("bar").value = progress.fraction;
  byId("doing").textContent = doing + step;
  tell(doing);
}

/** Says it to those who do not see the page; steps would be too much to listen to. */
function tell(words) {
  if (byId("told").textContent !== words) byId("told").textContent = words;
}

function showPreview(image) {
  byId("preview").src = image;
  byId("preview").hidden = false;
}

function showProblem(problem) {
  const box = byId("problem");
  const faulty = [];
  const unplaced = (problem.errors ?? []).filter(({ field, message }) => {
    const owner = fields.find(({ name }) => name === field);
    owner?.blame(message);
    if (owner) faulty.push(owner);
    return !owner;
  });
  box.replaceChildren(
    make("b", {}, problem.title ?? "Failed"),
    make("p", {}, problem.detail ?? ""),
    ...unplaced.map(({ field, message }) => make("p", {}, `${field} ${message}`)),
    make("p", { className: "soft" }, problem.hint ?? ""),
  );
  if (problem.log?.length) box.append(make("pre", { tabIndex: 0 }, problem.log.join("\n")));
  box.hidden = false;
  fields.find((field) => faulty.includes(field))?.focus();
}

async function showResult(job) {
  tell("Fetching the result");
  byId("outputs").replaceChildren(...(await Promise.all(job.outputs.map((output) => figure(output, outputs[output.name]?.title ?? output.name)))));
  if (!job.outputs.length) byId("outputs").append(make("p", { className: "soft" }, "The workflow ran and made nothing."));
  const fact = (name, value, ...more) => make("span", {}, `${name} `, make("b", {}, value), ...more);
  const facts = [
    fact("took", `${job.seconds.execution.toFixed(1)} s`),
    fact("cost", `$${job.cost.usd.toFixed(5)}`, ` (estimate${job.cost.includes_cold_start ? ", with the cold start" : ""})`),
  ];
  if (job.seed !== null) {
    const reuse = make("button", { type: "button", id: "reuse", className: "quiet", ariaLabel: "Reuse this seed" }, "Reuse");
    reuse.addEventListener("click", () => {
      for (const field of fields) if (field.kind === "seed") field.set(job.inputs[field.name]);
      tell("The seed is in the form");
    });
    facts.push(fact("seed", String(job.seed), " ", reuse));
  }
  byId("facts").append(...facts);
  tell(`Done: ${job.outputs.length} ${job.outputs.length === 1 ? "output" : "outputs"}`);
}

async function copy(as, language) {
  const { values, files } = collect();
  const names = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, file.name]));
  const text = as(new URL(".", location.href).href.replace(/\/$/, ""), values, names, hasKey());
  try {
    await navigator.clipboard.writeText(text);
    byId("copied").textContent = `Copied as ${language}.`;
  } catch {
    byId("copied").replaceChildren(make("pre", { tabIndex: 0 }, text)); // no clipboard on plain http: show it to be copied by hand
  }
}

byId("form").addEventListener("submit", (event) => { event.preventDefault(); if (!byId("generate").disabled) generate(); });
byId("form").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
});
byId("cancel").addEventListener("click", () => running && call(`jobs/${running}`, { method: "DELETE" }));
byId("defaults").addEventListener("click", () => { for (const field of fields) { field.set(field.initial); field.blame(null); } });
byId("copy-curl").addEventListener("click", () => copy(asCurl, "curl"));
byId("copy-python").addEventListener("click", () => copy(asPython, "Python"));
byId("copy-javascript").addEventListener("click", () => copy(asJavaScript, "JavaScript"));
byId("unlock").addEventListener("click", () => { useKey(byId("key").value); open(); });
open();
