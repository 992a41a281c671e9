/**
 * Interrupts, as the main thread sees them.
 *
 * The reader thread has `interrupt(seq)` evaluated on the main thread through the inspector, which
 * breaks into running JavaScript between two of its instructions. So every decision is taken on
 * the main thread, and nothing races with it:
 *
 *  - the execution is over: nothing happens;
 *  - the driver is in the middle of something (a frame, a write): it is left to finish first;
 *  - user code is on the stack: a termination is queued right behind the question, ends all
 *    JavaScript down to the event loop, and then the reader thread sends `settle`;
 *  - nothing is on the stack (an await is pending): the execution is settled at once.
 */

import { AtomicsLoad, PrimordialError } from './primordials.mjs';
import { TERMINATED } from './shared.mjs';

export class Interrupts {
  /** @type {Int32Array} */
  #shared;
  /** @type {(message: object) => void} */
  #post;
  /** @type {(seq: number, id: string) => void} */
  #settle;
  #held = 0;
  #current = 0;
  #last = 0;
  #early = 0;
  #asked = 0;
  #requested = 0;
  /** The execution for which an interrupt waits until nothing is held, or 0. */
  #pending = 0;
  #terminating = false;
  #signalled = false;

  /**
   * @param {Int32Array} shared
   * @param {(message: object) => void} post sends to the reader thread
   * @param {(seq: number, id: string) => void} settle ends the execution as interrupted
   */
  constructor(shared, post, settle) {
    this.#shared = shared;
    this.#post = post;
    this.#settle = settle;
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

  /** Nothing may be terminated until release. */
  hold() {
    this.#held += 1;
  }

  release() {
    this.#held -= 1;
    if (this.#held > 0 || this.#pending === 0) return;
    const seq = this.#pending;
    this.#pending = 0;
    this.#terminate(seq);
    // Ended by the termination.
    for (;;);
  }

  /**
   * Called by the reader thread through the inspector: once for an interrupt, and once more after
   * each termination that came of it.
   * @param {number} seq
   * @param {string} id
   */
  interrupt(seq, id) {
    if (seq < this.#last || (seq === this.#last && this.#current !== seq)) return;
    const again = this.#asked === seq;
    this.#asked = seq;
    // Still in the queue, perhaps behind a callback of user code.
    if (seq !== this.#current) this.#early = seq;
    if (this.#held > 0) {
      this.#pending = seq;
      return;
    }
    const busy = onStack();
    if (again || (!busy && seq === this.#current)) this.#settle(seq, id);
    if (busy) this.#terminate(seq);
  }

  /**
   * @param {number} seq
   */
  #terminate(seq) {
    this.#terminating = seq === this.#current;
    this.#requested += 1;
    const number = this.#requested;
    this.#post({ type: 'terminate', seq, number });
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
    void new PrimordialError('').stack;
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
