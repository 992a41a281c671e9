/** Completion, inspection, is-complete, and the list of the user's names. */

import { chainBefore, codePoints, unitsOf } from "./chain.mjs";
import { inspectText } from "./inspection.mjs";
import {
  bare,
  bareArray,
  globals,
  hrtime,
  includes,
  ObjectGetOwnPropertyNames,
  PrimordialSet,
  Script,
  setHas,
  slice,
  startsWith,
} from "./primordials.mjs";
import { Properties } from "./properties.mjs";

/** What the contract allows a `done` to carry. */
const MOST_NAMES = 200;
const MOST_NANOSECONDS = 5_000_000n;
/** Enough for any list that somebody reads. */
const MOST_MATCHES = 500;
/** What esbuild calls the functions that it adds to TypeScript. */
const HELPERS = "__";

export class Introspection {
  /** @type {import('./engine.mjs').Engine} */
  #engine;
  /** @type {Properties} */
  #properties;
  /** @type {Set<string>} */
  #builtin = new PrimordialSet();

  /**
   * @param {import('./engine.mjs').Engine} engine
   */
  constructor(engine) {
    this.#engine = engine;
    this.#properties = new Properties(engine);
  }

  /** From now on a new global is the user's. */
  mark() {
    this.#builtin = new PrimordialSet(ObjectGetOwnPropertyNames(globals));
  }

  /**
   * The user's top-level names.
   * @returns {{names: string[], more: number}}
   */
  userNames() {
    const deadline = hrtime() + MOST_NANOSECONDS;
    /** @type {string[]} */
    const names = bareArray([]);
    let more = 0;
    const lists = [this.#engine.lexicalNames(), ObjectGetOwnPropertyNames(globals)];
    for (let l = 0; l < lists.length; l++) {
      for (let i = 0; i < lists[l].length; i++) {
        const name = lists[l][i];
        if (setHas(this.#builtin, name) || startsWith(name, HELPERS)) continue;
        if (names.length >= MOST_NAMES || (i % 64 === 63 && hrtime() > deadline)) more += 1;
        else names[names.length] = name;
      }
    }
    return { names, more };
  }

  /**
   * @param {{type: string, id: string, code?: string, cursor?: number, detail?: number}} request
   * @returns {object} the message that answers
   */
  answer(request) {
    const { type, id, code = "", cursor = 0, detail = 0 } = request;
    try {
      if (type === "complete") return this.#complete(id, code, cursor);
      if (type === "inspect") return this.#inspect(id, code, cursor, detail);
      return bare({ type: "is_complete_reply", id, ...isComplete(code) });
    } catch {
      // A value that fights back must not leave the request without an answer.
      if (type === "complete") {
        return bare({
          type: "complete_reply",
          id,
          matches: bareArray([]),
          start: cursor,
          end: cursor,
        });
      }
      if (type === "inspect") return bare({ type: "inspect_reply", id, found: false });
      return bare({ type: "is_complete_reply", id, status: "unknown" });
    }
  }

  /**
   * @param {string} id
   * @param {string} code
   * @param {number} cursor in code points
   */
  #complete(id, code, cursor) {
    const at = unitsOf(code, cursor);
    const { path, prefix } = chainBefore(slice(code, 0, at));
    const candidates =
      path === undefined
        ? []
        : path.length > 0
          ? this.#properties.of(path)
          : this.#properties.roots();
    /** @type {object[]} */
    const matches = bareArray([]);
    for (let i = 0; i < candidates.length && matches.length < MOST_MATCHES; i++) {
      const { text, kind } = candidates[i];
      if (startsWith(text, prefix)) matches[matches.length] = bare({ text, kind });
    }
    const start = cursor - codePoints(prefix);
    return bare({ type: "complete_reply", id, matches, start, end: cursor });
  }

  /**
   * @param {string} id
   * @param {string} code
   * @param {number} cursor in code points
   * @param {number} detail
   */
  #inspect(id, code, cursor, detail) {
    let at = unitsOf(code, cursor);
    while (at < code.length && isWordAt(code, at)) at += 1;
    const { path, prefix } = chainBefore(slice(code, 0, at));
    const found =
      path === undefined || prefix === "" ? undefined : this.#properties.at(path, prefix);
    if (found === undefined) return bare({ type: "inspect_reply", id, found: false });
    const data = bare({ "text/plain": inspectText(found.value, prefix, detail) });
    return bare({ type: "inspect_reply", id, found: true, data });
  }
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {boolean}
 */
function isWordAt(text, at) {
  const c = text[at];
  return (
    c === "_" ||
    c === "$" ||
    (c >= "0" && c <= "9") ||
    (c >= "a" && c <= "z") ||
    (c >= "A" && c <= "Z") ||
    c > "\x7f"
  );
}

/**
 * What V8 says about the text as the body of an async function, where await may stand.
 * @param {string} code
 * @returns {{status: string, indent?: string}}
 */
function isComplete(code) {
  const fault = compileFault(`async () => {${code}\n}`);
  if (fault === "") return { status: "complete" };
  // Without the closing brace every text ends too early, unless something is wrong before.
  const open = compileFault(`async () => {${code}`);
  for (let i = 0; i < UNFINISHED.length; i++) {
    if (includes(open, UNFINISHED[i])) return { status: "incomplete", indent: "  " };
  }
  if (includes(code, "import") && includes(fault, "import")) return { status: "unknown" };
  return { status: "invalid" };
}

/** How V8 says that the text ended too early. */
const UNFINISHED = [
  "Unexpected end of input",
  "Unterminated template literal",
  "missing ) after argument list",
  "Unterminated template",
];

/**
 * @param {string} text
 * @returns {string} empty when it compiles
 */
function compileFault(text) {
  try {
    void new Script(text);
    return "";
  } catch (error) {
    return `${/** @type {Error} */ (error).message}`;
  }
}
