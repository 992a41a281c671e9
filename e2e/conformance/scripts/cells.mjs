// Runs a table of cells, given as JSON on standard input, through the
// TypeScript SDK, and prints what the SDK told about each as lines of JSON.
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona, DaytonaTimeoutError } = require("@daytonaio/sdk");

/**
 * @typedef {{code: string, envs?: Record<string, string>, timeout?: number}} Step
 * @typedef {{name: string, language: string, cwd?: string, steps: Step[]}} Case
 */

// As many contexts as this are in use at a time.
const AT_ONCE = 4;

/** @type {Case[]} */
const cases = JSON.parse(await text(process.stdin));
const daytona = new Daytona({ target: "local" });
/** @type {Map<string, any>} */
const sandboxes = new Map();
for (const language of new Set(cases.map((c) => c.language))) {
  sandboxes.set(
    language,
    await daytona.create({ language: language === "go" ? undefined : language }),
  );
}

/**
 * @param {any} interpreter
 * @param {any} context
 * @param {Step} step
 */
async function run(interpreter, context, step) {
  const told = { stdout: "", stderr: "", error: null, status: "ok" };
  try {
    const result = await interpreter.runCode(step.code, {
      context,
      envs: step.envs,
      timeout: step.timeout,
      onStdout: (/** @type {{output: string}} */ m) => {
        told.stdout += m.output;
      },
      onStderr: (/** @type {{output: string}} */ m) => {
        told.stderr += m.output;
      },
      onError: (/** @type {any} */ e) => {
        told.error = e;
      },
    });
    if (result.stdout !== told.stdout || result.stderr !== told.stderr)
      told.status = "result and callbacks differ";
    else if (result.error) told.status = "error";
  } catch (e) {
    told.status = e instanceof DaytonaTimeoutError ? "timeout" : `thrown: ${e}`;
  }
  return told;
}

/**
 * Creates a context in Go, which the SDK knows no way to ask for but can use.
 * @param {string | undefined} cwd
 */
async function goContext(cwd) {
  const path = `/toolbox/${sandboxes.get("go").id}/process/interpreter/context`;
  const answer = await fetch(process.env.HOTCELL_URL + path, {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env.DAYTONA_API_KEY}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ language: "go", cwd }),
  });
  return answer.json();
}

/** @param {Case} c */
async function runCase(c) {
  const interpreter = sandboxes.get(c.language).codeInterpreter;
  const context =
    c.language === "go" ? await goContext(c.cwd) : await interpreter.createContext(c.cwd);
  const outcomes = [];
  for (const step of c.steps) outcomes.push(await run(interpreter, context, step));
  await interpreter.deleteContext(context);
  process.stdout.write(`${JSON.stringify({ name: c.name, language: c.language, outcomes })}\n`);
}

const queue = [...cases];
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let c = queue.shift(); c; c = queue.shift()) await runCase(c);
  }),
);
for (const sandbox of sandboxes.values()) await sandbox.delete();
