// Small helpers. Everything that comes from a workflow or a server goes in as text, never as HTML.

export const byId = (id) => document.getElementById(id);

/** make("p", {className: "note"}, "text", node, …) */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let key = "";
export const useKey = (value) => { key = value; };
export const hasKey = () => key !== "";

/** fetch() with the app's key, if it has one. */
export function call(path, options = {}) {
  const headers = new Headers(options.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  return fetch(path, { ...options, headers });
}

/** JSON with every digit of large integers: seeds go up to 2^64-1, beyond what a JavaScript number holds. */
export function parse(text) {
  return JSON.parse(text, (_name, value, context) => {
    const isCut = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isCut && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

/** Events of a text/event-stream answer, as {event, data}. Unlike EventSource this can send a key. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer = (buffer + value).replaceAll("\r\n", "\n");
    for (let end = buffer.indexOf("\n\n"); end >= 0; end = buffer.indexOf("\n\n")) {
      const lines = buffer.slice(0, end).split("\n");
      buffer = buffer.slice(end + 2);
      const field = (name) => lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
      const data = field("data").join("\n");
      if (data) yield { event: field("event")[0] ?? "message", data: parse(data) };
    }
  }
}
