/** V8 through its own inspector: evaluates cells, and hands over what they gave as real values. */

import { Session } from "node:inspector";
import {
  bare,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectPrototype,
  PrimordialBigInt,
  PrimordialNumber,
  slice,
} from "./primordials.mjs";

/**
 * @typedef {object} RemoteObject
 * @property {string} type
 * @property {string} [subtype]
 * @property {unknown} [value]
 * @property {string} [unserializableValue]
 * @property {string} [objectId]
 */

/**
 * @typedef {object} Evaluated
 * @property {RemoteObject} result
 * @property {{lineNumber: number, columnNumber: number, text: string, exception?: RemoteObject}} [exceptionDetails]
 */

/**
 * The session makes JSON of its messages, and those are plain objects: a toJSON that user code
 * gave to all objects would answer for them. It is taken away, and put back when the message is
 * being read, before it has any effect.
 * @param {Record<string, unknown>} params
 * @returns {Record<string, unknown>}
 */
function disarm(params) {
  const planted = ObjectGetOwnPropertyDescriptor(ObjectPrototype, "toJSON");
  if (planted?.configurable !== true) return params;
  delete (/** @type {any} */ (ObjectPrototype).toJSON);
  return ObjectDefineProperty(params, "restored", {
    enumerable: true,
    get: () => void ObjectDefineProperty(ObjectPrototype, "toJSON", planted),
  });
}

const TAKE = 'function () { "use strict"; __hotcell.take(this); }';

export class Engine {
  #post;
  #disconnect;
  #closed = false;
  /** @type {unknown} */
  #taken;

  constructor() {
    const session = new Session();
    session.connect();
    const post = session.post.bind(session);
    this.#disconnect = session.disconnect.bind(session);
    /**
     * @param {string} method
     * @param {Record<string, unknown>} params
     * @param {(error: any, reply: any) => void} callback
     */
    this.#post = (method, params, callback) => post(method, disarm(params), callback);
  }

  /** Called inside the evaluation that {@link value} starts. @param {unknown} value */
  take(value) {
    this.#taken = value;
  }

  /**
   * Calls a method of the inspector that answers before it returns.
   * @param {string} method
   * @param {Record<string, unknown>} params
   * @returns {any} undefined when it failed
   */
  ask(method, params) {
    let answer;
    this.#post(method, bare(params), (/** @type {unknown} */ error, /** @type {any} */ reply) => {
      if (error === null) answer = reply;
    });
    return answer;
  }

  /**
   * Runs a cell. One of the callbacks is called: at once when the text could not be compiled, else
   * when what the cell awaits has settled.
   * @param {string} code
   * @param {string} name for stack traces
   * @param {(value: unknown) => void} fulfilled
   * @param {(thrown: unknown, line?: number, column?: number) => void} rejected
   */
  run(code, name, fulfilled, rejected) {
    const params = bare({ expression: `${code}\n//# sourceURL=${name}`, replMode: true });
    this.#post("Runtime.evaluate", params, (error, reply) => {
      // What was being evaluated when the session ended is not over.
      if (this.#closed) return;
      if (error !== null) {
        rejected(error);
        return;
      }
      const { result, exceptionDetails: fault } = /** @type {Evaluated} */ (reply);
      if (fault !== undefined) {
        const thrown = fault.exception ? this.#adopt(fault.exception) : fault.text;
        rejected(thrown, fault.lineNumber, fault.columnNumber);
        return;
      }
      fulfilled(this.#adopt(result));
    });
  }

  /** Ends the session: nothing is evaluated or told after it. */
  close() {
    this.#closed = true;
    this.#disconnect();
  }

  /**
   * The value behind the inspector's description of it, which then lets go of it.
   * @param {RemoteObject} remote
   * @returns {unknown}
   */
  #adopt(remote) {
    const value = this.value(remote);
    const { objectId } = remote;
    if (objectId !== undefined) this.ask("Runtime.releaseObject", { objectId });
    return value;
  }

  /**
   * Evaluates text that can do nothing but look: V8 refuses anything with a side effect.
   * @param {string} expression
   * @returns {{value: unknown} | undefined}
   */
  peek(expression) {
    const reply = this.ask("Runtime.evaluate", {
      expression,
      throwOnSideEffect: true,
      silent: true,
      timeout: 250,
    });
    if (!reply) return undefined;
    if (!reply.exceptionDetails) return { value: this.#adopt(reply.result) };
    if (reply.exceptionDetails.exception) this.#adopt(reply.exceptionDetails.exception);
    return undefined;
  }

  /** The names of let, const and class at the top level. @returns {string[]} */
  lexicalNames() {
    return this.ask("Runtime.globalLexicalScopeNames", {})?.names ?? [];
  }

  /**
   * The value behind the inspector's description of it.
   * @param {RemoteObject} remote
   * @returns {unknown}
   */
  value(remote) {
    if (remote.objectId !== undefined) {
      this.ask("Runtime.callFunctionOn", {
        objectId: remote.objectId,
        functionDeclaration: TAKE,
        silent: true,
      });
      const value = this.#taken;
      this.#taken = undefined;
      return value;
    }
    if (remote.unserializableValue !== undefined) {
      const text = remote.unserializableValue;
      if (remote.type === "bigint") return PrimordialBigInt(slice(text, 0, -1));
      return PrimordialNumber(text);
    }
    if (remote.subtype === "null") return null;
    return remote.value;
  }
}
