// The stateful example of Daytona's guide, as it stands.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(String(process.env.HOTCELL_E2E_NODE_MODULES), "x.js"));
const { Daytona } = require("@daytonaio/sdk");

const daytona = new Daytona();
const sandbox = await daytona.create();

// Shared default context
await sandbox.codeInterpreter.runCode(`counter = 1\nprint(f'Counter initialized at {counter}')`, {
  onStdout: (msg) => process.stdout.write(`[STDOUT] ${msg.output}`),
});

// Isolated context
const ctx = await sandbox.codeInterpreter.createContext();
try {
  await sandbox.codeInterpreter.runCode(`value = 'stored in ctx'`, { context: ctx });
  await sandbox.codeInterpreter.runCode(`print(value)`, {
    context: ctx,
    onStdout: (msg) => process.stdout.write(`[STDOUT] ${msg.output}`),
  });
} finally {
  await sandbox.codeInterpreter.deleteContext(ctx);
}
