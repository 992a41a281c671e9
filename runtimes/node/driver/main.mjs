/**
 * The driver of a Node.js kernel. This thread runs user code; reader.mjs reads the protocol.
 * Everything that runs after start and can meet user code's changes to built-ins goes through
 * primordials.mjs.
 */

import { builtinModules } from "node:module";
import { MessageChannel, Worker } from "node:worker_threads";
import { Channel } from "./channel.mjs";
import { Display } from "./display.mjs";
import { Engine } from "./engine.mjs";
import { Faults } from "./errors.mjs";
import { installExit } from "./exit.mjs";
import { Guards } from "./guards.mjs";
import { Interrupts } from "./interrupts.mjs";
import { Introspection } from "./introspection.mjs";
import { Kernel } from "./kernel.mjs";
import { bare, ObjectCreate, ObjectDefineProperty, ObjectFreeze } from "./primordials.mjs";
import { CELLS, PROTOCOL_VERSION } from "./shared.mjs";
import { installStdio } from "./stdio.mjs";

/** Sits beside this file, see Go's driver.go. */
const reader = `${__dirname}/reader.cjs`;

/**
 * Gives a global that user code may replace, and that is not listed among its own.
 * @param {string} name
 * @param {PropertyDescriptor} descriptor
 */
function provide(name, descriptor) {
  ObjectDefineProperty(globalThis, name, { configurable: true, enumerable: false, ...descriptor });
}

/**
 * The globals of a Node REPL: its built-in modules by name.
 * @param {Kernel} kernel
 */
function provideModules(kernel) {
  for (const name of builtinModules) {
    if (name.startsWith("_") || name.includes("/") || name in globalThis) continue;
    provide(name, {
      get: () => kernel.imports.require(name),
      set: (value) => provide(name, { value, writable: true, enumerable: true }),
    });
  }
}

function start() {
  const buffer = new SharedArrayBuffer(4 * CELLS);
  const shared = new Int32Array(buffer);
  const requests = new MessageChannel();
  const inputs = new MessageChannel();
  const thread = new Worker(reader, {
    workerData: { port: requests.port2, inputs: inputs.port2, shared: buffer },
    transferList: [requests.port2, inputs.port2],
    env: {},
    execArgv: [],
    stdin: false,
    name: "hotcell",
  });
  thread.on("error", (error) => {
    stderr.write(`hotcell: the reader thread failed: ${error}\n`);
    process.kill(process.pid, "SIGKILL");
  });

  const { port1: port } = requests;
  const post = port.postMessage.bind(port);
  const interrupts = new Interrupts(shared, post);
  const channel = new Channel(shared, post, interrupts);
  const { stdout, stderr } = installStdio(interrupts);
  const engine = new Engine();
  installExit({ shared, post, interrupts, engine });
  const faults = new Faults(__filename);
  const guards = new Guards({ signalled: () => interrupts.signal(), stderr, faults });

  const display = new Display({
    channel,
    cell: () => kernel.cell,
    inputs: inputs.port1,
    shared,
    stdout,
  });
  const exported = { exports: {} };
  provide("display", { value: display.display.bind(display), writable: true });
  provide("clearOutput", { value: display.clearOutput.bind(display), writable: true });
  provide("prompt", { value: display.prompt.bind(display), writable: true });
  provide("module", { value: exported, writable: true });
  provide("exports", { value: exported.exports, writable: true });
  provide("require", {
    get: () => kernel.imports.require,
    set: (value) => provide("require", { value, writable: true, enumerable: true }),
  });
  const hidden = {
    meta: () => kernel.imports.meta,
    interrupt: (/** @type {number} */ seq, /** @type {string} */ id, /** @type {number} */ tries) =>
      interrupts.interrupt(seq, id, tries),
    // Go's constant.go has the last constant of a cell pass through here.
    same: (/** @type {unknown} */ value) => value,
    take: (/** @type {unknown} */ value) => engine.take(value),
    import: (/** @type {unknown} */ specifier, /** @type {object} */ options) =>
      kernel.imports.dynamic(specifier, options),
    named: (
      /** @type {string} */ specifier,
      /** @type {string[]} */ names,
      /** @type {object} */ options,
    ) => kernel.imports.named(specifier, names, options),
  };
  ObjectDefineProperty(globalThis, "__hotcell", {
    value: ObjectFreeze(Object.assign(ObjectCreate(null), hidden)),
    enumerable: false,
    writable: false,
    configurable: false,
  });

  const introspection = new Introspection(engine);
  const kernel = new Kernel({ engine, channel, interrupts, guards, faults, introspection });
  provideModules(kernel);
  introspection.mark();

  process.argv.length = 1;
  process.execArgv.length = 0;
  port.on("message", (message) => {
    if (message.type !== "listening") {
      kernel.handle(message);
      return;
    }
    const version = process.versions.node;
    channel.send(
      bare({ type: "hello", protocol: PROTOCOL_VERSION, language: "javascript", version }),
    );
  });
}

start();
