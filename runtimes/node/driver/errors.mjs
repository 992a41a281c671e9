/** What is told about something thrown: name, value and a traceback of the user's own frames. */

import { textOf, wordsOf } from "./formats.mjs";
import {
  bare,
  endsWith,
  inspect,
  isNativeError,
  join,
  match,
  PrimordialError,
  PrimordialRegExp,
  PrimordialString,
  PrimordialSyntaxError,
  push,
  repeat,
  slice,
  split,
} from "./primordials.mjs";

/** A frame in a cell: the number of the cell, the line and the column. */
const PLACE_IN_CELL = /\bcell:(\d+):(\d+):(\d+)\)?(?: \{)?$/;
/** So many cells' texts are kept for tracebacks, and so many characters of each. */
const CELLS_KEPT = 100;
const LONGEST_CELL = 64 * 1024;

/** Longer texts are cut: an error is read by people and models, not by programs. */
const LONGEST = 1024 * 1024;
const FRAME = /^\s+at /;
/** Frames that inspect has left out, most of them the driver's. */
const MATCHING = /^\s+\.\.\. \d+ lines matching cause stack trace \.\.\.$/;
const FRAME_OF_CELL = /^\s+at .*\bcell:\d+:\d+/m;

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} value
 * @property {string} traceback
 */

/**
 * @typedef {object} Place
 * @property {string} cell its name, `cell:3`
 * @property {string} code as V8 has it
 * @property {string} source as the user wrote it
 * @property {number} [line] from 0
 * @property {number} [column] from 0
 */

export class Faults {
  /** @type {RegExp} */
  #foreign;
  /** Recent cells by their numbers. @type {Record<number, {code: string, source: string}>} */
  #cells = bare({});

  /**
   * @param {string} driver the path of the driver's own file, whose frames are left out
   */
  constructor(driver) {
    const quoted = driver.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    this.#foreign = new PrimordialRegExp(`^\\s+at .*(?:\\(|\\s)(?:node:|(?:file://)?${quoted})`);
  }

  /**
   * Keeps the text of a cell, so that tracebacks can show its lines.
   * @param {number} number
   * @param {string} code as V8 has it
   * @param {string} source as the user wrote it
   */
  remember(number, code, source) {
    delete this.#cells[number - CELLS_KEPT];
    if (code.length <= LONGEST_CELL) this.#cells[number] = { code, source };
  }

  /**
   * @param {unknown} thrown
   * @param {Place} place where V8 saw it
   * @returns {Fault}
   */
  describe(thrown, place) {
    if (!isError(thrown)) {
      const value = cut(textOf(thrown));
      return {
        name: "Uncaught",
        value,
        traceback: this.#annotate(`Uncaught ${value}${at(place)}`),
      };
    }
    const name = member(thrown, "name") || "Error";
    const value = member(thrown, "message");
    const text = this.clean(fullText(thrown, name, value));
    if (isSyntaxError(thrown) && match(FRAME_OF_CELL, stackOf(thrown)) === null) {
      const source = sourceLine(place);
      if (source !== "") return { name, value, traceback: `${source}${name}: ${value}` };
    }
    return { name, value, traceback: this.#annotate(text) };
  }

  /**
   * Adds the source line of the innermost frame in a cell.
   * @param {string} text
   * @returns {string}
   */
  #annotate(text) {
    const lines = split(text, "\n");
    for (let i = 0; i < lines.length; i++) {
      if (match(FRAME, lines[i]) === null) continue;
      const source = this.#source(lines[i]);
      if (source !== "") return `${text}\n\n${source}`;
    }
    return text;
  }

