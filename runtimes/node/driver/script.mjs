/**
 * A process that waits to become a program: what `node program.js` would be, without its start.
 * Nothing of the driver runs beside the program, and no frame of it is below the program's own.
 */

import { closeSync, readFileSync, readSync, unlinkSync, writeFileSync, writeSync } from "node:fs";
import Module from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";
import { PROTOCOL_VERSION } from "./shared.mjs";

/**
 * @typedef {object} Script see Go's wire.Script
 * @property {string} file
 * @property {string} path of a CommonJS program
 * @property {string} [module] the file of an ES module, if the text may be one
 * @property {boolean} [keep] whether it stays there while the program runs
 * @property {boolean} [mapped]
 * @property {string[]} [args]
 * @property {Record<string, string>} [env]
 */

const PROTOCOL = 3;
const HEAD = 4;

/** A module with nothing in it. */
const EMPTY = "data:text/javascript,";

/** What a CommonJS program has around it. */
const PARAMETERS = ["exports", "require", "module", "__filename", "__dirname"];

/** How V8 says that a text can only be an ES module. */
const MODULE_ONLY =
  /^(?:Cannot use import statement outside a module|Unexpected token 'export'|Cannot use 'import\.meta' outside a module)$/;

/**
 * @param {number} size
 * @returns {Buffer | undefined} nothing at the end of the stream
 */
function receive(size) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size; ) {
    const n = readSync(PROTOCOL, bytes, at, size - at, null);
    if (n === 0) return undefined;
    at += n;
  }
  return bytes;
}

/** Waits for the next frame, without a turn of the event loop. @returns {any} */
function nextFrame() {
  const head = receive(HEAD);
  const body = head && receive(head.readUInt32BE(0));
  if (body === undefined) process.exit(0);
  return JSON.parse(body.toString("utf8"));
}

/** @param {object} frame */
function send(frame) {
  const body = Buffer.from(JSON.stringify(frame), "utf8");
  const bytes = Buffer.alloc(HEAD + body.length);
  bytes.writeUInt32BE(body.length, 0);
  body.copy(bytes, HEAD);
  for (let at = 0; at < bytes.length; ) at += writeSync(PROTOCOL, bytes, at);
}

/**
 * Makes the streams write through. Node's own give up what a full pipe had no room for when
 * process.exit() is called, and let children find a pipe that doesn't block.
 */
function openStreams() {
  for (const stream of [process.stdout, process.stderr]) {
    /** @type {any} */ (stream)._handle?.setBlocking?.(true);
  }
}

/** @param {Record<string, string>} env */
function setEnvironment(env) {
  for (const name of Object.keys(process.env)) {
    if (!(name in env)) delete process.env[name];
  }
  for (const [name, value] of Object.entries(env)) {
    if (process.env[name] !== value) process.env[name] = value;
  }
}

/** @param {string} path */
function remove(path) {
  try {
    unlinkSync(path);
  } catch {
    // It is removed at the end all the same.
  }
}

/**
 * The message of the error with which V8 refuses a text as the body of a function.
 * @param {string} text
 * @returns {string | undefined}
 */
function refusal(text) {
  try {
    compileFunction(text, PARAMETERS);
    return undefined;
  } catch (error) {
    return error instanceof SyntaxError ? error.message : undefined;
  }
}

/**
 * Whether a text is an ES module: it says so by its syntax, or awaits something at the top level.
 * @param {string} text
 */
function isModule(text) {
  const words = refusal(text);
  if (words === undefined) return false;
  if (MODULE_ONLY.test(words)) return true;
  return refusal(`return async () => {${text}\n}`) === undefined;
}

/**
 * Runs a CommonJS program as the main module.
 * @param {string} text
 * @param {string} path
 */
function runCommonJS(text, path) {
  const internals = /** @type {any} */ (Module);
  const main = new internals(path, null);
  main.id = ".";
  main.filename = path;
  main.paths = internals._nodeModulePaths(dirname(path));
  internals._cache[path] = main;
  /** @type {any} */ (process).mainModule = main;
  // The first thing in the queue, with nothing of ours below it.
  process.nextTick(internals.prototype._compile.bind(main, text, path, "commonjs"));
}

/**
 * Imports the file of an ES module.
 * @param {string} path
 * @param {boolean} keep
 */
function runModule(path, keep) {
  let pending = true;
  // What Node does about a main module that waits for something that never comes.
  const unsettled = () => {
    if (!pending) return;
    if (process.exitCode === undefined) {
      process.stderr.write("Warning: Detected unsettled top-level await\n");
      process.exitCode = 13;
    }
  };
  process.on("exit", unsettled);
  const done = () => {
    pending = false;
    process.off("exit", unsettled);
  };
  /** @param {unknown} error */
  const fail = (error) => {
    done();
    if (!keep) remove(path);
    throw error; // nobody catches it, so Node tells it
  };
  import(pathToFileURL(path).href).then(done, (error) => {
    const plain = withoutBorrowed(path, error);
    if (plain === undefined) return fail(error);
    // It declares one of these names itself. Nothing has been evaluated yet.
    writeFileSync(path, plain);
    return import(`${pathToFileURL(path).href}?again`).then(done, fail);
  });
}

/**
 * The text of a module without the names of CommonJS that Go's script.go lends it in a last line.
 * @param {string} path
 * @param {any} error
 * @returns {string | undefined} if that can help
 */
function withoutBorrowed(path, error) {
  const name = /^Identifier '(\w+)' has already been declared$/.exec(error?.message)?.[1];
  if (!(error instanceof SyntaxError) || name === undefined || !PARAMETERS.includes(name)) {
    return undefined;
  }
  const text = readFileSync(path, "utf8");
  const at = text.lastIndexOf("\nimport{");
  const end = text.indexOf("}", at);
  const names = text.slice(at + "\nimport{".length, end).split(",");
  if (at < 0 || !names.includes(name)) return undefined;
  const rest = names.filter((other) => other !== name);
  return `${text.slice(0, at)}\nimport{${rest.join(",")}${text.slice(end)}`;
}

/** @param {{cwd: string, script: Script}} request */
function become({ cwd, script }) {
  const { file, path, module, keep = false, args = [], env = {} } = script;
  let text = "";
  try {
    setEnvironment(env);
    process.chdir(cwd);
    text = readFileSync(file, "utf8");
  } catch (error) {
    send({ type: "refused", value: String(error) });
    process.exit(1);
  }
  send({ type: "ready" });
  closeSync(PROTOCOL);
  delete require.cache[__filename];
  if (script.mapped) process.setSourceMapsEnabled(true);
  const asModule = module !== undefined && isModule(text);
  if (module !== undefined && !asModule) remove(module);
  if (keep && asModule) remove(path);
  process.argv = [process.execPath, asModule ? module : path, ...args];
  /** @type {any} */ (process).mainModule = undefined;
  if (asModule) runModule(module, keep);
  else runCommonJS(text, path);
}

async function start() {
  openStreams();
  // Done now because it takes a while: the loaders of both kinds, and the compiler.
  await import(EMPTY);
  /** @type {any} */ (Module.prototype)._compile.call(new Module("warm"), "", "warm", "commonjs");
  isModule("await 0");
  const version = process.versions.node;
  send({ type: "hello", protocol: PROTOCOL_VERSION, language: "javascript", version });
  for (;;) {
    const frame = nextFrame();
    if (frame.type === "shutdown") process.exit(0);
    if (frame.type === "script") return become(frame);
  }
}

start();
