/** The main thread's side of a context: takes requests one at a time, runs cells, answers. */

import { FrameTooLarge } from "./channel.mjs";
import { bundleOf } from "./formats.mjs";
import { Imports } from "./imports.mjs";
import {
  bare,
  hasOwn,
  isNativeError,
  JSONParse,
  lastIndexOf,
  ObjectGetOwnPropertyDescriptor,
  ObjectKeys,
  slice,
} from "./primordials.mjs";

/**
 * @typedef {object} Cell
 * @property {number} seq
 * @property {string} id
 * @property {string} name `cell:3`
 * @property {string} code as V8 has it
 * @property {string} source as the user wrote it
 * @property {boolean} stdin
 * @property {Record<string, string | undefined>} env what the variables of this run were before
 */

const chdir = process.chdir.bind(process);
const cwd = process.cwd.bind(process);
const exit = process.exit.bind(process);
const environment = process.env;
const nextTick = process.nextTick.bind(process);
const hasCapture = process.hasUncaughtExceptionCaptureCallback.bind(process);
const setCapture = process.setUncaughtExceptionCaptureCallback.bind(process);

export class Kernel {
  #engine;
  #channel;
  #interrupts;
  #guards;
  #faults;
  #introspection;
  #count = 0;
  #last = 0;
  /** @type {Cell | undefined} */
  #cell;
  imports = new Imports(cwd());

  /**
   * @param {object} parts
   * @param {import('./engine.mjs').Engine} parts.engine
   * @param {import('./channel.mjs').Channel} parts.channel
   * @param {import('./interrupts.mjs').Interrupts} parts.interrupts
   * @param {import('./guards.mjs').Guards} parts.guards
   * @param {import('./errors.mjs').Faults} parts.faults
   * @param {import('./introspection.mjs').Introspection} parts.introspection
   */
  constructor({ engine, channel, interrupts, guards, faults, introspection }) {
    this.#engine = engine;
    this.#channel = channel;
    this.#interrupts = interrupts;
    this.#guards = guards;
    this.#faults = faults;
    this.#introspection = introspection;
  }

  /** The cell that runs. */
  get cell() {
    return this.#cell;
  }

  /**
   * @param {any} request
   */
  handle(request) {
    switch (request.type) {
      case "configure":
        this.#configure(request);
        return;
      case "execute":
        this.#execute(request);
        return;
      case "settle":
        this.settle(request.seq, request.id);
        unwind();
        return;
      case "complete":
      case "inspect":
      case "is_complete":
        this.#introspect(request);
        return;
      case "shutdown":
        exit(0);
        return;
      default:
    }
  }