  /**
   * @param {string} frame
   * @returns {string} the line with its number, and a mark below the place
   */
  #source(frame) {
    const place = match(PLACE_IN_CELL, frame);
    if (place === null) return "";
    const cell = this.#cells[+place[1]];
    if (cell === undefined) return "";
    const found = excerpt(cell, +place[2] - 1, +place[3] - 1);
    if (found === undefined) return "";
    const { shown, mark } = found;
    const gutter = `  ${place[2]} | `;
    if (mark === "") return `${gutter}${shown}`;
    return `${gutter}${shown}\n${repeat(" ", gutter.length)}${mark}`;
  }

  /**
   * Leaves out the frames that are not the user's.
   * @param {string} text
   * @returns {string}
   */
  clean(text) {
    const lines = split(text, "\n");
    /** @type {string[]} */
    const kept = [];
    for (let i = 0; i < lines.length; i++) {
      const line = lines[i];
      if (match(MATCHING, line) !== null) continue;
      if (match(FRAME, line) === null || match(this.#foreign, line) === null) {
        push(kept, line);
      } else if (endsWith(line, " {") && kept.length > 0) {
        // What follows are the error's own properties.
        kept[kept.length - 1] += " {";
      }
    }
    return cut(join(kept, "\n"));
  }
}

/**
 * @param {unknown} value
 * @returns {value is Error}
 */
function isError(value) {
  try {
    return isNativeError(value) || value instanceof PrimordialError;
  } catch {
    return false;
  }
}

/**
 * @param {unknown} error
 * @returns {boolean}
 */
function isSyntaxError(error) {
  try {
    return error instanceof PrimordialSyntaxError;
  } catch {
    return false;
  }
}

/**
 * @param {any} error
 * @param {string} name
 * @returns {string}
 */
function member(error, name) {
  try {
    const value = error[name];
    return value === undefined ? "" : cut(PrimordialString(value));
  } catch (raised) {
    return `[${name} raises: ${wordsOf(raised)}]`;
  }
}

/**
 * @param {any} error
 * @returns {string}
 */
function stackOf(error) {
  try {
    return PrimordialString(error.stack);
  } catch {
    return "";
  }
}

/**
 * The stack with causes and the errors of an AggregateError, as inspect shows them.
 * @param {Error} error
 * @param {string} name
 * @param {string} value
 * @returns {string}
 */
function fullText(error, name, value) {
  try {
    return inspect(error, { depth: 4, maxArrayLength: 50, maxStringLength: 10_000 });
  } catch {
    return `${name}: ${value}`;
  }
}

/**
 * @param {Place} place
 * @returns {string}
 */
function at(place) {
  if (place.line === undefined) return "";
  return `\n    at ${place.cell}:${place.line + 1}:${(place.column ?? 0) + 1}`;
}

/**
 * The line that V8 could not read, with a mark under the place.
 * @param {Place} place
 * @returns {string}
 */
function sourceLine(place) {
  if (place.line === undefined) return "";
  const found = excerpt(place, place.line, place.column ?? 0);
  if (found === undefined) return "";
  return `${place.cell}:${place.line + 1}\n${found.shown}\n${found.mark}\n\n`;
}

/**
 * A line as the user wrote it, and what to put below it: a mark under the place, unless the line
 * was translated and has its columns elsewhere. A generated line may be megabytes long; the
 * neighbourhood of the place is enough.
 * @param {{code: string, source: string}} cell
 * @param {number} number of the line, from 0
 * @param {number} column from 0
 * @returns {{shown: string, mark: string} | undefined}
 */
function excerpt({ code, source }, number, column) {
  const line = split(source, "\n")[number];
  if (line === undefined) return undefined;
  if (source !== code && split(code, "\n")[number] !== line)
    return { shown: slice(line, 0, 300), mark: "" };
  const from = column > 200 ? column - 100 : 0;
  let mark = "";
  for (let i = from; i < column; i++) mark += line[i] === "\t" ? "\t" : " ";
  return { shown: slice(line, from, from + 300), mark: `${mark}^` };
}

/**
 * @param {string} text
 * @returns {string}
 */
function cut(text) {
  if (text.length <= LONGEST) return text;
  return `${slice(text, 0, LONGEST)}… ${text.length - LONGEST} more characters`;
}
