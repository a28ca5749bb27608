// The reference: every operation of /openapi.json, its parameters, its inputs and an example.

import { byId, call, make } from "./dom.js";
import { asCurl, asJavaScript, asPython } from "./snippets.js";

const row = (tag, cells) => make("tr", {}, ...cells.map((cell) => make(tag, {}, cell)));

function table(heads, rows) {
  return make("table", {}, make("thead", {}, row("th", heads)), make("tbody", {}, ...rows.map((cells) => row("td", cells))));
}

function typeOf(spec) {
  if (spec.enum) return `one of ${spec.enum.slice(0, 8).join(", ")}${spec.enum.length > 8 ? ", …" : ""}`;
  const exact = (bound) => bound !== undefined && !(Math.abs(bound) > Number.MAX_SAFE_INTEGER); // 2^64-1 would show wrong digits
  const bounds = [exact(spec.minimum) && `from ${spec.minimum}`, exact(spec.maximum) && `to ${spec.maximum}`];
  const type = (spec.anyOf ?? [spec]).map((option) => option.type).filter((name) => name && name !== "null").join(" or ");
  return [spec["x-flowberth"]?.kind ?? type, ...bounds.filter(Boolean)].join(" ");
}

function inputs(schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([name, spec]) => [
    make("code", {}, name),
    typeOf(spec),
    spec.default === undefined ? ((schema.required ?? []).includes(name) ? "required" : "") : JSON.stringify(spec.default),
    spec.description ?? spec.title ?? "",
  ]);
  return table(["Input", "Type", "Default", ""], rows);
}

function operation(path, method, spec, document_) {
  const box = make("section", { className: "card operation" });
  box.append(make("div", {}, make("span", { className: "method" }, method.toUpperCase()), " ", make("code", {}, path)));
  box.append(make("div", { className: "soft" }, [spec.summary, spec.description].filter(Boolean).join(". ")));
  if (spec.parameters?.length) {
    box.append(table(["Parameter", "In", "Type", ""], spec.parameters.map((item) => [
      make("code", {}, item.name), item.in, typeOf(item.schema ?? {}), item.description ?? item.schema?.description ?? "",
    ])));
  }
  if (path === "/generate") {
    const example = spec.requestBody.content["application/json"].example ?? {};
    const origin = new URL(".", location.href).href.replace(/\/$/, "");
    box.append(inputs(document_.components.schemas.Inputs), make("pre", {}, asCurl(origin, example)), make("pre", {}, asPython(origin, example)), make("pre", {}, asJavaScript(origin, example)));
  }
  box.append(table(["Status", ""], Object.entries(spec.responses).map(([status, item]) => [make("code", {}, status), item.description])));
  return box;
}

const answer = await call("openapi.json");
const document_ = await answer.json();
if (!answer.ok) {
  byId("operations").append(make("section", { className: "card" }, `${document_.title}. ${document_.hint ?? ""}`));
  throw new Error(document_.title);
}
byId("name").textContent = document.title = document_.info.title;
for (const [path, methods] of Object.entries(document_.paths)) {
  for (const [method, spec] of Object.entries(methods)) byId("operations").append(operation(path, method, spec, document_));
}
