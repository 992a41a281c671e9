/** The text that tells somebody what a name stands for. */

import { functionToString, hasOwn, indexOf, inspect, slice, startsWith } from "./primordials.mjs";

/** So much of a source is shown for detail 1, and only its head for detail 0. */
const LONGEST_SOURCE = 16 * 1024;
const LONGEST_SIGNATURE = 500;

/**
 * @param {unknown} value
 * @param {string} name
 * @param {number} detail
 * @returns {string}
 */
export function inspectText(value, name, detail) {
  if (typeof value === "function") return functionText(value, name, detail);
  // Nothing of the user's is run: no custom inspection, no getters, no proxy traps.
  const shown = inspect(value, {
    depth: detail > 0 ? 4 : 1,
    customInspect: false,
    getters: false,
    showProxy: true,
    maxArrayLength: 50,
    maxStringLength: 2000,
  });
  return `${name}: ${typeof value}\n${shown}`;
}

/**
 * @param {Function} f
 * @param {string} name
 * @param {number} detail
 * @returns {string}
 */
function functionText(f, name, detail) {
  const source = functionToString(f);
  const isClass = startsWith(source, "class");
  const kind = isClass ? "class" : "function";
  if (indexOf(source, "[native code]") >= 0) {
    const count = hasOwn(f, "length") ? f.length : 0;
    return `${name}: ${kind}, built in, ${count} parameter${count === 1 ? "" : "s"}`;
  }
  if (detail > 0) return `${name}: ${kind}\n${slice(source, 0, LONGEST_SOURCE)}`;
  const end = isClass ? indexOf(source, "{") : headEnd(source);
  return `${name}: ${kind}\n${slice(source, 0, end < 0 ? LONGEST_SIGNATURE : end)}`;
}

/**
 * Where the parameters of a function end.
 * @param {string} source
 * @returns {number}
 */
function headEnd(source) {
  let depth = 0;
  for (let i = 0; i < source.length && i < LONGEST_SIGNATURE; i++) {
    const c = source[i];
    if (c === "(") depth += 1;
    if (c === ")") {
      depth -= 1;
      if (depth === 0) return i + 1;
    }
    if (depth === 0 && c === "=" && source[i + 1] === ">") return i;
  }
  return -1;
}
