/** The writing side of the protocol. It belongs to the main thread; frames leave whole. */

import {
  AtomicsLoad,
  AtomicsWait,
  BufferAlloc,
  BufferByteLength,
  JSONStringify,
  PrimordialError,
  subarray,
  writeSync,
  writeUInt32BE,
  writeUtf8,
} from "./primordials.mjs";
import { ACKS, FLUSHED, MAX_FRAME, PROTOCOL_FD } from "./shared.mjs";

/** The message does not fit into a frame. */
export class FrameTooLarge extends PrimordialError {
  /**
   * @param {number} size
   */
  constructor(size) {
    super(`${size} bytes are more than fit into one message (64 MiB)`);
    this.name = "FrameTooLarge";
  }
}

export class Channel {
  /** @type {Int32Array} */
  #shared;
  /** @type {(message: object) => void} */
  #post;
  /** @type {import('./interrupts.mjs').Interrupts} */
  #interrupts;
  /** How many messages have asked for an ack. */
  #awaited = 0;

  /**
   * @param {Int32Array} shared
   * @param {(message: object) => void} post sends to the reader thread
   * @param {import('./interrupts.mjs').Interrupts} interrupts
   */
  constructor(shared, post, interrupts) {
    this.#shared = shared;
    this.#post = post;
    this.#interrupts = interrupts;
  }

  /**
   * @param {object} message has no prototype, see bare()
   */
  send(message) {
    const text = JSONStringify(message);
    const size = BufferByteLength(text);
    if (size > MAX_FRAME) throw new FrameTooLarge(size);
    const frame = BufferAlloc(4 + size);
    writeUInt32BE(frame, size, 0);
    writeUtf8(frame, text, 4);
    this.#interrupts.hold();
    try {
      this.#write(frame);
    } finally {
      this.#interrupts.release();
    }
  }

  /**
   * Sends and returns when the server has taken the message, so that what is printed next cannot
   * overtake it.
   * @param {object} message
   */
  sendAndWait(message) {
    this.#awaited += 1;
    const mine = this.#awaited;
    this.send(message);
    // An interrupt may have left the ack of an earlier message unread.
    for (;;) {
      const acks = AtomicsLoad(this.#shared, ACKS);
      if (acks >= mine) return;
      AtomicsWait(this.#shared, ACKS, acks);
    }
  }

  /**
   * Returns when a shared count is no longer what it was. An interrupt ends the waiting.
   * @param {number} cell
   * @param {number} before
   */
  await(cell, before) {
    while (AtomicsLoad(this.#shared, cell) === before) AtomicsWait(this.#shared, cell, before);
  }

  /**
   * @param {Buffer} frame
   */
  #write(frame) {
    for (let at = 0; at < frame.length; ) {
      try {
        at += writeSync(PROTOCOL_FD, frame, at, frame.length - at);
      } catch (error) {
        const { code } = /** @type {NodeJS.ErrnoException} */ (error);
        // The server is gone: the reader thread sees that as well, and ends the process.
        if (code !== "EAGAIN") return;
        const before = AtomicsLoad(this.#shared, FLUSHED);
        this.#post({ type: "flush", bytes: subarray(frame, at) });
        this.await(FLUSHED, before);
        return;
      }
    }
  }
}
