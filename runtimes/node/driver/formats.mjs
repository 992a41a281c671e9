/**
 * What a value looks like: the one place that turns a value into a bundle. New formats are added
 * here; everything else only passes bundles on.
 */

import { pictureOf } from "./pictures.mjs";
import {
  ArrayIsArray,
  bare,
  inspect,
  isProxy,
  isUint8Array,
  JSONParse,
  JSONStringify,
  match,
  ObjectGetPrototypeOf,
  ObjectKeys,
  ObjectPrototype,
  PrimordialString,
  PrimordialTypeError,
  toBase64,
} from "./primordials.mjs";

/** Values say how they are shown by a method of this name; it returns a bundle. */
const OWN_BUNDLE = Symbol.for("hotcell.mimebundle");
/** The same, as other JavaScript notebooks name it. */
const NOTEBOOK_BUNDLE = Symbol.for("Jupyter.display");
/** @type {(string | symbol)[]} */
const BUNDLE_METHODS = [OWN_BUNDLE, NOTEBOOK_BUNDLE, "toMimeBundle"];

/**
 * Deep enough for the data of an ordinary program, and bounded: what is over it is counted, as
 * inspect does, not dropped silently.
 */
const LIMITS = { depth: 4, maxArrayLength: 200, maxStringLength: 1024 * 1024, breakLength: 80 };

/**
 * @param {unknown} value
 * @returns {string}
 */
export function textOf(value) {
  try {
    return inspect(value, LIMITS);
  } catch (error) {
    return `[cannot be shown: ${wordsOf(error)}]`;
  }
}

/**
 * The text of something thrown, which may itself throw when asked.
 * @param {unknown} error
 * @returns {string}
 */
export function wordsOf(error) {
  try {
    return PrimordialString(/** @type {any} */ (error)?.message ?? error);
  } catch {
    return "its own description raises";
  }
}

/**
 * A bundle as user code gives it, copied so that it can be sent. Bytes become base64.
 * @param {unknown} raw
 * @returns {Record<string, any>}
 */
export function cleanBundle(raw) {
  if (raw === null || typeof raw !== "object" || ArrayIsArray(raw)) {
    throw new PrimordialTypeError("a bundle is an object of MIME types and their data");
  }
  const out = bare({});
  const types = ObjectKeys(raw);
  for (let i = 0; i < types.length; i++) {
    const data = /** @type {any} */ (raw)[types[i]];
    const text = isUint8Array(data) ? JSONStringify(toBase64(data)) : JSONStringify(data);
    if (text !== undefined) out[types[i]] = JSONParse(text);
  }
  return out;
}

const MIME_TYPE = /^[a-z]+\/[\w.+-]+$/;

/**
 * Whether a plain object can only be meant as a bundle: every key is a MIME type.
 * @param {unknown} value
 * @returns {boolean}
 */
export function isBundle(value) {
  if (value === null || typeof value !== "object" || isProxy(value)) return false;
  const parent = ObjectGetPrototypeOf(value);
  if (parent !== null && parent !== ObjectPrototype) return false;
  const keys = ObjectKeys(value);
  for (let i = 0; i < keys.length; i++) if (!match(MIME_TYPE, keys[i])) return false;
  return keys.length > 0;
}

/**
 * @param {any} value
 * @returns {(() => unknown) | undefined}
 */
function ownBundle(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function"))
    return undefined;
  for (let i = 0; i < BUNDLE_METHODS.length; i++) {
    const name = BUNDLE_METHODS[i];
    if (typeof value[name] === "function") return () => value[name]();
  }
  return undefined;
}

/**
 * @param {unknown} value
 * @returns {Record<string, any>}
 */
export function bundleOf(value) {
  try {
    const own = ownBundle(value)?.();
    if (own !== undefined && own !== null) {
      const bundle = cleanBundle(own);
      bundle["text/plain"] ??= textOf(value);
      return bundle;
    }
  } catch (error) {
    return bare({ "text/plain": `${textOf(value)}\n[its bundle raised: ${wordsOf(error)}]` });
  }
  const text = textOf(value);
  try {
    const picture = pictureOf(value);
    if (picture !== undefined) {
      const bundle = cleanBundle(picture);
      bundle["text/plain"] = text;
      return bundle;
    }
  } catch {
    // It only looked like one.
  }
  return bare({ "text/plain": text });
}
