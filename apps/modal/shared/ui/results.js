// What a job made, shown by its kind.

import { call, make } from "./dom.js";
import { size } from "./fields.js";

let shown = []; // object URLs of what is on the page

export function forget() {
  for (const url of shown.splice(0)) URL.revokeObjectURL(url);
}

/** A figure of one output; `title` is what the interface calls it. */
export async function figure(output, title) {
  const answer = await call(output.url.replace(/^\//, ""));
  if (!answer.ok) return make("p", { className: "soft" }, `${title} is no longer there.`);
  const blob = await answer.blob();
  const url = URL.createObjectURL(blob);
  shown.push(url);
  const facts = [title, output.width && `${output.width} × ${output.height}`, size(output.bytes)].filter(Boolean).join(" · ");
  const save = make("a", { href: url, download: output.filename, ariaLabel: `Download ${output.filename}` }, "Download");
  return make("figure", {}, await body(output, title, blob, url), make("figcaption", { className: "small soft" }, facts, " · ", save));
}

async function body({ kind, filename }, title, blob, url) {
  if (kind === "image") return make("img", { src: url, alt: title });
  if (kind === "video") return make("video", { src: url, controls: true, loop: true, ariaLabel: title });
  if (kind === "audio") return make("audio", { src: url, controls: true, ariaLabel: title });
  if (kind === "text") return make("pre", { tabIndex: 0 }, await blob.text());
  if (kind === "mesh") {
    try {
      const { view } = await import("./mesh.js");
      return view(await blob.arrayBuffer(), title);
    } catch (error) {
      return make("p", { className: "soft" }, `${filename} cannot be shown here (${error.message}); it can be downloaded.`);
    }
  }
  return make("p", { className: "soft" }, `${filename} cannot be shown here; it can be downloaded.`);
}
