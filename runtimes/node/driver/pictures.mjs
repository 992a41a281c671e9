/**
 * Values that are pictures without saying so: image files in memory, elements of a document,
 * canvases, and the specifications of plotting libraries.
 */

import {
  ArrayIsArray,
  bare,
  charCodeAt,
  endsWith,
  isProxy,
  isUint8Array,
  match,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf,
  ObjectPrototype,
  slice,
  startsWith,
  subarray,
  toBase64,
  trimEnd,
} from "./primordials.mjs";

/**
 * How the files of each type begin, a character for each byte; a dot is any.
 * @type {[string, string][]}
 */
const BEGINNINGS = [
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/gif", "GIF8"],
  ["image/webp", "RIFF....WEBP"],
  ["application/pdf", "%PDF-"],
];

const VEGA = /^https?:\/\/vega\.github\.io\/schema\/(vega|vega-lite)\/v(\d+)/;
const PLOTLY = "application/vnd.plotly.v1+json";
const SVG_TEXT = /^\s*(?:<[?!][^>]*>\s*)*<svg[\s>]/;
const HTML_TEXT = /^\s*<(?:!doctype html|html)[\s>]/i;

/**
 * The bundle of a picture, without its text; undefined for other values.
 * @param {any} value
 * @returns {Record<string, any> | undefined}
 */
export function pictureOf(value) {
  if (typeof value === "string") return ofText(value);
  if (value === null || typeof value !== "object" || isProxy(value)) return undefined;
  if (isUint8Array(value)) return ofBytes(value);
  return ofSpecification(value) ?? ofElement(value) ?? ofCanvas(value);
}

/**
 * A whole document; not a string with a bit of markup in it.
 * @param {string} text
 */
function ofText(text) {
  if (charCodeAt(text, 0) > 0x3c) return undefined; // far most strings
  const head = slice(text, 0, 1000);
  if (match(SVG_TEXT, head) && endsWith(trimEnd(slice(text, -100)), "</svg>"))
    return bare({ "image/svg+xml": text });
  if (match(HTML_TEXT, head)) return bare({ "text/html": text });
  return undefined;
}

/**
 * @param {Uint8Array} bytes
 */
function ofBytes(bytes) {
  for (let i = 0; i < BEGINNINGS.length; i++) {
    if (begins(bytes, BEGINNINGS[i][1])) return bare({ [BEGINNINGS[i][0]]: toBase64(bytes) });
  }
  return undefined;
}

/**
 * @param {Uint8Array} bytes
 * @param {string} pattern
 */
function begins(bytes, pattern) {
  const head = subarray(bytes, 0, pattern.length);
  if (head.length < pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] !== "." && head[i] !== charCodeAt(pattern, i)) return false;
  }
  return true;
}

/**
 * A plain object that Vega, Vega-Lite or Plotly draws.
 * @param {object} value
 */
function ofSpecification(value) {
  const parent = ObjectGetPrototypeOf(value);
  if (parent !== null && parent !== ObjectPrototype) return undefined;
  const schema = member(value, "$schema");
  const vega = typeof schema === "string" ? match(VEGA, schema) : null;
  if (vega) {
    const name = vega[1] === "vega" ? "vega" : "vegalite";
    return bare({ [`application/vnd.${name}.v${vega[2]}+json`]: value });
  }
  const data = member(value, "data");
  const layout = member(value, "layout");
  if (ArrayIsArray(data) && isObject(data[0]) && isObject(layout) && isTrace(data[0]))
    return bare({ [PLOTLY]: value });
  return undefined;
}

/**
 * A member that holds a value: no getter of the user's is called.
 * @param {object} value
 * @param {string} name
 * @returns {unknown}
 */
function member(value, name) {
  return ObjectGetOwnPropertyDescriptor(value, name)?.value;
}

/** @param {unknown} value */
function isObject(value) {
  return typeof value === "object" && value !== null;
}

/** @param {object} trace */
function isTrace(trace) {
  return typeof member(trace, "type") === "string" || ArrayIsArray(member(trace, "y"));
}

/**
 * An element of any implementation of the DOM, such as Observable Plot returns.
 * @param {any} value
 */
function ofElement(value) {
  const text = value.outerHTML;
  if (typeof text !== "string") return undefined;
  return bare({ [startsWith(text, "<svg") ? "image/svg+xml" : "text/html"]: text });
}

/**
 * A canvas of the packages canvas and @napi-rs/canvas.
 * @param {any} value
 */
function ofCanvas(value) {
  if (typeof value.toBuffer !== "function" || typeof value.getContext !== "function")
    return undefined;
  const bytes = value.toBuffer("image/png");
  return isUint8Array(bytes) ? bare({ "image/png": toBase64(bytes) }) : undefined;
}
