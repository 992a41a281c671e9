/** The chain of names that stands before the cursor: `a.b["c"].de` */

import { charCodeAt, match, push, slice } from "./primordials.mjs";

const LAST_NAME = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const LAST_KEY = /\[\s*(?:"([^"\\\n]*)"|'([^'\\\n]*)'|(\d+))\s*\]$/;
const BEFORE_DOT = /\?*\.\s*$/;
const BLANK = /\s+$/;

/**
 * @param {string} text
 * @returns {{path: string[] | undefined, prefix: string}} path is undefined when what stands
 *   before the prefix is not a chain of plain names, so that it could only be run to be known
 */
export function chainBefore(text) {
  const prefix = match(LAST_NAME, text)?.[0] ?? "";
  let rest = slice(text, 0, text.length - prefix.length);
  /** @type {string[]} */
  const reversed = [];
  let dot = match(BEFORE_DOT, rest);
  if (dot === null) return { path: [], prefix };
  if (match(/\.\.\.\s*$/, rest) !== null) return { path: [], prefix };
  rest = slice(rest, 0, rest.length - dot[0].length);
  for (;;) {
    const blank = match(BLANK, rest)?.[0].length ?? 0;
    rest = slice(rest, 0, rest.length - blank);
    const key = match(LAST_KEY, rest);
    if (key !== null) {
      push(reversed, key[1] ?? key[2] ?? key[3]);
      rest = slice(rest, 0, rest.length - key[0].length);
      continue;
    }
    const name = match(LAST_NAME, rest)?.[0];
    if (name === undefined) return { path: undefined, prefix };
    push(reversed, name);
    rest = slice(rest, 0, rest.length - name.length);
    dot = match(BEFORE_DOT, rest);
    if (dot === null) break;
    rest = slice(rest, 0, rest.length - dot[0].length);
  }
  /** @type {string[]} */
  const path = [];
  for (let i = reversed.length - 1; i >= 0; i--) push(path, reversed[i]);
  return { path, prefix };
}

/**
 * @param {string} text
 * @param {number} at
 * @returns {number} 2 for a character of two units, else 1
 */
function width(text, at) {
  const c = charCodeAt(text, at);
  if (c < 0xd800 || c > 0xdbff || at + 1 >= text.length) return 1;
  const d = charCodeAt(text, at + 1);
  return d >= 0xdc00 && d <= 0xdfff ? 2 : 1;
}

/**
 * How many UTF-16 units the first n code points have.
 * @param {string} text
 * @param {number} n
 */
export function unitsOf(text, n) {
  let at = 0;
  for (let i = 0; i < n && at < text.length; i++) at += width(text, at);
  return at;
}

/**
 * @param {string} text
 * @returns {number} its code points
 */
export function codePoints(text) {
  let n = 0;
  for (let at = 0; at < text.length; n++) at += width(text, at);
  return n;
}
