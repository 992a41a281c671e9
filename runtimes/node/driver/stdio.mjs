/**
 * process.stdout and process.stderr for a kernel. Node's own are asynchronous when a pipe is full
 * and lose what is buffered in process.exit; these return when every byte is in the pipe, and a
 * write is never cut in two by an interrupt.
 */

import { Writable } from "node:stream";
import {
  AtomicsWait,
  BufferFrom,
  ObjectDefineProperty,
  openSync,
  PrimordialString,
  PrimordialTypeError,
  PrimordialUint8Array,
  ReflectApply,
  writeSync,
} from "./primordials.mjs";

const nextTick = process.nextTick.bind(process);
const dozing = new Int32Array(new SharedArrayBuffer(4));

/**
 * A descriptor of our own for the same pipe: it blocks when the pipe is full, whatever a child
 * process that inherited the original does to that one, and stays open when user code closes it.
 * @param {number} fd
 * @returns {number}
 */
function reopen(fd) {
  try {
    return openSync(`/proc/self/fd/${fd}`, "w");
  } catch {
    return fd;
  }
}

/**
 * @param {number} fd
 * @param {Uint8Array} bytes
 */
function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at, bytes.length - at);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "EAGAIN") throw error;
      // Only where the pipe could not be reopened, and Node has no poll(2).
      AtomicsWait(dozing, 0, 0, 1);
    }
  }
}

/**
 * @param {number} fd as user code knows it
 * @param {import('./interrupts.mjs').Interrupts} interrupts
 * @returns {Writable}
 */
function outputStream(fd, interrupts) {
  const own = reopen(fd);
  const stream = new Writable({ decodeStrings: true, emitClose: false });

  /**
   * @param {any} chunk
   * @param {any} [encoding]
   * @param {any} [callback]
   */
  const write = (chunk, encoding, callback) => {
    const done = typeof encoding === "function" ? encoding : callback;
    const charset = typeof encoding === "string" ? encoding : "utf8";
    const bytes =
      typeof chunk === "string"
        ? BufferFrom(chunk, /** @type {BufferEncoding} */ (charset))
        : chunk;
    if (!(bytes instanceof PrimordialUint8Array)) {
      throw new PrimordialTypeError(
        `a chunk is text or bytes, not ${PrimordialString(typeof chunk)}`,
      );
    }
    interrupts.hold();
    try {
      writeAll(own, bytes);
    } finally {
      interrupts.release();
    }
    if (typeof done === "function") nextTick(done, null);
    return true;
  };

  /**
   * @param {...any} args
   */
  const end = (...args) => {
    if (args.length > 0 && typeof args[0] !== "function" && args[0] != null) {
      ReflectApply(write, undefined, args);
    } else if (typeof args[0] === "function") {
      nextTick(args[0], null);
    }
    return stream;
  };

  stream._write = (chunk, encoding, callback) => {
    write(chunk, encoding);
    callback();
  };
  // Writes go past the stream's queue: an interrupt in the middle of it would leave it waiting
  // for a write that never ends.
  const own_ = { write, end, destroy: () => stream, destroySoon: () => stream };
  for (const [name, value] of Object.entries(own_)) {
    ObjectDefineProperty(stream, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: false,
    });
  }
  return Object.assign(stream, { fd, _type: "pipe", _isStdio: true });
}

/**
 * Puts the streams in their places, before anything has used Node's own.
 * @param {import('./interrupts.mjs').Interrupts} interrupts
 */
export function installStdio(interrupts) {
  const streams = { stdout: outputStream(1, interrupts), stderr: outputStream(2, interrupts) };
  for (const [name, value] of Object.entries(streams)) {
    ObjectDefineProperty(process, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: true,
    });
  }
  return streams;
}
