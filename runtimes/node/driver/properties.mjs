/** Looks at the properties of the user's values without running anything of theirs. */

import {
  globals,
  isProxy,
  ObjectGetOwnPropertyDescriptor,
  ObjectGetOwnPropertyNames,
  ObjectGetPrototypeOf,
  PrimordialSet,
  push,
  setAdd,
  setHas,
  toObject,
} from "./primordials.mjs";

/** A prototype chain longer than this is a trick. */
const LONGEST_CHAIN = 64;
const KEYWORDS = [
  "async",
  "await",
  "break",
  "case",
  "catch",
  "class",
  "const",
  "continue",
  "debugger",
  "default",
  "delete",
  "do",
  "else",
  "export",
  "extends",
  "false",
  "finally",
  "for",
  "function",
  "if",
  "import",
  "in",
  "instanceof",
  "let",
  "new",
  "null",
  "return",
  "static",
  "super",
  "switch",
  "this",
  "throw",
  "true",
  "try",
  "typeof",
  "undefined",
  "var",
  "void",
  "while",
  "with",
  "yield",
];

/** @typedef {{text: string, kind: string}} Candidate */

export class Properties {
  /** @type {import('./engine.mjs').Engine} */
  #engine;

  /**
   * @param {import('./engine.mjs').Engine} engine
   */
  constructor(engine) {
    this.#engine = engine;
  }

  /**
   * What may stand where no dot is before: names at the top level, and keywords.
   * @returns {Candidate[]}
   */
  roots() {
    /** @type {Candidate[]} */
    const found = [];
    const names = this.#engine.lexicalNames();
    for (let i = 0; i < names.length; i++) push(found, { text: names[i], kind: "instance" });
    collect(globals, found);
    for (let i = 0; i < KEYWORDS.length; i++) push(found, { text: KEYWORDS[i], kind: "keyword" });
    return found;
  }

  /**
   * The properties of what a chain of names leads to.
   * @param {string[]} path
   * @returns {Candidate[]}
   */
  of(path) {
    const end = this.#follow(path);
    /** @type {Candidate[]} */
    const found = [];
    if (end !== undefined) collect(end.value, found);
    return found;
  }

  /**
   * @param {string[]} path
   * @param {string} name
   * @returns {{value: unknown} | undefined}
   */
  at(path, name) {
    /** @type {string[]} */
    const whole = [];
    for (let i = 0; i < path.length; i++) push(whole, path[i]);
    push(whole, name);
    return this.#follow(whole);
  }

  /**
   * @param {string[]} path
   * @returns {{value: unknown} | undefined}
   */
  #follow(path) {
    let here = this.#engine.peek(path[0]);
    for (let i = 1; here !== undefined && i < path.length; i++) here = member(here.value, path[i]);
    return here;
  }
}

/**
 * @param {unknown} value
 * @returns {object | undefined} where its properties are
 */
function boxed(value) {
  return value === null || value === undefined ? undefined : toObject(value);
}

/**
 * The value of a data property; a getter is not run, and a proxy is not asked.
 * @param {unknown} value
 * @param {string} name
 * @returns {{value: unknown} | undefined}
 */
function member(value, name) {
  let holder = boxed(value);
  for (let i = 0; holder !== undefined && holder !== null && i < LONGEST_CHAIN; i++) {
    if (isProxy(holder)) return undefined;
    const found = ObjectGetOwnPropertyDescriptor(holder, name);
    if (found !== undefined) return "value" in found ? { value: found.value } : undefined;
    holder = ObjectGetPrototypeOf(holder);
  }
  return undefined;
}

/**
 * @param {unknown} value
 * @param {Candidate[]} found takes the properties, nearest first
 */
function collect(value, found) {
  const seen = new PrimordialSet();
  let holder = boxed(value);
  for (let i = 0; holder !== undefined && holder !== null && i < LONGEST_CHAIN; i++) {
    if (isProxy(holder)) return;
    const names = ObjectGetOwnPropertyNames(holder);
    for (let k = 0; k < names.length; k++) {
      const text = names[k];
      if (setHas(seen, text) || !isName(text)) continue;
      setAdd(seen, text);
      const property = ObjectGetOwnPropertyDescriptor(holder, text);
      push(found, { text, kind: typeof property?.value === "function" ? "function" : "property" });
    }
    holder = ObjectGetPrototypeOf(holder);
  }
}

/**
 * Whether a property can be written after a dot: an index or a key with blanks cannot.
 * @param {string} text
 * @returns {boolean}
 */
function isName(text) {
  const c = text[0];
  if (c === undefined || (c >= "0" && c <= "9")) return false;
  for (let i = 0; i < text.length; i++) {
    const u = text[i];
    if (
      u < "$" ||
      (u > "$" && u < "0") ||
      (u > "9" && u < "A") ||
      (u > "Z" && u < "_") ||
      u === "`" ||
      (u > "z" && u <= "\x7f")
    ) {
      return false;
    }
  }
  return true;
}
