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

/** A JSON value as a JavaScript literal. */
function javascript(values) {
  const entries = Object.entries(values).map(([name, value]) => `    ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  return entries.length ? `{\n${entries.join("")}  }` : "{}";
}

/** `files` maps inputs to file names; `keyed` apps want a key, which is read from the environment. */
export function asCurl(origin, values, files = {}, keyed = false) {
  const lines = [`curl -X POST ${shell(`${origin}/generate`)}`];
  if (keyed) lines.push('-H "Authorization: Bearer $FLOWBERTH_API_KEY"');
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

export function asPython(origin, values, files = {}, keyed = false) {
  const url = JSON.stringify(`${origin}/generate`);
  const key = keyed ? ", headers=headers" : "";
  const lines = keyed
    ? ["import os", "", "import requests", "", 'headers = {"Authorization": f"Bearer {os.environ[\'FLOWBERTH_API_KEY\']}"}']
    : ["import requests", ""];
  if (Object.keys(files).length) {
    const opened = Object.entries(files).map(([name, file]) => `    ${JSON.stringify(name)}: open(${JSON.stringify(file)}, "rb"),\n`);
    lines.push(`files = {\n${opened.join("")}}`, `response = requests.post(${url}, data=${python(values)}, files=files${key}, timeout=150)`);
  } else {
    lines.push(`response = requests.post(${url}, json=${python(values)}${key}, timeout=150)`);
  }
  lines.push("response.raise_for_status()", "job = response.json()", 'print(job["state"], job["seed"], job["cost"])');
  return `${lines.join("\n")}\n`;
}

/** For browsers and for Node 20 or newer; there a file is read from the disk. */
export function asJavaScript(origin, values, files = {}, keyed = false) {
  const url = JSON.stringify(`${origin}/generate`);
  const key = "Authorization: `Bearer ${process.env.FLOWBERTH_API_KEY}`";
  const lines = [];
  const options = ['  method: "POST",'];
  if (Object.keys(files).length) {
    lines.push('import { openAsBlob } from "node:fs";', "", "const form = new FormData();");
    for (const [name, value] of Object.entries(values)) lines.push(`form.append(${JSON.stringify(name)}, ${JSON.stringify(String(value))});`);
    for (const [name, file] of Object.entries(files)) {
      lines.push(`form.append(${JSON.stringify(name)}, await openAsBlob(${JSON.stringify(file)}), ${JSON.stringify(file)});`);
    }
    if (keyed) options.push(`  headers: { ${key} },`);
    options.push("  body: form,");
  } else {
    options.push(`  headers: { "Content-Type": "application/json"${keyed ? `, ${key}` : ""} },`);
    // a number of JavaScript would lose digits of a large seed
    const isLarge = Object.values(values).some((value) => typeof value === "bigint" && value > BigInt(Number.MAX_SAFE_INTEGER));
    const plain = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, typeof value === "bigint" ? Number(value) : value]));
    options.push(`  body: ${isLarge ? JSON.stringify(json(values)) : `JSON.stringify(${javascript(plain)})`},`);
  }
  lines.push(`const response = await fetch(${url}, {`, ...options, "});", "if (!response.ok) throw new Error(await response.text());");
  lines.push("const job = await response.json();", "console.log(job.state, job.seed, job.cost);");
  return `${lines.join("\n")}\n`;
}
