// Shows the triangles of a binary glTF file: turned by dragging or arrow keys, scaled by the wheel or + and -.

import { make } from "./dom.js";

const MAGIC = 0x46546c67; // "glTF"
const JSON_CHUNK = 0x4e4f534a;
const TRIANGLES = 4;
const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4 };
const TURN = 0.01; // radians per pixel
const KEYS = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] };

const VERTEX = `#version 300 es
in vec3 position; uniform mat4 camera; uniform mat4 place; out vec3 seen;
void main() { vec4 at = camera * place * vec4(position, 1.0); seen = at.xyz; gl_Position = vec4(at.xy, at.z * 0.25, 1.0); }`;
const FRAGMENT = `#version 300 es
precision highp float; in vec3 seen; uniform vec3 colour; out vec4 shade;
void main() {
  vec3 normal = normalize(cross(dFdx(seen), dFdy(seen)));
  float light = 0.35 + 0.65 * abs(dot(normal, normalize(vec3(0.35, 0.6, -0.75))));
  shade = vec4(colour * light, 1.0);
}`;

/** A canvas with the model. Throws when the file is none that can be shown. */
export function view(buffer, title) {
  const parts = read(buffer);
  const canvas = make("canvas", { className: "model", tabIndex: 0, ariaLabel: `${title}: 3D model; arrow keys turn it` });
  canvas.setAttribute("role", "img");
  const gl = canvas.getContext("webgl2", { antialias: true, preserveDrawingBuffer: true });
  if (!gl) throw new Error("this browser has no WebGL");
  const program = link(gl);
  const uniform = (name) => gl.getUniformLocation(program, name);
  const drawn = parts.map((part) => upload(gl, program, part));
  const { centre, radius } = bounds(parts);
  let [around, above, zoom] = [0.6, 0.4, 0.9];
  const draw = () => {
    const [width, height] = [canvas.clientWidth || 512, canvas.clientHeight || 384];
    [canvas.width, canvas.height] = [width * devicePixelRatio, height * devicePixelRatio];
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.enable(gl.DEPTH_TEST);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.useProgram(program);
    const scale = zoom / radius;
    const fit = Math.min(1, width / height);
    const turned = multiply(turn("x", above), multiply(turn("y", around), moved(centre.map((value) => -value))));
    const stretch = [(scale * fit * height) / width, scale * fit, -scale, 1];
    gl.uniformMatrix4fv(uniform("camera"), false, multiply(diagonal(stretch), turned));
    for (const { array, count, type, indexed, matrix, colour } of drawn) {
      gl.bindVertexArray(array);
      gl.uniformMatrix4fv(uniform("place"), false, matrix);
      gl.uniform3fv(uniform("colour"), colour);
      if (indexed) gl.drawElements(gl.TRIANGLES, count, type, 0);
      else gl.drawArrays(gl.TRIANGLES, 0, count);
    }
  };
  const move = (x, y) => {
    around += x * TURN;
    above = Math.max(-1.57, Math.min(1.57, above + y * TURN));
    draw();
  };
  const scaleBy = (factor) => { zoom = Math.max(0.2, Math.min(8, zoom * factor)); draw(); };
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) move(event.movementX, event.movementY); });
  canvas.addEventListener("wheel", (event) => { event.preventDefault(); scaleBy(event.deltaY < 0 ? 1.1 : 0.9); }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    if (event.key in KEYS) { event.preventDefault(); move(...KEYS[event.key]); }
    if (event.key === "+") scaleBy(1.1);
    if (event.key === "-") scaleBy(0.9);
  });
  new ResizeObserver(draw).observe(canvas);
  return canvas;
}

