/**
 * The built-ins that the driver uses, taken before user code can replace them. Driver code that
 * runs after start goes through these and through index loops, never through a prototype.
 */

import fs from "node:fs";
import module from "node:module";
import path from "node:path";
import url from "node:url";
import util from "node:util";
import vm from "node:vm";
import threads from "node:worker_threads";

// User code can also replace what Node's own modules export.
export const { openSync, writeSync } = fs;
export const { createRequire } = module;
export const { join: joinPath } = path;
export const { pathToFileURL } = url;
export const { inspect } = util;
export const { isNativeError, isProxy, isUint8Array } = util.types;
export const { Script, runInThisContext, constants: vmConstants } = vm;
export const { receiveMessageOnPort } = threads;

const { call } = Function.prototype;

/**
 * Turns a method into a function that takes its receiver first.
 * @type {<T extends (...args: any[]) => any>(method: T) => (self: any, ...args: any[]) => ReturnType<T>}
 */
const uncurry = /** @type {any} */ (/** @type {any} */ (call).bind.bind(call));

export const globals = globalThis;
export const ObjectPrototype = Object.prototype;
export const toObject = Object;
export const PrimordialTypeError = TypeError;
export const PrimordialURL = URL;
export const PrimordialUint8Array = Uint8Array;
export const JSONParse = JSON.parse;
export const JSONStringify = JSON.stringify;
export const ArrayIsArray = Array.isArray;
export const ObjectCreate = Object.create;
export const ObjectKeys = Object.keys;
export const ObjectAssign = Object.assign;
export const ObjectEntries = Object.entries;
export const ObjectDefineProperty = Object.defineProperty;
export const ObjectFreeze = Object.freeze;
export const ObjectGetOwnPropertyDescriptor = Object.getOwnPropertyDescriptor;
export const ObjectGetOwnPropertyNames = Object.getOwnPropertyNames;
export const ObjectGetPrototypeOf = Object.getPrototypeOf;
export const ObjectSetPrototypeOf = Object.setPrototypeOf;
export const ReflectApply = Reflect.apply;
export const PrimordialString = String;
export const PrimordialBigInt = BigInt;
export const PrimordialNumber = Number;
export const PrimordialError = Error;
export const PrimordialSyntaxError = SyntaxError;
export const PrimordialPromise = Promise;
export const PrimordialSet = Set;
export const PrimordialRegExp = RegExp;

export const BufferFrom = Buffer.from;
export const BufferAlloc = Buffer.allocUnsafe;
export const BufferByteLength = Buffer.byteLength;
export const writeUtf8 = uncurry(Buffer.prototype.write);
export const writeUInt32BE = uncurry(Buffer.prototype.writeUInt32BE);
const bytesToString = uncurry(Buffer.prototype.toString);
/** @type {(bytes: Uint8Array) => string} */
export const toBase64 = (bytes) => bytesToString(BufferFrom(bytes), "base64");
export const subarray = uncurry(Uint8Array.prototype.subarray);

export const AtomicsLoad = Atomics.load;
export const AtomicsWait = Atomics.wait;
export const AtomicsStore = Atomics.store;
export const AtomicsNotify = Atomics.notify;

export const hasOwn = uncurry(Object.prototype.hasOwnProperty);
export const push = uncurry(Array.prototype.push);
export const join = uncurry(Array.prototype.join);
export const sort = uncurry(Array.prototype.sort);
export const split = uncurry(String.prototype.split);
export const slice = uncurry(String.prototype.slice);
export const startsWith = uncurry(String.prototype.startsWith);
export const endsWith = uncurry(String.prototype.endsWith);
export const trimEnd = uncurry(String.prototype.trimEnd);
export const includes = uncurry(String.prototype.includes);
export const indexOf = uncurry(String.prototype.indexOf);
export const lastIndexOf = uncurry(String.prototype.lastIndexOf);
export const charCodeAt = uncurry(String.prototype.charCodeAt);
export const repeat = uncurry(String.prototype.repeat);
export const regexpExec = uncurry(RegExp.prototype.exec);
export const setHas = uncurry(Set.prototype.has);
export const setAdd = uncurry(Set.prototype.add);
export const functionToString = uncurry(Function.prototype.toString);
export const hrtime = process.hrtime.bigint;

/**
 * A plain object without a prototype, so that nothing that user code puts on Object.prototype
 * (a toJSON, a setter) takes part in what the driver makes of it.
 * @param {Record<string, unknown>} members
 * @returns {Record<string, any>}
 */
export function bare(members) {
  return ObjectSetPrototypeOf(members, null);
}

/**
 * The array itself, without Array.prototype; only JSON and index loops look at it afterwards.
 * @template T
 * @param {T[]} items
 * @returns {T[]}
 */
export function bareArray(items) {
  return ObjectSetPrototypeOf(items, null);
}

/**
 * Tests a pattern. A RegExp's own exec can be replaced, its internal one cannot be reached, so
 * the original is kept.
 * @param {RegExp} pattern
 * @param {string} text
 * @returns {RegExpExecArray | null}
 */
export function match(pattern, text) {
  return regexpExec(pattern, text);
}
