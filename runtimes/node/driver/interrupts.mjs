/**
 * Interrupts, as the main thread sees them.
 *
 * The reader thread has `interrupt(seq)` evaluated on the main thread through the inspector, which
 * breaks into running JavaScript between two of its instructions. So every decision is taken on
 * the main thread, and nothing races with it:
 *
 *  - the execution is over: nothing happens;
 *  - nothing is on the stack (an await is pending): the execution is to be settled;
 *  - something is on the stack: it gets a few milliseconds to come to its end by itself, which
 *    ordinary cells and the driver's own steps do. What still runs then is terminated: a
 *    termination is queued right behind the question, and ends all JavaScript down to the event
 *    loop;
 *  - the driver is in the middle of something (a frame, a write): the termination waits for that.
 *
 * The reader thread has the execution settled by a message, behind one that does nothing: only an
 * event loop that turns, and no endless chain of promises or ticks, takes both. So what is told
 * as interrupted has left the thread free for the next cell. Until then it goes on asking, and
 * each time that something still runs it is terminated again; a chain that survives all of it is
 * the server's to kill.
 *
 * V8 acts on a termination at the next call or turn of a loop, and Node ends the process when that
 * comes exactly between the last line of a cell and the end of its evaluation. That is what the
 * few milliseconds are for: without them an interrupt of a short cell could meet that gap.
 */

import { AtomicsLoad, PrimordialError } from "./primordials.mjs";
import { LANDED, TERMINATED } from "./shared.mjs";

/** So many times an empty stack is taken for an event loop that is about to turn. */
const PATIENT_TRIES = 3;

export class Interrupts {
  /** @type {Int32Array} */
  #shared;
  /** @type {(message: object) => void} */
  #post;
  #held = 0;
  #current = 0;
  #last = 0;
  #early = 0;
  /** How many terminations were asked for. */
  #requested = 0;
  /** The execution for which an interrupt waits until nothing is held, or 0. */
  #pending = 0;
  #pendingId = "";
  #terminating = false;
  #signalled = false;

  /**
   * @param {Int32Array} shared
   * @param {(message: object) => void} post sends to the reader thread
   */
  constructor(shared, post) {
    this.#shared = shared;
    this.#post = post;
  }

  /** Whether the JavaScript on the stack is about to be, or has just been, terminated. */
  get terminating() {
    return this.#terminating;
  }

  /** Whether SIGINT arrived while the execution ran. */
  get signalled() {
    return this.#signalled;
  }

  /** The number of the execution that runs, or 0. */
  get current() {
    return this.#current;
  }

  /**
   * An execution begins. False: it was interrupted before it did.
   * @param {number} seq
   * @returns {boolean}
   */
  begin(seq) {
    this.#current = seq;
    this.#last = seq;
    this.#terminating = false;
    this.#pending = 0;
    this.#signalled = false;
    return this.#early !== seq;
  }

  /** The execution is over; an interrupt that comes now comes late. */
  end() {
    this.#current = 0;
    this.#pending = 0;
    this.#terminating = false;
  }

  /** SIGINT reached the process. */
  signal() {
    this.#signalled = this.#current !== 0;
  }

  /** Whether no termination is on its way. */
  #settled() {
    return AtomicsLoad(this.#shared, LANDED) >= this.#requested;
  }

  /** Nothing may be terminated until release. */
  hold() {
    // V8 acts on a termination at the next call or turn of a loop, so one may be due right here.
    // The count is read with Atomics, since the optimizer would read a member only once.
    while (!this.#settled());
    this.#held += 1;
  }

  release() {
    this.#held -= 1;
    if (this.#held > 0 || this.#pending === 0) return;
    const seq = this.#pending;
    this.#pending = 0;
    this.#terminate(seq, this.#pendingId, 1);
    // Ended by the termination.
    for (;;);
  }

  /**
   * Called by the reader thread: for an interrupt, and again and again until it is over.
   * @param {number} seq
   * @param {string} id
   * @param {number} tries how often it was asked before
   * @returns {string} what the reader thread is to do, see its interrupt()
   */
  interrupt(seq, id, tries) {
    if (seq < this.#last || (seq === this.#last && this.#current !== seq)) return "over";
    // A termination is on its way, and the reader thread asks again after it.
    if (!this.#settled()) return "terminating";
    // Still in the queue, perhaps behind a callback of user code.
    if (seq !== this.#current) this.#early = seq;
    const busy = onStack();
    if (tries === 0) return busy ? "wait" : "settle";
    // Nothing is on the stack in an event loop that is about to turn, and also between two links
    // of a chain of promises: that one will be found so again.
    if (!busy && tries < PATIENT_TRIES) return "settle";
    if (this.#held > 0) {
      this.#pending = seq;
      this.#pendingId = id;
      return "terminating";
    }
    this.#terminate(seq, id, tries);
    return "terminating";
  }

  /**
   * @param {number} seq
   * @param {string} id
   * @param {number} tries
   */
  #terminate(seq, id, tries) {
    this.#terminating = seq === this.#current;
    this.#requested += 1;
    const number = this.#requested;
    this.#post({ type: "terminate", seq, id, tries, number });
    // Not Atomics.wait: it does not nest, and may be what user code is in.
    while (AtomicsLoad(this.#shared, TERMINATED) < number);
  }
}

/**
 * Whether JavaScript other than the question itself is on the stack: besides this function there
 * are the method above, the property through which it was called, and the evaluated text.
 * @returns {boolean}
 */
function onStack() {
  const { stackTraceLimit, prepareStackTrace } = PrimordialError;
  try {
    let depth = 0;
    PrimordialError.stackTraceLimit = 10;
    PrimordialError.prepareStackTrace = (_, frames) => {
      depth = frames.length;
    };
    void new PrimordialError("").stack;
    return depth > 4;
  } catch {
    return true;
  } finally {
    try {
      PrimordialError.stackTraceLimit = stackTraceLimit;
      PrimordialError.prepareStackTrace = prepareStackTrace;
    } catch {
      // Frozen by user code: then nothing was changed either.
    }
  }
}
