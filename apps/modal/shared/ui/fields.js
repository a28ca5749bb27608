// One form field per input of the schema. A field knows its value, its file and its fault.

import { make } from "./dom.js";

const MEDIA = { image: "image/*", mask: "image/*", video: "video/*", audio: "audio/*", mesh: ".glb,.gltf,.obj,.stl,.ply,.fbx", file: "" };
const WORDS = { image: "picture", mask: "mask picture", video: "video", audio: "sound file", mesh: "3D model", file: "file" };
const MAX_SLIDER_STEPS = 20000; // beyond that a slider cannot be aimed
const WIDE = 100; // a maximum of so many times the minimum: sizes, whose small values matter as much as the large ones
const NOTCHES = 1000; // of a slider over a wide range
const LONG_TEXT = 60; // characters that make a text worth several lines

export function makeField(name, spec, required) {
  const kind = spec["x-flowberth"]?.kind ?? "text";
  const id = `input-${name}`;
  const build = kind in MEDIA ? media : { boolean, choice, integer: number, number, seed }[kind] ?? text;
  const control = build(id, spec, kind);
  const note = spec.description ? make("p", { id: `${id}-note`, className: "note" }, spec.description) : null;
  const fault = make("p", { id: `${id}-fault`, className: "fault", hidden: true });
  const title = make("label", { htmlFor: id }, spec.title || name, required ? make("span", { className: "soft small" }, "required") : null);
  const element = make("div", { className: `field ${kind === "boolean" ? "inline" : ""}` }, title, control.element, note, fault);
  element.dataset.input = name;
  control.input.setAttribute("aria-describedby", [note, fault].filter(Boolean).map((part) => part.id).join(" "));
  if (required) control.input.setAttribute("aria-required", "true");
  return {
    name,
    kind,
    element,
    value: control.value,
    file: control.file ?? (() => null),
    set: control.set,
    initial: spec.default,
    focus() {
      element.scrollIntoView({ block: "center" });
      control.input.focus({ preventScroll: true });
    },
    blame(message) {
      fault.textContent = message ?? "";
      fault.hidden = !message;
      element.classList.toggle("bad", Boolean(message));
      if (message) control.input.setAttribute("aria-invalid", "true");
      else control.input.removeAttribute("aria-invalid");
    },
  };
}

function text(id, spec) {
  const given = String(spec.default ?? "");
  const multiline = spec["x-flowberth"]?.multiline || given.length > LONG_TEXT || given.includes("\n");
  const input = make(multiline ? "textarea" : "input", { id, value: spec.default ?? "" });
  return { element: input, input, value: () => input.value, set: (value) => { input.value = value ?? ""; } };
}

function boolean(id, spec) {
  const input = make("input", { id, type: "checkbox", checked: Boolean(spec.default) });
  return { element: input, input, value: () => input.checked, set: (value) => { input.checked = Boolean(value); } };
}

function choice(id, spec) {
  const choices = spec.enum ?? [];
  const input = make("select", { id }, ...choices.map((item, index) => make("option", { value: String(index) }, String(item))));
  const set = (value) => { input.value = String(Math.max(0, choices.indexOf(value))); };
  set(spec.default);
  return { element: input, input, value: () => choices[Number(input.value)], set };
}

