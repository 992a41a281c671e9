/**
 * The reader thread. It owns the reading side of the protocol's descriptor, so that interrupts,
 * acks and the end of file are seen while user code keeps the main thread busy, and so that user
 * code, which lives in another realm, cannot break the reading.
 */

import { Session } from "node:inspector";
import { Socket } from "node:net";
import { workerData } from "node:worker_threads";
import {
  ACKS,
  FLUSHED,
  INPUTS,
  LANDED,
  LEFT,
  MAX_FRAME,
  PROTOCOL_FD,
  TERMINATED,
} from "./shared.mjs";

/** @type {{port: import('node:worker_threads').MessagePort, inputs: import('node:worker_threads').MessagePort, shared: SharedArrayBuffer}} */
const { port, inputs, shared: buffer } = workerData;
const shared = new Int32Array(buffer);
const session = new Session();
session.connectToMainThread();
const socket = new Socket({ fd: PROTOCOL_FD, readable: true, writable: true });

/** The number and the id of the last execution that was handed to the main thread. */
let sequence = 0;
let lastId = "";

/** The process exits: there is nothing to interrupt any more. */
let left = false;

/** The last request for a termination that V8 has answered. */
let merged = 0;

/**
 * While the main thread does not answer it waits for a child process, and the group gets SIGINT
 * again after so many milliseconds: a shell that forks at the wrong moment loses the first one.
 */
const INSIST = 200;
/** How many milliseconds an interrupted cell gets to come to its end, see interrupts.mjs. */
const GRACE = 5;
/** After so many milliseconds the question is asked again: a turn of the event loop takes less. */
const AGAIN = 20;

/**
 * @param {number} cell
 */
function bump(cell) {
  Atomics.add(shared, cell, 1);
  Atomics.notify(shared, cell);
}

/** Ends the process whatever the main thread is doing. */
function kill() {
  process.kill(process.pid, "SIGKILL");
}

/**
 * Asks the main thread, in the middle of whatever it runs, what an interrupt means now.
 * See interrupts.mjs for its side.
 */
function interrupt(seq = sequence, id = lastId, tries = 0) {
  if (left) return;
  const insist = setInterval(() => process.kill(0, "SIGINT"), INSIST);
  const parameters = `${seq}, ${JSON.stringify(id)}, ${tries}`;
  const question = { expression: `__hotcell.interrupt(${parameters})`, silent: true };
  session.post("Runtime.evaluate", question, (error, reply) => {
    clearInterval(insist);
    const { result } = /** @type {{result?: {value?: unknown}}} */ (reply ?? {});
    // Without an answer a termination for an earlier question has ended this one.
    const step = error ? "wait" : (result?.value ?? "wait");
    if (step === "over" || step === "terminating") return;
    if (step === "settle") settle(seq, id);
    setTimeout(interrupt, step === "wait" && tries === 0 ? GRACE : AGAIN, seq, id, tries + 1);
  });
}

/**
 * Has the main thread's event loop end an execution. The message before makes sure that it turns:
 * Node works off all ticks and promises between two messages.
 * @param {number} seq
 * @param {string} id
 */
function settle(seq, id) {
  port.postMessage({ type: "nudge" });
  port.postMessage({ type: "settle", seq, id });
}

/**
 * Ends the JavaScript that the main thread is in. The main thread waits for TERMINATED, so the
 * termination is queued behind the question that it is answering and hits nothing else.
 * @param {number} seq
 * @param {string} id
 * @param {number} tries
 * @param {number} number counts the requests
 */
function terminate(seq, id, tries, number) {
  session.post("Runtime.terminateExecution", {}, (error) => {
    // V8 refuses a second one while the first is under way, which then serves for both.
    if (number > merged) merged = number;
    if (error) return;
    Atomics.store(shared, LANDED, merged);
    settle(seq, id);
    // Something else may be spinning now, for example a promise chain behind a callback.
    setTimeout(interrupt, AGAIN, seq, id, tries + 1);
  });
  Atomics.store(shared, TERMINATED, number);
  // If nothing was running after all, this message is what the termination takes.
  port.postMessage({ type: "nudge" });
}

port.on("message", (message) => {
  if (message.type === "terminate") {
    terminate(message.seq, message.id, message.tries, message.number);
    return;
  }
  if (message.type === "leave") {
    left = true;
    session.disconnect();
    bump(LEFT);
    return;
  }
  // The rest of a frame for which the main thread found the socket full.
  socket.write(message.bytes, () => bump(FLUSHED));
});

/**
 * @param {any} request
 */
function route(request) {
  switch (request.type) {
    case "ack":
      bump(ACKS);
      return;
    case "input_reply":
      inputs.postMessage({ value: request.value ?? "", eof: request.eof === true });
      bump(INPUTS);
      return;
    case "interrupt":
      interrupt();
      return;
    case "execute":
      sequence += 1;
      lastId = request.id;
      request.seq = sequence;
      break;
    default:
  }
  port.postMessage(request);
}

/** @type {Buffer[]} */
let chunks = [];
let held = 0;
/** How many bytes are needed before there is something to do. */
let wanted = 4;
/** @type {number} */
let bodyLength = -1;

/**
 * @param {number} n
 * @returns {Buffer}
 */
function take(n) {
  const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, held);
  const rest = all.subarray(n);
  chunks = rest.length > 0 ? [rest] : [];
  held = rest.length;
  return all.subarray(0, n);
}

socket.on("data", (chunk) => {
  chunks.push(chunk);
  held += chunk.length;
  while (held >= wanted) {
    if (bodyLength < 0) {
      bodyLength = take(4).readUInt32BE(0);
      if (bodyLength > MAX_FRAME) {
        kill();
        return;
      }
      wanted = bodyLength;
      continue;
    }
    const body = take(bodyLength);
    bodyLength = -1;
    wanted = 4;
    route(JSON.parse(body.toString("utf8")));
  }
});
socket.on("end", kill);
socket.on("error", kill);
port.postMessage({ type: "listening" });
