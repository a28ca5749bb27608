// The playground: a form made from /schema, a job made from the form, its progress and its outputs.

import { byId, call, events, make, useKey } from "./dom.js";
import { makeField } from "./fields.js";
import { asCurl, asPython, json } from "./snippets.js";

let fields = [];
let running = null;
let shown = []; // object URLs of the outputs on the page

async function open() {
  const answer = await call("schema");
  byId("key-field").hidden = answer.status !== 401;
  if (!answer.ok) return;
  const schema = await answer.json();
  byId("name").textContent = document.title = schema.title ?? "Playground";
  fields = Object.entries(schema.properties ?? {}).map(([name, spec]) => makeField(name, spec, (schema.required ?? []).includes(name)));
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
  byId("generate").disabled = true;
  byId("progress").hidden = false;
  try {
    const answer = await call("generate?wait=0", { method: "POST", ...request(collect()) });
    const body = await answer.json();
    if (!body.job || body.type) return showProblem(body);
    running = body.job;
    byId("cancel").hidden = false;
    for await (const { data } of events(await call(`jobs/${running}/events`))) {
      showProgress(data);
      if (data.problem) showProblem(data.problem);
      else if (data.state === "succeeded") await showResult(data);
    }
  } catch (error) {
    showProblem({ title: "The connection to the app broke", detail: String(error.message ?? error) });
  } finally {
    running = null;
    byId("generate").disabled = false;
    byId("cancel").hidden = byId("progress").hidden = true;
  }
}

function reset() {
  for (const url of shown.splice(0)) URL.revokeObjectURL(url);
  for (const field of fields) field.blame(null);
  byId("outputs").replaceChildren();
  byId("facts").replaceChildren();
  byId("problem").hidden = byId("empty").hidden = true;
  byId("bar").removeAttribute("value");
  byId("where").textContent = "";
}

function showProgress({ state, position, progress }) {
  const step = progress.total ? ` · ${progress.step} of ${progress.total}` : "";
  byId("bar").value = progress.fraction;
  byId("where").textContent = state === "queued" ? `waiting, ${position} ahead` : `${progress.title ?? "starting"}${step}`;
}

function showProblem(problem) {
  const box = byId("problem");
  const unplaced = (problem.errors ?? []).filter(({ field, message }) => {
    const owner = fields.find(({ name }) => name === field);
    owner?.blame(message);
    return !owner;
  });
  box.replaceChildren(
    make("b", {}, problem.title ?? "Failed"),
    make("p", {}, problem.detail ?? ""),
    ...unplaced.map(({ field, message }) => make("p", {}, `${field} ${message}`)),
    make("p", { className: "soft" }, problem.hint ?? ""),
  );
  if (problem.log) box.append(make("pre", {}, problem.log.join("\n")));
  box.hidden = false;
}

async function showResult(job) {
  byId("outputs").replaceChildren(...(await Promise.all(job.outputs.map(figure))));
  if (!job.outputs.length) byId("outputs").append(make("p", { className: "soft" }, "The workflow ran and made nothing."));
  const fact = (name, value) => make("span", {}, `${name} `, make("b", {}, value));
  byId("facts").append(
    fact("took", `${job.seconds.execution.toFixed(1)} s`),
    fact("cost", `$${job.cost.usd.toFixed(5)} (estimate${job.cost.includes_cold_start ? ", with the cold start" : ""})`),
    ...(job.seed === null ? [] : [fact("seed", String(job.seed))]),
  );
  for (const field of fields) if (field.name in job.inputs) field.reuse(job.inputs[field.name]);
}

async function figure(output) {
  const blob = await (await call(output.url.replace(/^\//, ""))).blob();
  const url = URL.createObjectURL(blob);
  shown.push(url);
  const size = output.width ? `${output.width} × ${output.height}, ` : "";
  const caption = make("figcaption", { className: "small soft" }, `${output.name} · ${size}${output.bytes.toLocaleString()} bytes · `);
  caption.append(make("a", { href: url, download: output.filename }, "download"));
  const body = {
    image: () => make("img", { src: url, alt: output.name }),
    video: () => make("video", { src: url, controls: true, loop: true }),
    audio: () => make("audio", { src: url, controls: true }),
  }[output.kind];
  return make("figure", {}, body ? body() : output.kind === "text" ? make("pre", {}, await blob.text()) : null, caption);
}

async function copy(make_) {
  const { values, files } = collect();
  const names = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, file.name]));
  const text = make_(new URL(".", location.href).href.replace(/\/$/, ""), values, names);
  try {
    await navigator.clipboard.writeText(text);
    byId("copied").textContent = "Copied.";
  } catch {
    byId("copied").replaceChildren(make("pre", {}, text)); // no clipboard on plain http: show it to be copied by hand
  }
}

byId("form").addEventListener("submit", (event) => { event.preventDefault(); generate(); });
byId("cancel").addEventListener("click", () => running && call(`jobs/${running}`, { method: "DELETE" }));
byId("copy-curl").addEventListener("click", () => copy(asCurl));
byId("copy-python").addEventListener("click", () => copy(asPython));
byId("unlock").addEventListener("click", () => { useKey(byId("key").value); open(); });
open();