  /**
   * @param {{cwd?: string, env?: Record<string, string>}} request
   */
  #configure(request) {
    try {
      if (request.cwd) chdir(request.cwd);
      setEnvironment(request.env ?? bare({}));
      this.imports = new Imports(cwd());
    } catch (error) {
      const { code } = /** @type {NodeJS.ErrnoException} */ (error);
      const value = `cannot work in ${request.cwd}: ${REASONS[code ?? ""] ?? String(error)}`;
      this.#channel.send(bare({ type: "refused", value }));
      return;
    }
    this.#channel.send(bare({ type: "ready" }));
  }

  /**
   * @param {{seq: number, id: string, code?: string, env?: Record<string, string>, stdin?: boolean}} request
   */
  #execute(request) {
    const { seq, id, stdin = false } = request;
    const { code, source } = parted(request.code ?? "");
    this.#interrupts.hold();
    if (seq <= this.#last) {
      // Settled before it came here.
      this.#interrupts.release();
      return;
    }
    this.#last = seq;
    this.#count += 1;
    const cell = { seq, id, name: `cell:${this.#count}`, code, source, stdin, env: bare({}) };
    this.#cell = cell;
    const begun = this.#interrupts.begin(seq);
    this.#guards.restore();
    this.#faults.remember(this.#count, code, source);
    if (begun) cell.env = setEnvironment(request.env ?? bare({}));
    this.#interrupts.release();
    if (!begun) {
      this.settle(seq, id);
      return;
    }
    this.#engine.run(
      code,
      cell.name,
      (value) => this.#fulfilled(cell, value),
      (thrown, line, column) => this.#rejected(cell, thrown, line, column),
    );
  }

  /**
   * Whether the end of a cell is not to be told: it was interrupted while it awaited something, or
   * was terminated and the reader thread is about to say so.
   * @param {Cell} cell
   */
  #stale(cell) {
    return this.#cell !== cell || this.#interrupts.terminating;
  }

  /**
   * @param {Cell} cell
   * @param {unknown} value
   */
  #fulfilled(cell, value) {
    if (this.#stale(cell)) return;
    if (value !== undefined) this.#sendResult(cell, value);
    this.#finish(cell, "ok");
  }

  /**
   * @param {Cell} cell
   * @param {unknown} thrown
   * @param {number} [line] from 0, of text that could not be compiled
   * @param {number} [column]
   */
  #rejected(cell, thrown, line, column) {
    if (this.#stale(cell)) return;
    const fault = this.#faults.describe(thrown, {
      cell: cell.name,
      code: cell.code,
      source: cell.source,
      line,
      column,
    });
    // A child that SIGINT ended makes its parent's call fail: that is the interrupt's doing.
    const interrupted = this.#interrupts.signalled || endedBySigint(thrown);
    this.#fail(cell, fault, interrupted ? "interrupted" : "error");
  }

  /**
   * @param {Cell} cell
   * @param {unknown} value
   */
  #sendResult(cell, value) {
    const message = bare({ type: "result", id: cell.id, data: bundleOf(value) });
    try {
      this.#channel.send(message);
    } catch (error) {
      if (!(error instanceof FrameTooLarge)) throw error;
      message.data = bare({ "text/plain": `[the result cannot be shown: ${error.message}]` });
      this.#channel.send(message);
    }
  }

  /**
   * @param {Cell} cell
   * @param {import('./errors.mjs').Fault} fault
   * @param {string} status
   */
  #fail(cell, fault, status) {
    const { name, value, traceback } = fault;
    this.#interrupts.hold();
    try {
      if (cell !== this.#cell) return;
      this.#channel.send(bare({ type: "error", id: cell.id, name, value, traceback }));
      this.#finish(cell, status);
    } finally {
      this.#interrupts.release();
    }
  }

  /**
   * Ends an execution as interrupted, if it is not over.
   * @param {number} seq
   * @param {string} id
   */
  settle(seq, id) {
    // The interrupt may have hit the message that was to begin it.
    if (seq > this.#last) this.#execute({ seq, id });
    const cell = this.#cell;
    if (cell === undefined || cell.seq !== seq) return;
    const name = "InterruptedError";
    const value = "the execution was interrupted";
    this.#fail(cell, { name, value, traceback: `${name}: ${value}` }, "interrupted");
  }

  /**
   * @param {Cell} cell
   * @param {string} status
   */
  #finish(cell, status) {
    this.#interrupts.hold();
    try {
      // An interrupt may have ended it between the last line of the caller and this one.
      if (cell !== this.#cell) return;
      this.#cell = undefined;
      this.#interrupts.end();
      setEnvironment(cell.env);
      const { names, more } = this.#introspection.userNames();
      const message = bare({ type: "done", id: cell.id, status, names });
      if (more > 0) message.more = more;
      this.#channel.send(message);
    } finally {
      this.#interrupts.release();
    }
  }

  /**
   * @param {any} request
   */
  #introspect(request) {
    this.#channel.send(this.#introspection.answer(request));
  }
}

/** @type {Record<string, string | undefined>} */
const REASONS = bare({
  ENOENT: "there is no such directory",
  ENOTDIR: "it is not a directory",
  EACCES: "permission denied",
});

/** Stands before the original text behind a translated cell, see Go's translate.go. */
const ORIGINAL = "\n//# hotcell-source=";

/**
 * @param {string} text
 * @returns {{code: string, source: string}} the cell as V8 takes it, and as the user wrote it
 */
function parted(text) {
  const at = lastIndexOf(text, ORIGINAL);
  if (at < 0) return { code: text, source: text };
  try {
    const source = JSONParse(slice(text, at + ORIGINAL.length));
    if (typeof source === "string") return { code: slice(text, 0, at), source };
  } catch {
    // A comment of the user's.
  }
  return { code: text, source: text };
}

/**
 * Whether something thrown is child_process's word for a child that SIGINT ended.
 * @param {unknown} thrown
 */
function endedBySigint(thrown) {
  if (!isNativeError(thrown)) return false;
  return ObjectGetOwnPropertyDescriptor(thrown, "signal")?.value === "SIGINT";
}

/**
 * Sets variables; undefined removes one. Returns what they were.
 * @param {Record<string, string | undefined>} wanted
 * @returns {Record<string, string | undefined>}
 */
function setEnvironment(wanted) {
  const before = bare({});
  const names = ObjectKeys(wanted);
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    before[name] = hasOwn(environment, name) ? environment[name] : undefined;
    const value = wanted[name];
    if (value === undefined) delete environment[name];
    else environment[name] = value;
  }
  return before;
}

/**
 * Makes Node forget the asynchronous contexts that a terminated callback has left on its stack:
 * it clears that stack after an exception that nobody caught, so it gets one.
 */
function unwind() {
  if (hasCapture()) return;
  try {
    setCapture(() => setCapture(null));
  } catch {
    return; // the domain module does not allow it
  }
  nextTick(() => {
    throw undefined;
  });
}
