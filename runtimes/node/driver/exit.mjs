/**
 * process.exit for a kernel: lets go of the inspector first. With a session open Node writes to
 * the user's stderr that it waits for the debugger, and the running cell would be told as failed,
 * since its evaluation ends with the session.
 */

import { AtomicsLoad, ObjectDefineProperty } from "./primordials.mjs";
import { LEFT } from "./shared.mjs";

const reallyExit = /** @type {any} */ (process).reallyExit.bind(process);

/**
 * @param {object} parts
 * @param {Int32Array} parts.shared
 * @param {(message: object) => void} parts.post sends to the reader thread
 * @param {import('./interrupts.mjs').Interrupts} parts.interrupts
 * @param {import('./engine.mjs').Engine} parts.engine
 */
export function installExit({ shared, post, interrupts, engine }) {
  let leaving = false;
  /** @param {number} code */
  const leave = (code) => {
    if (!leaving) {
      leaving = true;
      interrupts.hold();
      engine.close();
      post({ type: "leave" });
      // Not Atomics.wait: the reader thread's session ends in an interruption of this loop, and
      // that was asked for before the count went up.
      while (AtomicsLoad(shared, LEFT) === 0);
      for (let turns = 0; turns < 1000; turns++) AtomicsLoad(shared, LEFT);
    }
    reallyExit(code);
  };
  // process.exit calls it by this name.
  ObjectDefineProperty(process, "reallyExit", {
    value: leave,
    configurable: true,
    enumerable: false,
    writable: true,
  });
}