function number(id, spec, kind) {
  const step = spec.multipleOf ?? spec["x-flowberth"]?.step ?? (kind === "integer" ? 1 : "any");
  // Buttons and the slider keep to the step; what is typed need not: the app says what it takes.
  const bounds = { min: spec.minimum ?? "", max: spec.maximum ?? "" };
  const input = make("input", { id, type: "number", step, ...bounds, value: spec.default ?? "" });
  const value = () => (input.value === "" ? undefined : Number(input.value));
  const fine = step === "any" ? (spec.maximum - spec.minimum) / 100 : step;
  if (!((spec.maximum - spec.minimum) / fine <= MAX_SLIDER_STEPS)) {
    return { element: input, input, value, set: (given) => { input.value = given ?? ""; } };
  }
  const wide = spec.minimum > 0 && spec.maximum / spec.minimum > WIDE;
  const range = Math.log(spec.maximum / spec.minimum);
  const scale = wide ? { min: 0, max: NOTCHES, step: 1 } : { ...bounds, step: fine };
  const place = () => { slider.value = wide ? (Math.log(input.value / spec.minimum) / range) * NOTCHES : input.value; tell(); };
  const meant = () => {
    if (!wide) return slider.valueAsNumber;
    const exact = spec.minimum * Math.exp((slider.valueAsNumber / NOTCHES) * range);
    return Math.min(spec.maximum, spec.minimum + Math.round((exact - spec.minimum) / fine) * fine);
  };
  const slider = make("input", { type: "range", ...scale, ariaLabel: `${spec.title ?? ""} slider` });
  const tell = () => slider.setAttribute("aria-valuetext", input.value);
  slider.addEventListener("input", () => { input.value = String(Number(meant().toPrecision(10))); tell(); });
  input.addEventListener("input", place);
  if (spec.default === undefined) slider.value = slider.min;
  else place();
  const ends = make("div", { className: "ends small soft", ariaHidden: "true" }, make("span", {}, String(spec.minimum)), make("span", {}, String(spec.maximum)));
  const set = (given) => { input.value = given ?? ""; place(); };
  return { element: make("div", { className: "pair" }, make("div", {}, slider, ends), input), input, value, set };
}

function seed(id) {
  // Text, not a number input: seeds go up to 2^64-1, beyond what a JavaScript number holds.
  const input = make("input", { id, inputMode: "numeric", placeholder: "random", autocomplete: "off" });
  const random = make("button", { type: "button", hidden: true, ariaLabel: "Random seed again" }, "Random");
  const set = (value) => { input.value = value === undefined ? "" : String(value); random.hidden = input.value === ""; };
  input.addEventListener("input", () => { random.hidden = input.value === ""; });
  random.addEventListener("click", () => { set(undefined); input.focus(); });
  return {
    element: make("div", { className: "pair wide" }, input, random),
    input,
    value: () => {
      const given = input.value.trim();
      if (given === "") return undefined;
      return /^\d+$/.test(given) ? BigInt(given) : given;
    },
    set,
  };
}

function media(id, spec, kind) {
  const accept = spec["x-flowberth"]?.media_types?.join(",") || MEDIA[kind];
  const input = make("input", { id, type: "file", accept, className: "for-readers" });
  const invitation = `Drop a ${WORDS[kind]} here, or click to choose one`;
  const words = make("span", {}, invitation);
  const drop = make("label", { className: "drop", htmlFor: id }, words);
  const address = make("input", { type: "url", placeholder: "or an https URL", ariaLabel: `${spec.title ?? kind}: https URL` });
  const remove = make("button", { type: "button", className: "quiet", hidden: true }, "Remove");
  let file = null;
  let shown = "";
  const choose = (chosen) => {
    file = chosen ?? null;
    if (shown) URL.revokeObjectURL(shown);
    shown = file ? URL.createObjectURL(file) : "";
    words.textContent = file ? `${file.name} · ${size(file.size)}` : invitation;
    drop.replaceChildren(...[file && look(file, shown), words].filter(Boolean));
    remove.hidden = !file;
    if (file) address.value = "";
    else input.value = "";
  };
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    choose(event.dataTransfer.files[0]);
  });
  input.addEventListener("change", () => choose(input.files[0]));
  remove.addEventListener("click", () => { choose(null); input.focus(); });
  address.addEventListener("input", () => { if (address.value) choose(null); });
  return {
    element: make("div", { className: "media" }, input, drop, make("div", { className: "pair wide" }, address, remove)),
    input,
    value: () => address.value.trim() || undefined,
    file: () => file,
    set: () => { address.value = ""; choose(null); },
  };
}

function look(file, url) {
  const [type] = file.type.split("/");
  if (type === "image") return make("img", { src: url, alt: "" });
  if (type === "video") return make("video", { src: url, muted: true, controls: true });
  if (type === "audio") return make("audio", { src: url, controls: true });
  return null;
}

export function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toLocaleString("en", { maximumFractionDigits: power ? 1 : 0 })} ${units[power]}`;
}
