/**
 * What keeps the process alive: a listener for SIGINT (interrupts are done by interrupts.mjs; the
 * signal is for the children of user code), and listeners for what nobody caught. User code may
 * add its own and remove ours; ours come back.
 */

import { textOf } from "./formats.mjs";
import { ObjectDefineProperty } from "./primordials.mjs";

const on = process.on.bind(process);
const listenerCount = process.listenerCount.bind(process);
const listeners = process.listeners.bind(process);
const eventNames = process.eventNames.bind(process);
const removeAllListeners = process.removeAllListeners.bind(process);

export class Guards {
  /** @type {[string, (...args: any[]) => void][]} */
  #kept;

  /**
   * @param {object} parts
   * @param {() => void} parts.signalled SIGINT arrived
   * @param {import('node:stream').Writable} parts.stderr
   * @param {import('./errors.mjs').Faults} parts.faults
   */
  constructor({ signalled, stderr, faults }) {
    /** @param {string} event @param {string} title */
    const report = (event, title) => (/** @type {unknown} */ error) => {
      // A listener of the user's own decides instead of us.
      if (listenerCount(event) > 1) return;
      stderr.write(`${title} ${faults.clean(textOf(error))}\n`);
    };
    this.#kept = [
      ["SIGINT", signalled],
      ["uncaughtException", report("uncaughtException", "Uncaught")],
      ["unhandledRejection", report("unhandledRejection", "Uncaught (in promise)")],
    ];
    this.restore();
    keepSignals();
    on("removeListener", (event, listener) => {
      for (let i = 0; i < this.#kept.length; i++) {
        const kept = this.#kept[i];
        if (kept[0] === event && kept[1] === listener) on(event, listener);
      }
    });
  }

  /** Puts back what process.removeAllListeners() took away. */
  restore() {
    for (let i = 0; i < this.#kept.length; i++) {
      const event = this.#kept[i][0];
      const listener = this.#kept[i][1];
      const present = listeners(/** @type {any} */ (event));
      let found = false;
      for (let k = 0; k < present.length; k++) found ||= present[k] === listener;
      if (!found) on(event, listener);
    }
  }
}

/**
 * Makes process.removeAllListeners() leave Node's own two listeners, by which it starts and stops
 * to watch for signals: without them SIGINT would end the process for good.
 */
function keepSignals() {
  ObjectDefineProperty(process, "removeAllListeners", {
    value: (/** @type {[(string | symbol)?]} */ ...args) => {
      if (args.length > 0) return removeAllListeners(args[0]);
      const names = eventNames();
      for (let i = 0; i < names.length; i++) {
        if (names[i] !== "newListener" && names[i] !== "removeListener")
          removeAllListeners(names[i]);
      }
      return process;
    },
    configurable: true,
    enumerable: false,
    writable: true,
  });
}
