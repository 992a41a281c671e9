/** The functions that user code is given: display, clearOutput and prompt. */

import { bundleOf, cleanBundle, isBundle } from "./formats.mjs";
import {
  AtomicsLoad,
  bare,
  JSONParse,
  JSONStringify,
  PrimordialError,
  PrimordialString,
  receiveMessageOnPort,
} from "./primordials.mjs";
import { INPUTS } from "./shared.mjs";

/**
 * @typedef {object} DisplayOptions
 * @property {string} [displayId] a name under which the display can be replaced
 * @property {boolean} [update] replace the display of that name
 * @property {boolean} [raw] whether the value is a bundle; if it isn't said, an object is one all
 *   whose keys are MIME types
 * @property {object} [metadata]
 */

export class Display {
  /** @type {import('./channel.mjs').Channel} */
  #channel;
  /** @type {() => {id: string, stdin: boolean} | undefined} */
  #cell;
  /** @type {import('node:worker_threads').MessagePort} */
  #inputs;
  /** @type {Int32Array} */
  #shared;
  /** @type {import('node:stream').Writable} */
  #stdout;

  /**
   * @param {object} parts
   * @param {import('./channel.mjs').Channel} parts.channel
   * @param {() => {id: string, stdin: boolean} | undefined} parts.cell the one that runs
   * @param {import('node:worker_threads').MessagePort} parts.inputs
   * @param {Int32Array} parts.shared
   * @param {import('node:stream').Writable} parts.stdout
   */
  constructor({ channel, cell, inputs, shared, stdout }) {
    this.#channel = channel;
    this.#cell = cell;
    this.#inputs = inputs;
    this.#shared = shared;
    this.#stdout = stdout;
  }

  /**
   * Shows a value, and returns when it stands in the output.
   * @param {unknown} value
   * @param {DisplayOptions} [options]
   */
  display(value, options = {}) {
    const bundle = (options.raw ?? isBundle(value)) ? cleanBundle(value) : bundleOf(value);
    const cell = this.#cell();
    if (cell === undefined) {
      // No execution to show it in: what a callback prints between cells is plain output too.
      this.#stdout.write(`${PrimordialString(bundle["text/plain"] ?? "")}\n`);
      return;
    }
    const message = bare({ type: "display", id: cell.id, data: bundle, ack: true });
    if (options.displayId !== undefined) message.display_id = PrimordialString(options.displayId);
    if (options.update) message.update = true;
    if (options.metadata) message.metadata = JSONParse(JSONStringify(options.metadata));
    this.#channel.sendAndWait(message);
  }

  /**
   * Clears what the cell has shown, at once or when something new is shown.
   * @param {{wait?: boolean}} [options]
   */
  clearOutput(options = {}) {
    const cell = this.#cell();
    if (cell === undefined) return;
    const wait = options.wait === true;
    this.#channel.sendAndWait(bare({ type: "clear_output", id: cell.id, wait, ack: true }));
  }

  /**
   * Asks whoever runs the cell for a line, and waits for it. Null when nobody can be asked, or
   * the input ended.
   * @param {unknown} [text]
   * @param {{password?: boolean}} [options]
   * @returns {string | null}
   */
  prompt(text = "", options = {}) {
    const cell = this.#cell();
    if (!cell?.stdin) return null;
    while (receiveMessageOnPort(this.#inputs) !== undefined);
    const before = AtomicsLoad(this.#shared, INPUTS);
    const prompt = PrimordialString(text);
    const password = options.password === true;
    this.#channel.send(bare({ type: "input_request", id: cell.id, prompt, password }));
    this.#channel.await(INPUTS, before);
    const reply = receiveMessageOnPort(this.#inputs)?.message;
    if (reply === undefined) throw new PrimordialError("the reply to prompt() was lost");
    return reply.eof ? null : reply.value;
  }
}
