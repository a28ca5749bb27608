// A request as code to copy. Values are quoted for the language they go into.

const shell = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;

/** JSON of an object of inputs; seeds are BigInts, which JSON.stringify refuses. */
export function json(values) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}: ${text(value)}`).join(", ")}}`;
}

const text = (value) => (typeof value === "bigint" ? String(value) : JSON.stringify(value));

/** A JSON value as a Python literal. */
export function python(value, indent = "") {
  if (value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return text(value);
  const inner = `${indent}    `;
  if (Array.isArray(value)) return `[${value.map((item) => python(item, inner)).join(", ")}]`;
  const lines = Object.entries(value).map(([name, item]) => `${inner}${JSON.stringify(name)}: ${python(item, inner)},\n`);
  return lines.length ? `{\n${lines.join("")}${indent}}` : "{}";
}

/** `files` maps inputs to file names. */
export function asCurl(origin, values, files = {}) {
  const lines = [`curl -X POST ${shell(`${origin}/generate`)}`];
  if (Object.keys(files).length) {
    for (const [name, value] of Object.entries(values)) {
      lines.push(`--form-string ${shell(`${name}=${typeof value === "string" ? value : text(value)}`)}`);
    }
    for (const [name, file] of Object.entries(files)) lines.push(`-F ${shell(`${name}=@"${file.replaceAll(/["\\]/g, "\\$&")}"`)}`);
  } else {
    lines.push("-H 'Content-Type: application/json'", `-d ${shell(json(values))}`);
  }
  return lines.join(" \\\n  ");
}

export function asPython(origin, values, files = {}) {
  const url = JSON.stringify(`${origin}/generate`);
  const lines = ["import requests", ""];
  if (Object.keys(files).length) {
    const opened = Object.entries(files).map(([name, file]) => `    ${JSON.stringify(name)}: open(${JSON.stringify(file)}, "rb"),\n`);
    lines.push(`files = {\n${opened.join("")}}`, `response = requests.post(${url}, data=${python(values)}, files=files, timeout=150)`);
  } else {
    lines.push(`response = requests.post(${url}, json=${python(values)}, timeout=150)`);
  }
  lines.push("response.raise_for_status()", "job = response.json()", 'print(job["state"], job["seed"], job["cost"])');
  return `${lines.join("\n")}\n`;
}