function read(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(16, true) !== JSON_CHUNK) throw new Error("no binary glTF");
  const length = view.getUint32(12, true);
  const file = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  if (file.extensionsRequired?.length) throw new Error(`it needs ${file.extensionsRequired.join(", ")}`);
  const binary = 20 + length + 8; // after the head of the second chunk
  const accessor = (index) => {
    const { bufferView, byteOffset = 0, componentType, count, type } = file.accessors[index];
    const { byteOffset: start = 0, byteStride } = file.bufferViews[bufferView];
    const [Type, width] = [ARRAYS[componentType], WIDTHS[type]];
    const stride = byteStride ?? width * Type.BYTES_PER_ELEMENT;
    const first = binary + start + byteOffset;
    if (stride === width * Type.BYTES_PER_ELEMENT) return new Type(buffer.slice(first, first + count * stride));
    const found = new Type(count * width);
    for (let row = 0; row < count; row += 1) {
      const at = first + row * stride;
      found.set(new Type(buffer.slice(at, at + width * Type.BYTES_PER_ELEMENT)), row * width);
    }
    return found;
  };
  const parts = [];
  const visit = (index, parent, depth) => {
    const node = file.nodes[index];
    const matrix = multiply(parent, node.matrix ?? multiply(moved(node.translation ?? [0, 0, 0]), multiply(rotated(node.rotation ?? [0, 0, 0, 1]), diagonal([...(node.scale ?? [1, 1, 1]), 1]))));
    for (const { attributes, indices, material, mode = TRIANGLES } of file.meshes?.[node.mesh]?.primitives ?? []) {
      if (mode !== TRIANGLES || attributes.POSITION === undefined) continue;
      const colour = file.materials?.[material]?.pbrMetallicRoughness?.baseColorFactor?.slice(0, 3) ?? [0.78, 0.78, 0.76];
      parts.push({ positions: accessor(attributes.POSITION), indices: indices === undefined ? null : accessor(indices), matrix, colour });
    }
    if (depth < 64) for (const child of node.children ?? []) visit(child, matrix, depth + 1); // a file may go in circles
  };
  const roots = file.scenes?.[file.scene ?? 0]?.nodes ?? (file.nodes ?? []).map((_, index) => index);
  for (const root of roots) visit(root, diagonal([1, 1, 1, 1]), 0);
  if (!parts.length) throw new Error("it has no triangles");
  return parts;
}

function bounds(parts) {
  const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
  for (const { positions, matrix } of parts) {
    for (let at = 0; at < positions.length; at += 3) {
      for (let axis = 0; axis < 3; axis += 1) {
        const value = matrix[axis] * positions[at] + matrix[4 + axis] * positions[at + 1] + matrix[8 + axis] * positions[at + 2] + matrix[12 + axis];
        low[axis] = Math.min(low[axis], value);
        high[axis] = Math.max(high[axis], value);
      }
    }
  }
  return { centre: low.map((value, axis) => (value + high[axis]) / 2), radius: Math.hypot(...low.map((value, axis) => high[axis] - value)) / 2 || 1 };
}

function link(gl) {
  const program = gl.createProgram();
  for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(type);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "the shader failed");
  return program;
}

function upload(gl, program, { positions, indices, matrix, colour }) {
  const array = gl.createVertexArray();
  gl.bindVertexArray(array);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, positions, gl.STATIC_DRAW);
  const position = gl.getAttribLocation(program, "position");
  gl.enableVertexAttribArray(position);
  gl.vertexAttribPointer(position, 3, gl.FLOAT, false, 0, 0);
  if (indices) {
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, indices, gl.STATIC_DRAW);
  }
  const type = { 1: gl.UNSIGNED_BYTE, 2: gl.UNSIGNED_SHORT, 4: gl.UNSIGNED_INT }[indices?.BYTES_PER_ELEMENT];
  return { array, indexed: Boolean(indices), count: indices ? indices.length : positions.length / 3, type, matrix, colour };
}

// Matrices of four by four, in columns.

const diagonal = ([x, y, z, w]) => [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0, 0, 0, 0, w];
const moved = ([x, y, z]) => [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, x, y, z, 1];

function turn(axis, angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return axis === "x" ? [1, 0, 0, 0, 0, c, s, 0, 0, -s, c, 0, 0, 0, 0, 1] : [c, 0, -s, 0, 0, 1, 0, 0, s, 0, c, 0, 0, 0, 0, 1];
}

function rotated([x, y, z, w]) {
  return [
    1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w), 0,
    2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w), 0,
    2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y), 0,
    0, 0, 0, 1,
  ];
}

function multiply(left, right) {
  const found = new Array(16).fill(0);
  for (let column = 0; column < 4; column += 1) {
    for (let row = 0; row < 4; row += 1) {
      for (let inner = 0; inner < 4; inner += 1) found[column * 4 + row] += left[inner * 4 + row] * right[column * 4 + inner];
    }
  }
  return found;
}
