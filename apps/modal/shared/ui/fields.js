// One form field per input of the schema. A field knows its value, its file and its fault.

import { make } from "./dom.js";

const MEDIA = { image: "image/*", mask: "image/*", video: "video/*", audio: "audio/*", mesh: "", file: "" };
const MAX_SLIDER_STEPS = 5000; // beyond that a slider cannot be aimed

export function makeField(name, spec, required) {
  const kind = spec["x-flowberth"]?.kind ?? "text";
  const id = `input-${name}`;
  const build = kind in MEDIA ? media : { boolean, choice, integer: number, number, seed }[kind] ?? text;
  const control = build(id, spec, kind);
  const fault = make("p", { className: "fault", hidden: true });
  const title = make("label", { htmlFor: id }, spec.title || name, make("span", { className: "soft small" }, required ? "required" : ""));
  const element = make("div", { className: "field" }, title, control.element);
  if (spec.description) element.append(make("p", { className: "note" }, spec.description));
  element.append(fault);
  element.dataset.input = name;
  return {
    name,
    element,
    value: control.value,
    file: control.file ?? (() => null),
    reuse: control.reuse ?? (() => {}),
    blame(message) {
      fault.textContent = message ?? "";
      fault.hidden = !message;
      element.classList.toggle("bad", Boolean(message));
    },
  };
}

function text(id, spec) {
  const multiline = spec["x-flowberth"]?.multiline || String(spec.default ?? "").length > 60;
  const input = make(multiline ? "textarea" : "input", { id, value: spec.default ?? "" });
  return { element: input, value: () => input.value };
}

function boolean(id, spec) {
  const input = make("input", { id, type: "checkbox", checked: Boolean(spec.default) });
  return { element: input, value: () => input.checked };
}

function choice(id, spec) {
  const choices = spec.enum ?? [];
  const select = make("select", { id }, ...choices.map((item, index) => make("option", { value: String(index) }, String(item))));
  select.value = String(Math.max(0, choices.indexOf(spec.default)));
  return { element: select, value: () => choices[Number(select.value)] };
}

function number(id, spec, kind) {
  const step = spec.multipleOf ?? (kind === "integer" ? 1 : (spec["x-flowberth"]?.step ?? "any"));
  const bounds = { step, min: spec.minimum ?? "", max: spec.maximum ?? "" };
  const box = make("input", { id, type: "number", ...bounds, value: spec.default ?? "" });
  const value = () => (box.value === "" ? undefined : Number(box.value));
  const fine = step === "any" ? (spec.maximum - spec.minimum) / 100 : step;
  if (!((spec.maximum - spec.minimum) / fine <= MAX_SLIDER_STEPS)) return { element: box, value };
  const slider = make("input", { type: "range", ...bounds, step: fine, value: spec.default ?? spec.minimum, ariaLabel: spec.title ?? "" });
  slider.addEventListener("input", () => { box.value = String(Number(slider.valueAsNumber.toPrecision(10))); });
  box.addEventListener("input", () => { slider.value = box.value; });
  return { element: make("div", { className: "pair" }, slider, box), value };
}

function seed(id) {
  // Text, not a number input: seeds go up to 2^64-1, beyond what a JavaScript number holds.
  const box = make("input", { id, inputMode: "numeric", placeholder: "random" });
  const again = make("button", { type: "button", hidden: true }, "use last");
  let last = "";
  again.addEventListener("click", () => { box.value = last; });
  return {
    element: make("div", { className: "pair" }, box, again),
    value: () => {
      const given = box.value.trim();
      if (given === "") return undefined;
      return /^\d+$/.test(given) ? BigInt(given) : given;
    },
    reuse(used) {
      if (box.value.trim() !== "") return; // the person chose it, and `used` may have lost digits
      last = String(used);
      again.hidden = false;
    },
  };
}

function media(id, spec, kind) {
  const picker = make("input", { id, type: "file", accept: MEDIA[kind], hidden: true });
  const words = make("span", {}, `Drop a file here, or click to choose (${kind})`);
  const drop = make("div", { className: "drop", tabIndex: 0, role: "button" }, words);
  const address = make("input", { type: "url", placeholder: "or an https URL" });
  let file = null;
  const choose = (chosen) => {
    file = chosen ?? null;
    drop.querySelector("img")?.remove();
    words.textContent = file ? file.name : `Drop a file here, or click to choose (${kind})`;
    if (file?.type.startsWith("image/")) drop.prepend(make("img", { src: URL.createObjectURL(file), alt: "" }));
    if (file) address.value = "";
  };
  drop.addEventListener("click", () => picker.click());
  drop.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") picker.click(); });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    choose(event.dataTransfer.files[0]);
  });
  picker.addEventListener("change", () => choose(picker.files[0]));
  address.addEventListener("input", () => { if (address.value) choose(null); });
  return { element: make("div", {}, drop, picker, address), value: () => address.value.trim() || undefined, file: () => file };
}
